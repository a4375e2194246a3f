import { Duration, Stack, Token } from 'aws-cdk-lib'
import { StartingPosition } from 'aws-cdk-lib/aws-lambda'
import type { Construct } from 'constructs'
import type { OptionNames } from '../../lib/base/index.js'
import { checkDuration } from './kinds.js'
import { refuse } from './refuse.js'

/**
 * The options of an event source mapping. Some options only exist to be refused: users who know mappings may set them,
 * and the message explains which invariant requires another value. All other settings are fixed as the invariants
 * require: batches are retried indefinitely, in order, one at a time per split, with partial batch responses if the
 * mapping supports them.
 */
export interface MappingOptions {
  /**
   * The most records in a batch, 1 to 10,000. Larger batches cost less, because a batch writes a few items, whatever
   * its size.
   * @default 1000
   */
  readonly batchSize?: number
  /**
   * How long a batch may wait to fill, up to 300 s. It adds to the latency of every result.
   * @default 1 second
   */
  readonly maxBatchingWindow?: Duration
  /**
   * Where a new mapping begins. LATEST is refused, because records that arrive while the mapping is created would be
   * skipped.
   * @default StartingPosition.TRIM_HORIZON
   */
  readonly startingPosition?: StartingPosition
  /** Whole seconds since 1970, not in the future; with `StartingPosition.AT_TIMESTAMP` only. */
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

/** All names of `MappingOptions`. */
export const MAPPING_OPTIONS: OptionNames<MappingOptions> = {
  batchSize: true,
  maxBatchingWindow: true,
  startingPosition: true,
  startingPositionTimestamp: true,
  enabled: true,
  parallelizationFactor: true,
  retryAttempts: true,
  maxRecordAge: true,
  filters: true,
  tumblingWindow: true,
  reportBatchItemFailures: true,
}

const BATCH_MAX = 10_000
const WINDOW_S_MAX = 300

/** The pipeline's defaults for options that its mappings leave out. */
export type MappingDefaults = Pick<MappingOptions, 'batchSize' | 'maxBatchingWindow'>

/** The common settings of every mapping. */
export interface SettledMapping {
  readonly batchSize: number
  readonly maxBatchingWindow: Duration
  readonly startingPosition: StartingPosition
  readonly startingPositionTimestamp?: number
  readonly enabled: boolean
}

/** The settings of a mapping: its own options, or else the pipeline's defaults. */
export function settledMapping(options: MappingOptions, defaults: MappingDefaults = {}): SettledMapping {
  const { startingPositionTimestamp } = options
  return {
    batchSize: options.batchSize ?? defaults.batchSize ?? 1_000,
    maxBatchingWindow: options.maxBatchingWindow ?? defaults.maxBatchingWindow ?? Duration.seconds(1),
    startingPosition: options.startingPosition ?? StartingPosition.TRIM_HORIZON,
    ...(startingPositionTimestamp !== undefined && { startingPositionTimestamp }),
    enabled: options.enabled ?? true,
  }
}

/**
 * The retry settings of a mapping that supports them: retry indefinitely, bisect failed batches, and accept partial
 * batch responses.
 */
export const REPEATED = { retryAttempts: -1, bisectBatchOnError: true, reportBatchItemFailures: true } as const

/** Checks a mapping's options against the invariants, and against the limits of mappings. */
export function checkMapping(where: string, options: MappingOptions): void {
  const { batchSize, maxBatchingWindow, startingPosition, startingPositionTimestamp } = options
  checkDuration(where, 'maxBatchingWindow', maxBatchingWindow)
  if (options.parallelizationFactor !== undefined && options.parallelizationFactor !== 1)
    refuse(
      where,
      'parallelizationFactor',
      options.parallelizationFactor,
      'A split has one position, which one attempt at a time moves (invariants 2 and 5). Parallel batches of one shard would overtake each other.',
      'Leave it out; for more throughput, split shards or raise batchSize.',
    )
  if (options.retryAttempts !== undefined && options.retryAttempts !== -1)
    refuse(
      where,
      'retryAttempts',
      options.retryAttempts,
      'A mapping that gives up a batch loses its records (invariant 10). Bad records go to the dead letter (invariant 14).',
      'Leave it out: batches are repeated until they are done.',
    )
  if (options.maxRecordAge !== undefined)
    refuse(
      where,
      'maxRecordAge',
      options.maxRecordAge,
      'A mapping that drops old records loses them (invariant 10).',
      'Leave it out; records that are too old for their window go to the late output.',
    )
  if (options.filters !== undefined && options.filters.length > 0)
    refuse(
      where,
      'filters',
      options.filters,
      "Records that a mapping filters out never advance their split's watermark, and are not counted anywhere (invariants 1 and 10).",
      'Leave them out, and use .filter() in the pipeline.',
    )
  if (options.tumblingWindow !== undefined)
    refuse(
      where,
      'tumblingWindow',
      options.tumblingWindow,
      "A mapping's windows are based on arrival time, and their state is lost when a shard splits.",
      'Leave it out, and use .window(tumbling(…)) in the pipeline.',
    )
  if (options.reportBatchItemFailures === false)
    refuse(
      where,
      'reportBatchItemFailures',
      false,
      'An attempt that runs out of time returns its first undone record (invariant 11).',
      'Leave it out.',
    )
  checkFlag(where, 'enabled', options.enabled)
  if (startingPosition !== undefined && !Object.values(StartingPosition).includes(startingPosition))
    refuse(
      where,
      'startingPosition',
      startingPosition,
      'A mapping begins at TRIM_HORIZON or AT_TIMESTAMP.',
      'Give StartingPosition.TRIM_HORIZON or AT_TIMESTAMP, or leave it out.',
    )
  if (startingPosition === StartingPosition.LATEST)
    refuse(
      where,
      'startingPosition',
      'LATEST',
      'A mapping takes minutes to start, and would skip the records that arrive until then (invariant 10).',
      'Leave it out, or give StartingPosition.AT_TIMESTAMP with a startingPositionTimestamp.',
    )
  if ((startingPosition === StartingPosition.AT_TIMESTAMP) !== (startingPositionTimestamp !== undefined))
    refuse(
      where,
      'startingPositionTimestamp',
      startingPositionTimestamp ?? 'not given',
      'AT_TIMESTAMP requires it, and no other starting position uses it.',
      'Give both or neither.',
    )
  if (startingPositionTimestamp !== undefined) checkStart(where, startingPositionTimestamp)
  if (isOutside(batchSize, 1, BATCH_MAX))
    refuse(where, 'batchSize', batchSize, `A batch has 1 to ${BATCH_MAX} records.`, 'Give a whole number in between.')
  if (maxBatchingWindow !== undefined && isOutside(secondsOf(maxBatchingWindow), 0, WINDOW_S_MAX))
    refuse(
      where,
      'maxBatchingWindow',
      maxBatchingWindow,
      `A batching window has 0 to ${WINDOW_S_MAX} whole seconds.`,
      'Give a duration in between.',
    )
}

/** A larger timestamp is not in seconds (the year 9999). */
const SECONDS_MAX = 253_402_300_799

function checkStart(where: string, seconds: unknown): void {
  if (Token.isUnresolved(seconds)) return
  const option = 'startingPositionTimestamp'
  const rule = 'A mapping begins at a time in whole seconds since 1970, which is not in the future.'
  const isNumber = typeof seconds === 'number'
  const fix = (value: number): string => `Give seconds: ${Math.floor(value)}.`
  if (seconds instanceof Date) refuse(where, option, seconds, rule, fix(seconds.getTime() / 1000))
  if (!isNumber || !Number.isFinite(seconds))
    refuse(where, option, seconds, rule, "Give Math.floor(Date.parse('2026-01-01T00:00:00Z') / 1000), for example.")
  if (seconds > SECONDS_MAX)
    refuse(where, option, seconds, `${rule} This value is in milliseconds.`, fix(seconds / 1000))
  if (!Number.isSafeInteger(seconds) || seconds < 0)
    refuse(where, option, seconds, rule, seconds < 0 ? 'Give a number of at least 0.' : fix(seconds))
  // By the clock of the machine that synthesizes. AWS refuses a future time when the mapping is created.
  if (seconds * 1000 > Date.now())
    refuse(where, option, seconds, `${rule} This is ${new Date(seconds * 1000).toISOString()}.`, 'Give an earlier one.')
}

/** Refuses a flag that is not a boolean; text would count as true, even 'false'. */
export function checkFlag(where: string, option: string, value: unknown): void {
  if (value === undefined || typeof value === 'boolean' || Token.isUnresolved(value)) return
  refuse(where, option, value, 'It must be true or false.', 'Give one of the two.')
}

/**
 * Checks that a mapping and the resources it names are in the same region, if both are known. `region` is the region of
 * a resource whose ARN is not known yet.
 */
export function checkRegion(
  scope: Construct,
  where: string,
  option: string,
  arn: string | undefined,
  region?: string,
): void {
  const isKnown = arn !== undefined && !Token.isUnresolved(arn)
  const given = isKnown ? arn.split(':')[3] : region
  const own = Stack.of(scope).region
  if (given === undefined || given === '' || Token.isUnresolved(given) || Token.isUnresolved(own)) return
  if (given === own) return
  refuse(
    where,
    option,
    isKnown ? arn : `one in ${given}`,
    `It is in ${given}, but the stack is in ${own}. A mapping only reads in its own region.`,
    `Give one in ${own}, or create the stack in ${given}.`,
  )
}

/** Whether a number is known and not a whole number in this range. */
export function isOutside(value: number | undefined, least: number, most: number): boolean {
  if (value === undefined || Token.isUnresolved(value)) return false
  return !Number.isSafeInteger(value) || value < least || value > most
}

function secondsOf(duration: Duration): number {
  return duration.isUnresolved() ? 0 : duration.toMilliseconds() / 1000
}
