import type { EventDecoder, SinkRow } from '../../ports/index.js'
import type { Limits } from '../../runtime/limits.js'
import type { Swarm } from './faults.js'
import type { Invariants } from './invariants.js'
import type { LogPlan, SimLog } from './log.js'
import type { CrashPoint } from './ports.js'
import type { SimTable } from './table.js'

/** When a world's clock starts, unless it is told otherwise. */
export const START_MS = 1_700_000_000_000

export interface WorldOptions {
  readonly seed: number
  readonly logs: readonly LogPlan[]
  readonly swarm: Swarm
  /**
   * Decoders of the pipeline's connectors, loaded: an import takes as long as it takes, and the simulation must not.
   */
  readonly decoders: ReadonlyMap<string, EventDecoder>
  /** Rows that a sink can never take, and why. */
  readonly refuses?: (sink: string, row: SinkRow) => string | undefined
  /** Most records of a batch. Default 6. */
  readonly batch?: number
  /** Partitions of a topic that one poller has. Default all. */
  readonly partitionsPerPoller?: number
  readonly kafkaPartialAnswers?: boolean
  /**
   * How time ends: every source turns out finite, or the clock closes what is left (the pipeline must have
   * `idle.close`).
   */
  readonly ending?: 'bounded' | 'clock'
  /** The event time up to which everything of a stage has to be closed in the end, of the logs as they came to be. */
  readonly horizonOf: (world: Pick<Outcome, 'logs' | 'checks'>) => (stage: number) => number
  readonly limits?: Partial<Limits>
  readonly stepsMax?: number
  /** One call after the other, in the order of their coming. */
  readonly isSequential?: boolean
  readonly crashes?: readonly CrashPoint[]
  /** Told of everything that happens, at which time of the world. */
  readonly onEvent?: (event: string, now: number) => void
  readonly startMs?: number
  readonly tickMs?: number
}

/** What a run came to. */
export interface Outcome {
  /** Everything was closed, and nothing was left to do. */
  readonly isFinished: boolean
  /** Promises that were broken, in words; empty is sound. */
  readonly violations: readonly string[]
  readonly steps: number
  /** Calls of ports, and which of them were writes. */
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
