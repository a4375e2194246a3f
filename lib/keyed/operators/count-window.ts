import type { AggregateMap } from '../../aggregate/index.js'
import { gcd } from '../../window/index.js'
import { Folds } from '../folds.js'
import type { KeyRun } from '../key-run.js'
import { type Held, held } from './held.js'
import type { RowContext, RowOperator } from './logic.js'

/** Consecutive rows of a key. */
interface Run {
  readonly count: number
  /** The earliest and the latest event time of its rows. */
  readonly first: number
  readonly last: number
  readonly accs: readonly any[]
}

const encodeRun = (folds: Folds, { count, first, last, accs }: Run): unknown[] => [
  count,
  first,
  last,
  folds.encode(accs),
]
const decodeRun = (folds: Folds, [count, first, last, accs]: [number, number, number, any[]]): Run => ({
  count,
  first,
  last,
  accs: folds.decode(accs),
})

function added(folds: Folds, before: Run | undefined, { timestamp, state }: RowContext<Held<any>>, row: unknown): Run {
  const accs = folds.added(before?.accs, row, state.kept.place())
  if (before === undefined) return { count: 1, first: timestamp, last: timestamp, accs }
  return {
    count: before.count + 1,
    first: Math.min(before.first, timestamp),
    last: Math.max(before.last, timestamp),
    accs,
  }
}

function joined(folds: Folds, a: Run, b: Run): Run {
  return {
    count: a.count + b.count,
    first: Math.min(a.first, b.first),
    last: Math.max(a.last, b.last),
    accs: folds.merge(a.accs, b.accs),
  }
}

function resultOf(folds: Folds, { count, first, last, accs }: Run, ctx: RowContext<any>): object {
  // The run of a key is the context of its handlers.
  const { rowId: id } = ctx as unknown as KeyRun
  return { key: ctx.key, value: folds.value(accs), window: { first, last }, count, id }
}

/** Windows of `size` rows, one after another. An incomplete one closes when `timeoutMs` is over. */
export function countTumbling(
  map: AggregateMap<any, any>,
  size: number,
  timeoutMs: number | undefined,
): RowOperator<Held<Run>> {
  const folds = new Folds(map)
  const state = held<Run>({
    decode: (json) => decodeRun(folds, json),
    encode: (run) => encodeRun(folds, run),
    isOfFolds: true,
  })
  return {
    state,
    handlers: {
      onRow(ctx, row) {
        const { kept } = ctx.state
        const run = added(folds, kept.get(), ctx, row)
        if (run.count < size) {
          kept.set(run)
          // The last ms that belongs to the window.
          if (run.count === 1 && timeoutMs !== undefined) ctx.timers.set('timeout', ctx.now + timeoutMs - 1)
          return []
        }
        const result = resultOf(folds, run, ctx)
        kept.clear()
        if (timeoutMs !== undefined) ctx.timers.delete('timeout')
        return [result]
      },
      // Without a timeout, no timer is set.
      onTimer(ctx) {
        const { kept } = ctx.state
        const result = resultOf(folds, kept.get()!, ctx)
        kept.clear()
        return [result]
      },
    },
  }
}

/** The rows of a sliding window, in panes of equally many rows, and the number of rows since the last result. */
interface Panes {
  readonly panes: Run[]
  since: number
}

/** Every `slide` rows, the last `size` rows. */
export function countSliding(
  map: AggregateMap<any, any>,
  size: number,
  slide: number,
  ttlMs: number | undefined,
): RowOperator<Held<Panes>> {
  const folds = new Folds(map)
  const rowsOfPane = gcd(size, slide)
  const most = size / rowsOfPane
  const state = held<Panes>({
    decode: ([since, ...panes]) => ({ since, panes: panes.map((run: any) => decodeRun(folds, run)) }),
    encode: ({ since, panes }) => [since, ...panes.map((run) => encodeRun(folds, run))],
    isOfFolds: true,
  })
  return {
    state,
    ttlMs,
    advice: 'Use a smaller size, or a larger slide that divides it.',
    handlers: {
      onRow(ctx, row) {
        const { kept } = ctx.state
        const { panes, since } = kept.get() ?? { panes: [], since: 0 }
        const open = panes.at(-1)
        if (open !== undefined && open.count < rowsOfPane) panes[panes.length - 1] = added(folds, open, ctx, row)
        else panes.push(added(folds, undefined, ctx, row))
        if (panes.length > most) panes.shift()
        const isDue = since + 1 === slide
        kept.set({ panes, since: isDue ? 0 : since + 1 })
        return isDue
          ? [
              resultOf(
                folds,
                panes.reduce((a, b) => joined(folds, a, b)),
                ctx,
              ),
            ]
          : []
      },
    },
  }
}
