import { ConfigError, checkOptions, TIME_MAX } from '../base/index.js'
import { recordDecoder } from '../codecs/decoder.js'
import { type Pipeline, plan } from '../pipeline/index.js'
import type { EventDecoder } from '../ports/index.js'
import { FAULT_NAMES, type Fault, Swarm } from './sim/faults.js'
import type { Connector, LogPlan } from './sim/log.js'
import { World } from './sim/world.js'

export interface SimulateOptions {
  /** What each source holds: the values of each of its splits, in the order of the log. They are written as JSON. */
  readonly input: Readonly<Record<string, readonly (readonly unknown[])[]>>
  /** Which faults happen, and when. Default 1. The same seed gives the same run, step by step. */
  readonly seed?: number
  /** Kinds of faults that may happen, of which a seed enables about a third; `[]` for none. Default: all that lose no record. */
  readonly faults?: readonly Fault[]
}

/** What a simulated run came to. */
export interface Simulated {
  /** What each sink holds in the end: rows by their ids, in the order of the ids. */
  readonly rows: Readonly<Record<string, readonly unknown[]>>
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
 * Runs a pipeline's real handlers in a simulated region, in virtual time: containers that crash, freeze and wake as zombies, tables that throttle and answer
 * late, batches that come twice, halved, or from another poller, sinks that fail half-way. Whatever the seed, the rows are the same as without any fault.
 * @throws {ConfigError} for input of a source that the pipeline does not have
 * @example
 * const input = { orders: [[{ id: 1, at: 1_000 }, { id: 2, at: 61_000 }]] }
 * const calm = await simulate(pipeline, { input, faults: [] })
 * for (let seed = 1; seed <= 100; seed++) expect((await simulate(pipeline, { input, seed })).rows).toEqual(calm.rows)
 */
export async function simulate(pipeline: Pipeline, options: SimulateOptions): Promise<Simulated> {
  checkOptions('simulate()', options, { input: true, seed: true, faults: true })
  const { input, seed = 1 } = options
  const { sources } = plan(pipeline)
  const unknown = Object.keys(input).find((name) => !sources.some((source) => source.name === name))
  if (unknown !== undefined)
    throw new ConfigError(
      'unknown-name',
      `input names the source "${unknown}"; pipeline "${pipeline.name}" has ${sources.map(({ name }) => name).join(', ')}.`,
    )
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
    logs: sources.flatMap(({ name, connector }) =>
      (input[name] ?? []).map((values, i) => logOf(name, connector as Connector, i, values)),
    ),
    batch: 10,
    horizonOf: () => () => TIME_MAX,
    startMs: START_MS,
  })
  const { rows, violations, invocations, simulatedMs, hash } = await world.run()
  return {
    rows: Object.fromEntries([...rows].map(([sink, byId]) => [sink, inOrder(byId)])),
    violations,
    injected: Object.fromEntries(swarm.counts),
    invocations,
    simulatedMs,
    hash,
  }
}

function logOf(source: string, connector: Connector, index: number, values: readonly unknown[]): LogPlan {
  const names: Record<Connector, string> = {
    kinesis: `shardId-${String(index).padStart(12, '0')}`,
    kafka: `${source}-${index}`,
    file: `part-${index}`,
  }
  return {
    source,
    split: names[connector],
    records: values.map((value, offset) => ({ offset, arrivalMs: 0, payload: JSON.stringify(value) })),
    isClosed: true,
  }
}

function inOrder(byId: ReadonlyMap<string, string>): unknown[] {
  return [...byId].sort((a, b) => (a[0] < b[0] ? -1 : 1)).map(([, text]) => JSON.parse(text))
}
