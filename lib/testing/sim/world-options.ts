import type { EventDecoder, SinkRow } from '../../ports/index.js'
import type { Limits } from '../../runtime/limits.js'
import type { Swarm } from './faults.js'
import type { Invariants } from './invariants.js'
import type { LogPlan, SimLog } from './log.js'
import type { CrashPoint } from './ports.js'
import type { SimTable } from './table.js'

/** The default start time of a world's clock. */
export const START_MS = 1_700_000_000_000

export interface WorldOptions {
  readonly seed: number
  readonly logs: readonly LogPlan[]
  readonly swarm: Swarm
  /**
   * The loaded decoders of the pipeline's connectors: an import takes real time, which the simulation must not depend
   * on.
   */
  readonly decoders: ReadonlyMap<string, EventDecoder>
  /** Why a sink permanently refuses a row; undefined if it accepts the row. */
  readonly refuses?: (sink: string, row: SinkRow) => string | undefined
  /** Maximum records per batch. Default 6. */
  readonly batch?: number
  /** Partitions of a topic per poller. Default all. */
  readonly partitionsPerPoller?: number
  readonly kafkaPartialAnswers?: boolean
  /**
   * How a run ends: every source turns out to be finite, or the clock closes the remaining windows (the pipeline must
   * have `idle.close`).
   */
  readonly ending?: 'bounded' | 'clock'
  /** The event time up to which everything of a stage must be closed in the end, given the final logs. */
  readonly horizonOf: (world: Pick<Outcome, 'logs' | 'checks'>) => (stage: number) => number
  readonly limits?: Partial<Limits>
  readonly stepsMax?: number
  /** Runs one call after the other, in the order of their arrival. */
  readonly isSequential?: boolean
  readonly crashes?: readonly CrashPoint[]
  /** Called with everything that happens, and its time in the world. */
  readonly onEvent?: (event: string, now: number) => void
  readonly startMs?: number
  readonly tickMs?: number
}

/** The outcome of a run. */
export interface Outcome {
  /** Whether everything was closed and nothing was left to do. */
  readonly isFinished: boolean
  /** Violated invariants, in words; empty if there are none. */
  readonly violations: readonly string[]
  readonly steps: number
  /** Number of port calls, and the numbers of those that were writes. */
  readonly calls: number
  readonly writes: readonly number[]
  readonly invocations: number
  readonly simulatedMs: number
  /** The same for the same seed and the same code. */
  readonly hash: number
  /** Rows of each sink: JSON by id. */
  readonly rows: ReadonlyMap<string, ReadonlyMap<string, string>>
  readonly checks: Invariants
  readonly logs: readonly SimLog[]
  readonly table: SimTable
}
