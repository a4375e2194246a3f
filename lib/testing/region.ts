import { TIME_MAX } from '../base/index.js'
import { recordDecoder } from '../codecs/decoder.js'
import { type Pipeline, plan } from '../pipeline/index.js'
import type { EventDecoder } from '../ports/index.js'
import { loadKeyed } from '../runtime/keyed/load.js'
import { FAULT_NAMES, type Fault, Swarm } from './sim/faults.js'
import type { LogPlan } from './sim/log.js'
import { World } from './sim/world.js'
import type { Outcome } from './sim/world-options.js'

/** Faults that change records, and those of an operator or of damage, are not applied to given records. */
const NOT_OF_A_RUN: readonly Fault[] = [
  'trim',
  'topic-remade',
  'bit-flip',
  'lost-segment',
  'future-format',
  'refused-row',
]
/** Faults after which the rows are still the same: no record is lost, and nothing is damaged. */
export const HARMLESS: readonly Fault[] = FAULT_NAMES.filter((kind) => !NOT_OF_A_RUN.includes(kind))

/** Steps in which a record should be done, at the worst. */
const STEPS_PER_RECORD = 60
const STEPS_MIN = 60_000

/** Later than any timestamp that a test is likely to use: no timestamp is in the future. */
export const START_MS = Date.UTC(2100, 0, 1)

export interface RegionOptions {
  readonly seed: number
  /** The kinds of faults that may happen. */
  readonly kinds: readonly Fault[]
  readonly logs: readonly LogPlan[]
  /** Maximum records per batch. Default 10. */
  readonly batch?: number
  /** Which injections take place, by their number. */
  readonly allows?: (ordinal: number) => boolean
  readonly startMs?: number
}

export interface RegionRun {
  readonly outcome: Outcome
  /** Injected faults, by kind. */
  readonly injected: ReadonlyMap<Fault, number>
  /** Number of injections, including those that were left out. */
  readonly ordinals: number
  /** The ids of the rows of each sink that delete a row. */
  readonly deletes: ReadonlyMap<string, ReadonlySet<string>>
}

/** Runs a pipeline on given logs in a simulated region, until all records are counted and all windows are closed. */
export async function runRegion(pipeline: Pipeline, options: RegionOptions): Promise<RegionRun> {
  const { seed, kinds, logs, batch = 10, allows, startMs = START_MS } = options
  const decoders = new Map<string, EventDecoder>()
  // An import takes real time: everything is imported before virtual time begins.
  for (const source of plan(pipeline).sources) {
    if (!decoders.has(source.connector)) decoders.set(source.connector, await source.open())
    await recordDecoder(source)
  }
  await loadKeyed(plan(pipeline))
  const swarm = new Swarm({ seed, kinds, ...(allows && { allows }) })
  const world = new World(pipeline, {
    seed,
    swarm,
    decoders,
    logs,
    batch,
    horizonOf: () => () => TIME_MAX,
    startMs,
    stepsMax: Math.max(STEPS_MIN, logs.reduce((sum, { records }) => sum + records.length, 0) * STEPS_PER_RECORD),
  })
  const outcome = await world.run()
  return { outcome, injected: swarm.counts, ordinals: swarm.ordinals, deletes: world.sinks.deletes() }
}
