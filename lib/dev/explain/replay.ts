import { setTimeout as sleep } from 'node:timers/promises'
import { MillraceError } from '../../base/index.js'
import { ingest, tick } from '../../handlers/index.js'
import { InvocationMetrics, randomIds, silentLogger, systemClock } from '../../observe/index.js'
import type { Pipeline } from '../../pipeline/index.js'
import type { SinkRow, StateStore } from '../../ports/index.js'
import { MemoryTable, memoryStore } from '../../state/memory/index.js'
import { statusOf } from '../../testing/status.js'
import type { SplitLog } from '../input/split-log.js'
import type { StreamInput } from '../input/stream-input.js'
import { judge } from '../poller/answer.js'
import { buildEvent } from '../poller/events.js'

/** Reads a pipeline's input again, in memory, to observe what happens to it. */
export interface Replay {
  readonly pipeline: Pipeline
  readonly inputs: readonly StreamInput[]
  /** A record that is delivered alone. */
  readonly alone?: { readonly input: StreamInput; readonly split: string; readonly index: number }
  readonly before?: (store: StateStore) => Promise<void>
  readonly after?: (store: StateStore) => Promise<void>
  readonly written: (sink: string, rows: readonly SinkRow[]) => void
  readonly onProgress?: (records: number) => void
}

const BATCH = 1_000
const WINDOW_MS = 50
const TIMEOUT_MS = 600_000
const TICKS_MAX = 1_200
const LAST_TICK_MS = 20

/**
 * Runs all input through the handlers, to the end. Results depend only on the contents of the splits, so they equal the
 * results of any other run.
 */
export async function replay(options: Replay): Promise<void> {
  const { pipeline, inputs } = options
  const store = memoryStore(new MemoryTable())
  const bindings = {
    state: store,
    sink: async (node: { readonly name: string }) => ({
      write: async (batches: readonly { readonly rows: readonly SinkRow[] }[]) => {
        for (const { rows } of batches) options.written(node.name, rows)
      },
      close: async () => undefined,
    }),
    inspectors: Object.fromEntries(inputs.map((input) => [input.source.name, input])),
    clock: systemClock,
    ids: randomIds,
    logger: silentLogger,
    metrics: new InvocationMetrics(),
    timeoutMs: TIMEOUT_MS,
  }
  const handlers = { ingest: ingest(pipeline, bindings), tick: tick(pipeline, bindings) }
  // An environment runs one invocation at a time.
  let turn: Promise<unknown> = Promise.resolve()
  const invoke = async <T>(work: () => Promise<T>): Promise<T> => {
    const mine = turn.then(work)
    turn = mine.catch(() => undefined)
    return await mine
  }
  let records = 0
  const poll = async (input: StreamInput, log: SplitLog): Promise<void> => {
    const { alone } = options
    const stop = alone?.input === input && alone.split === log.split ? alone.index : undefined
    for (let next = 0; await log.ready(next, BATCH, WINDOW_MS); ) {
      const isAlone = next === stop
      const to = isAlone ? next + 1 : Math.min(log.total, next + BATCH, next < (stop ?? 0) ? stop! : log.total)
      const event = buildEvent(input, [{ log, from: next, to }], systemClock.now())
      await invoke(async () => {
        if (isAlone) await options.before?.(store)
        const outcome = judge(input, event.ranges, await handlers.ingest(JSON.parse(event.json)))
        if (outcome.kind === 'failed' || outcome.at[0]! < event.ranges[0]!.to)
          throw new MillraceError('stuck', `${input.source.name} ${log.split} makes no progress after record ${next}.`)
        if (isAlone) await options.after?.(store)
      })
      records += event.ranges[0]!.to - next
      next = event.ranges[0]!.to
      log.forget(next)
      input.taken()
      options.onProgress?.(records)
    }
  }
  const work = inputs.flatMap((input) => [input.read(), ...input.logs.map((log) => poll(input, log))])
  try {
    await Promise.all(work)
  } finally {
    for (const input of inputs) input.stop()
    await Promise.allSettled(work)
  }
  for (let ticks = 0; ticks < TICKS_MAX; ticks++) {
    await invoke(() => handlers.tick({}))
    if ((await statusOf(pipeline, store)).complete) return
    if (ticks > 1) await sleep(LAST_TICK_MS)
  }
  throw new MillraceError('stuck', `All input was read, but some window has not closed after ${TICKS_MAX} ticks.`)
}
