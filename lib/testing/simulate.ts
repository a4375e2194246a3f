import { checkOptions, TIME_MAX } from '../base/index.js'
import { recordDecoder } from '../codecs/decoder.js'
import { type Pipeline, plan } from '../pipeline/index.js'
import type { EventDecoder } from '../ports/index.js'
import { FAULT_NAMES, type Fault, Swarm } from './sim/faults.js'
import { World } from './sim/world.js'
import { logsOf, type SimulateInput } from './simulate-input.js'

export interface SimulateOptions {
  /**
   * What each source holds: the values of each of its splits, in the order of the log. They are written as JSON; a
   * Uint8Array and what `raw()` gives are payloads as they are. A source that is left out is empty.
   */
  readonly input: SimulateInput
  /** Which faults happen, and when. Default 1. The same seed gives the same run, step by step. */
  readonly seed?: number
  /**
   * Kinds of faults that may happen, of which a seed enables about a third; `[]` for none. Default: all that lose no
   * record.
   */
  readonly faults?: readonly Fault[]
}

/** Rows by sink. `Rows` says what rows the sinks take whose names it has; those of the others are unknown. */
export type SimulatedRows<Rows extends object> = {
  readonly [Sink in keyof Rows]: readonly Rows[Sink][]
} & Readonly<Record<string, readonly unknown[]>>

/** What a simulated run came to. */
export interface Simulated<Rows extends object = Record<never, never>> {
  /**
   * What each sink of the pipeline holds in the end, as JSON has it, in the order of the rows' ids. A sink that got
   * nothing has an empty list.
   */
  readonly rows: SimulatedRows<Rows>
  /** Promises that were broken, in words. Empty, or something is wrong. */
  readonly violations: readonly string[]
  /** Faults that were injected, by kind. */
  readonly injected: Readonly<Partial<Record<Fault, number>>>
  readonly invocations: number
  readonly simulatedMs: number
  /** Of everything that happened, in order. */
  readonly hash: number
}

/** What a source, an operator or a vandal does to records is no fault of a run of given records. */
const NOT_OF_A_RUN: readonly Fault[] = [
  'trim',
  'topic-remade',
  'bit-flip',
  'lost-segment',
  'future-format',
  'refused-row',
]
/** Later than any timestamp that people test with: nothing lies in the future. */
const START_MS = Date.UTC(2100, 0, 1)

/**
 * Runs a pipeline's real handlers in a simulated region, in virtual time: containers that crash, freeze and wake as
 * zombies, tables that throttle and answer late, batches that come twice, halved, or from another poller, sinks that
 * fail half-way. Whatever the seed, the rows are the same as without any fault.
 * @throws {ConfigError} for input of a source that the pipeline does not have, or of a form that no source has
 * @example
 * const input = { orders: [[{ id: 1, at: 1_000 }, { id: 2, at: 61_000 }]] }
 * const calm = await simulate(pipeline, { input, faults: [] })
 * for (let seed = 1; seed <= 100; seed++) expect((await simulate(pipeline, { input, seed })).rows).toEqual(calm.rows)
 * @example
 * type Revenue = WindowResult<string, { total: number }>
 * const { rows } = await simulate<{ revenue: Revenue }>(pipeline, { input, faults: [] })
 * expect(rows.revenue.map((row) => row.value.total)).toEqual([30, 1])
 */
export async function simulate<Rows extends object = Record<never, never>>(
  pipeline: Pipeline,
  options: SimulateOptions,
): Promise<Simulated<Rows>> {
  checkOptions('simulate()', options, { input: true, seed: true, faults: true })
  const { input, seed = 1 } = options
  const { sources, sinks } = plan(pipeline)
  const logs = logsOf(pipeline.name, sources, input)
  const decoders = new Map<string, EventDecoder>()
  // What is imported takes as long as it takes: all of it is there before virtual time begins.
  for (const source of sources) {
    if (!decoders.has(source.connector)) decoders.set(source.connector, await source.open())
    await recordDecoder(source)
  }
  const kinds = options.faults ?? FAULT_NAMES.filter((kind) => !NOT_OF_A_RUN.includes(kind))
  const swarm = new Swarm({ seed, kinds })
  const world = new World(pipeline, {
    seed,
    swarm,
    decoders,
    logs,
    batch: 10,
    horizonOf: () => () => TIME_MAX,
    startMs: START_MS,
  })
  const { rows, violations, invocations, simulatedMs, hash } = await world.run()
  return {
    // JSON has no types: what is said of the rows is the caller's word, as it is for a sink's own.
    rows: Object.fromEntries(
      sinks.map(({ name }) => [name, inOrder(rows.get(name))]),
    ) as unknown as SimulatedRows<Rows>,
    violations,
    injected: Object.fromEntries(swarm.counts),
    invocations,
    simulatedMs,
    hash,
  }
}

function inOrder(byId: ReadonlyMap<string, string> = new Map()): unknown[] {
  return [...byId].sort((a, b) => (a[0] < b[0] ? -1 : 1)).map(([, text]) => JSON.parse(text))
}
