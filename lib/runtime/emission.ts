import { messageOf } from '../base/index.js'
import type { OperatorPlan, Rejected, StagePlan, WindowResult } from '../pipeline/index.js'
import type { SinkNode, SinkRow } from '../ports/index.js'
import { rowPosition } from './cursor.js'
import { FragileFold } from './fold.js'
import type { Host } from './host.js'
import type { PaneDraft } from './panes.js'
import { type RecordPlace, StageFold, type StageRefold } from './stage-fold.js'
import { fieldOf, named } from './user-code.js'

/** Where a result stands among those of its slice. */
interface ResultPlace {
  readonly hash: number
  readonly rank: number
  readonly n: number
}

/** One result on its way to the steps after its operator: a record of the key group as a split of the next stage. */
export class Emission implements RecordPlace {
  readonly result: WindowResult<any, any>
  readonly weight: 1 | -1
  readonly part: string
  /** The key group's own watermark when it was made: the start of the slice that closed. */
  readonly own: number
  readonly timestamp: number
  readonly source: string
  private readonly slice: number
  private readonly hash: number
  /** Of the key among those of its hash. */
  private readonly rank: number
  /** Counts the results of one key in one slice. */
  private readonly n: number

  constructor(
    operator: OperatorPlan,
    slice: number,
    part: string,
    { hash, rank, n }: ResultPlace,
    weight: 1 | -1,
    result: WindowResult<any, any>,
  ) {
    this.result = result
    this.weight = weight
    this.part = part
    this.own = slice - operator.slices.widthMs
    this.timestamp = result.window.end - 1
    this.source = operator.name
    this.slice = slice
    this.hash = hash
    this.rank = rank
    this.n = n
  }

  get id(): string {
    return this.result.id
  }
  get split(): string {
    return this.source
  }
  get splitId(): string {
    return this.source
  }
  get turn(): number {
    return Math.max(this.timestamp, this.own)
  }
  /** Made only when it is asked for: results that no other operator reads have no use of it. */
  get position(): string {
    return rowPosition(this.slice, this.hash, this.rank, this.n)
  }
}

/** A pane whose result, or a step after it, threw: it is rejected by (operator, key, turn), and all else goes on (law 14). */
export interface FailedEmission {
  readonly row: SinkRow
  readonly part: string
}

/** Adds the results of a pane: one, or a retraction and its replacement. `n` counts the results of one key in one slice, `rank` is the key's among those of its hash. */
export function addEmissions(
  operator: OperatorPlan,
  slice: number,
  draft: PaneDraft,
  part: string,
  rank: number,
  n: number,
  emissions: Emission[],
  failed: FailedEmission[],
): void {
  const { cell, window, pane, accs, before } = draft
  const place = { hash: cell.hash, rank, n }
  const id = `${operator.name}|${cell.text}|${window.start}-${window.end}|${pane.index}`
  try {
    if (operator.node.accumulation !== 'retracting') {
      const result = { key: cell.key, value: resultValue(operator, accs), window, pane, id }
      emissions.push(new Emission(operator, slice, part, place, 1, result))
      return
    }
    const value = resultValue(operator, accs)
    if (before !== undefined) {
      const taken = {
        key: cell.key,
        value: resultValue(operator, before),
        window,
        pane,
        id: `${id}|-`,
        op: '-',
      } as const
      emissions.push(new Emission(operator, slice, part, place, -1, taken))
    }
    emissions.push(
      new Emission(operator, slice, part, { ...place, n: n + 1 }, 1, {
        key: cell.key,
        value,
        window,
        pane,
        id,
        op: '+',
      }),
    )
  } catch (thrown) {
    failed.push({ row: failure(operator, id, cell.key, slice, window, thrown), part })
  }
}

function resultValue(operator: OperatorPlan, accs: readonly any[]): Record<string, unknown> {
  const { fields, folds } = operator
  const value: Record<string, unknown> = {}
  for (let i = 0; i < fields.length; i++) {
    try {
      value[fields[i]!] = folds[i]!.result(accs[i])
    } catch (thrown) {
      throw named(fieldOf(operator, i), thrown)
    }
  }
  return value
}

function failure(
  operator: OperatorPlan,
  id: string,
  key: any,
  slice: number,
  window: { start: number; end: number },
  thrown: unknown,
): SinkRow {
  const value: Rejected = {
    reason: 'step-threw',
    detail: messageOf(thrown),
    source: operator.name,
    split: operator.name,
    position: String(slice),
    timestamp: window.end - 1,
    operator: operator.name,
    key,
    window,
    payload: null,
  }
  return { id: `${id}|rejected`, value, order: id }
}

/** Rows for sinks, by sink and part. */
export type PartRows = Map<SinkNode<any>, Map<string, SinkRow[]>>

export function addPartRow(parts: PartRows, sink: SinkNode<any>, part: string, row: SinkRow): void {
  let byPart = parts.get(sink)
  if (byPart === undefined) {
    byPart = new Map()
    parts.set(sink, byPart)
  }
  const rows = byPart.get(part)
  if (rows === undefined) byPart.set(part, [row])
  else rows.push(row)
}

/**
 * Runs the steps after an operator over its results: rows for sinks, by part, and a fold for the stage that reads on. Results at or before
 * `counted` are in that stage's segments already: they only go to sinks again.
 */
export function runEmissions(
  host: Host,
  operator: OperatorPlan,
  next: StagePlan | undefined,
  emissions: readonly Emission[],
  counted: string,
  keep?: StageRefold,
) {
  const { deadLetter } = host.plan.pipeline
  const program = host.program(operator.node.id)
  const spoilt = new Map<string, unknown>()
  for (;;) {
    const parts: PartRows = new Map()
    let part = ''
    const fold = new StageFold({ operators: next?.operators ?? [] }, deadLetter, keep, (sink, id, value) =>
      addPartRow(parts, sink, part, { id, value, order: '' }),
    )
    let again = false
    for (const emission of emissions) {
      part = emission.part
      try {
        if (spoilt.size > 0 && spoilt.has(emission.position)) throw spoilt.get(emission.position)
        const rows = program.run(emission.result)
        if (next === undefined || emission.position <= counted)
          fold.repeat(rows, emission) // guard: passed-on-once
        else fold.accept(rows, emission.own, emission.weight, emission)
      } catch (thrown) {
        if (thrown instanceof FragileFold && !spoilt.has(emission.position)) {
          spoilt.set(emission.position, thrown)
          again = true
          break
        }
        if (next !== undefined && emission.position > counted) {
          fold.counters.in++
          fold.counters.rejected++
        }
        const { key, window } = emission.result
        addPartRow(
          parts,
          deadLetter,
          part,
          failure(operator, emission.id, key, emission.own + operator.slices.widthMs, window, thrown),
        )
      }
    }
    if (!again) return { fold, parts }
  }
}
