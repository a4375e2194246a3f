import { Duration, Token } from 'aws-cdk-lib'
import { StartingPosition } from 'aws-cdk-lib/aws-lambda'
import { ConfigError } from '../../lib/base/index.js'

/**
 * What may be asked of an event source mapping. Some of it is here only to be refused: whoever knows mappings asks for it, and gets told why a law needs it otherwise.
 * What is not here is set as the laws need it: whole batches are repeated for ever, in order, one at a time a split, and answered in parts where the mapping takes that.
 */
export interface MappingOptions {
  /**
   * Most records of a batch, 1 to 10,000. Larger batches cost less: a batch writes a few items, whatever it holds.
   * @default 1000
   */
  readonly batchSize?: number
  /**
   * How long a batch may wait to fill, up to 300 s. It adds to the latency of every result.
   * @default 1 second
   */
  readonly maxBatchingWindow?: Duration
  /**
   * Where a mapping begins that is new. LATEST is refused: what comes while the mapping is made would be passed over.
   * @default StartingPosition.TRIM_HORIZON
   */
  readonly startingPosition?: StartingPosition
  /** Seconds since 1970; with `StartingPosition.AT_TIMESTAMP` only. */
  readonly startingPositionTimestamp?: number
  /**
   * False pauses: nothing is read, and the mapping keeps its position.
   * @default true
   */
  readonly enabled?: boolean
  /** Refused unless 1. */
  readonly parallelizationFactor?: number
  /** Refused unless -1. */
  readonly retryAttempts?: number
  /** Refused. */
  readonly maxRecordAge?: Duration
  /** Refused. */
  readonly filters?: readonly object[]
  /** Refused. */
  readonly tumblingWindow?: Duration
  /** Refused unless true. */
  readonly reportBatchItemFailures?: boolean
}

const BATCH_MAX = 10_000
const WINDOW_S_MAX = 300

/** What every mapping of a log is given: what was asked for, or what it costs least by. */
export function settledMapping(options: MappingOptions) {
  const { startingPositionTimestamp } = options
  return {
    batchSize: options.batchSize ?? 1_000,
    maxBatchingWindow: options.maxBatchingWindow ?? Duration.seconds(1),
    startingPosition: options.startingPosition ?? StartingPosition.TRIM_HORIZON,
    ...(startingPositionTimestamp !== undefined && { startingPositionTimestamp }),
    enabled: options.enabled ?? true,
  }
}

/** What a mapping that takes them is given: it repeats for ever, halves what fails, and hears which record was not done. */
export const REPEATED = { retryAttempts: -1, bisectBatchOnError: true, reportBatchItemFailures: true } as const

/** Throws what rule an option breaks, its value, and what to do. */
export function refuse(where: string, option: string, value: unknown, rule: string, fix: string): never {
  throw new ConfigError('breaks-law', `${where}: ${option} is ${textOf(value)}. ${rule} ${fix}`)
}

function textOf(value: unknown): string {
  if (typeof value === 'object' && value !== null && 'toHumanString' in value)
    return (value as Duration).toHumanString()
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** Holds a mapping's options against the laws, and against what mappings can do at all. */
export function checkMapping(where: string, options: MappingOptions): void {
  const { batchSize, maxBatchingWindow, startingPosition, startingPositionTimestamp } = options
  if (options.parallelizationFactor !== undefined && options.parallelizationFactor !== 1)
    refuse(
      where,
      'parallelizationFactor',
      options.parallelizationFactor,
      'A split has one position, and one attempt at a time that moves it (laws 2 and 5): lanes of one shard would pass each other.',
      'Leave it out; to go faster, split shards or make batches larger.',
    )
  if (options.retryAttempts !== undefined && options.retryAttempts !== -1)
    refuse(
      where,
      'retryAttempts',
      options.retryAttempts,
      'A mapping that gives a batch up loses its records (law 10); poison goes to the dead letter by itself (law 14).',
      'Leave it out: batches are repeated until they are done.',
    )
  if (options.maxRecordAge !== undefined)
    refuse(
      where,
      'maxRecordAge',
      options.maxRecordAge,
      'A mapping that drops old records loses them (law 10).',
      'Leave it out; what is too old for its window goes to the late output, visibly.',
    )
  if (options.filters !== undefined && options.filters.length > 0)
    refuse(
      where,
      'filters',
      options.filters,
      "Records that a mapping hides never move their split's watermark, and are counted nowhere (laws 1 and 10).",
      'Leave them out, and use .filter() in the pipeline.',
    )
  if (options.tumblingWindow !== undefined)
    refuse(
      where,
      'tumblingWindow',
      options.tumblingWindow,
      "A mapping's windows are windows of arrival, and their state is lost when a shard splits.",
      'Leave it out, and use .window(tumbling(…)) in the pipeline.',
    )
  if (options.reportBatchItemFailures === false)
    refuse(
      where,
      'reportBatchItemFailures',
      false,
      'An attempt that runs out of time answers with its first undone record (law 11).',
      'Leave it out.',
    )
  if (startingPosition === StartingPosition.LATEST)
    refuse(
      where,
      'startingPosition',
      'LATEST',
      'A mapping takes minutes to begin, and passes over what comes until then (law 10).',
      'Leave it out, or give StartingPosition.AT_TIMESTAMP with a startingPositionTimestamp.',
    )
  if ((startingPosition === StartingPosition.AT_TIMESTAMP) !== (startingPositionTimestamp !== undefined))
    refuse(
      where,
      'startingPositionTimestamp',
      startingPositionTimestamp ?? 'not given',
      'AT_TIMESTAMP begins at one, and nothing else does.',
      'Give both or neither.',
    )
  if (isOutside(batchSize, 1, BATCH_MAX))
    refuse(where, 'batchSize', batchSize, `A batch has 1 to ${BATCH_MAX} records.`, 'Give a whole number in between.')
  if (maxBatchingWindow !== undefined && isOutside(secondsOf(maxBatchingWindow), 0, WINDOW_S_MAX))
    refuse(
      where,
      'maxBatchingWindow',
      maxBatchingWindow,
      `A batch waits for 0 to ${WINDOW_S_MAX} whole seconds.`,
      'Give a duration in between.',
    )
}

/** Whether a number is known, and not a whole one between these. */
export function isOutside(value: number | undefined, least: number, most: number): boolean {
  if (value === undefined || Token.isUnresolved(value)) return false
  return !Number.isSafeInteger(value) || value < least || value > most
}

function secondsOf(duration: Duration): number {
  return duration.isUnresolved() ? 0 : duration.toMilliseconds() / 1000
}
