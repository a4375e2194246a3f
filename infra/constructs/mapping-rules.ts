import { Duration, Stack, Token } from 'aws-cdk-lib'
import { StartingPosition } from 'aws-cdk-lib/aws-lambda'
import type { Construct } from 'constructs'
import type { OptionNames } from '../../lib/base/index.js'
import { checkDuration } from './kinds.js'
import { refuse } from './refuse.js'

/**
 * What may be asked of an event source mapping. Some of it is here only to be refused: whoever knows mappings asks for
 * it, and gets told why an invariant needs it otherwise. What is not here is set as the invariants need it: whole
 * batches are repeated for ever, in order, one at a time a split, and answered in parts where the mapping takes that.
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

/** What a pipeline would have of its mappings, where they say nothing themselves. */
export type MappingDefaults = Pick<MappingOptions, 'batchSize' | 'maxBatchingWindow'>

/** What every mapping of a log is given: what was asked for, or what its pipeline would have. */
export function settledMapping(options: MappingOptions, defaults: MappingDefaults = {}) {
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
 * What a mapping that takes them is given: it repeats for ever, halves what fails, and hears which record was not done.
 */
export const REPEATED = { retryAttempts: -1, bisectBatchOnError: true, reportBatchItemFailures: true } as const

/** Holds a mapping's options against the invariants, and against what mappings can do at all. */
export function checkMapping(where: string, options: MappingOptions): void {
  const { batchSize, maxBatchingWindow, startingPosition, startingPositionTimestamp } = options
  checkDuration(where, 'maxBatchingWindow', maxBatchingWindow)
  if (options.parallelizationFactor !== undefined && options.parallelizationFactor !== 1)
    refuse(
      where,
      'parallelizationFactor',
      options.parallelizationFactor,
      'A split has one position, and one attempt at a time that moves it (invariants 2 and 5): lanes of one shard would pass each other.',
      'Leave it out; to go faster, split shards or make batches larger.',
    )
  if (options.retryAttempts !== undefined && options.retryAttempts !== -1)
    refuse(
      where,
      'retryAttempts',
      options.retryAttempts,
      'A mapping that gives a batch up loses its records (invariant 10); poison goes to the dead letter by itself (invariant 14).',
      'Leave it out: batches are repeated until they are done.',
    )
  if (options.maxRecordAge !== undefined)
    refuse(
      where,
      'maxRecordAge',
      options.maxRecordAge,
      'A mapping that drops old records loses them (invariant 10).',
      'Leave it out; what is too old for its window goes to the late output, visibly.',
    )
  if (options.filters !== undefined && options.filters.length > 0)
    refuse(
      where,
      'filters',
      options.filters,
      "Records that a mapping hides never move their split's watermark, and are counted nowhere (invariants 1 and 10).",
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
      'An attempt that runs out of time answers with its first undone record (invariant 11).',
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
      'A mapping takes minutes to begin, and passes over what comes until then (invariant 10).',
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
  if (startingPositionTimestamp !== undefined) checkStart(where, startingPositionTimestamp)
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

/** Beyond it a stamp is no number of seconds (the year 9999). */
const SECONDS_MAX = 253_402_300_799

function checkStart(where: string, seconds: unknown): void {
  if (Token.isUnresolved(seconds)) return
  const option = 'startingPositionTimestamp'
  const rule = 'A mapping begins at a time in whole seconds since 1970, which has come already.'
  const isNumber = typeof seconds === 'number'
  const fix = (value: number): string => `Give seconds: ${Math.floor(value)}.`
  if (seconds instanceof Date) refuse(where, option, seconds, rule, fix(seconds.getTime() / 1000))
  if (!isNumber || !Number.isFinite(seconds))
    refuse(where, option, seconds, rule, "Give Math.floor(Date.parse('2026-01-01T00:00:00Z') / 1000), for example.")
  if (seconds > SECONDS_MAX) refuse(where, option, seconds, `${rule} This is milliseconds.`, fix(seconds / 1000))
  if (!Number.isSafeInteger(seconds) || seconds < 0)
    refuse(where, option, seconds, rule, seconds < 0 ? 'Give one from 0 on.' : fix(seconds))
  // By the clock of whoever synthesizes: AWS refuses what is in the future as the mapping is made.
  if (seconds * 1000 > Date.now())
    refuse(where, option, seconds, `${rule} This is ${new Date(seconds * 1000).toISOString()}.`, 'Give an earlier one.')
}

/** A flag that is text would count as set, whatever it says. */
export function checkFlag(where: string, option: string, value: unknown): void {
  if (value === undefined || typeof value === 'boolean' || Token.isUnresolved(value)) return
  refuse(where, option, value, 'It is true or false.', 'Give one of the two.')
}

/**
 * A mapping, and all that it names, are in one region: where both are known, they are the same. `region`: that of a
 * resource whose ARN is not known yet.
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
    isKnown ? arn : `one of ${given}`,
    `It is in ${given}, and the stack in ${own}: a mapping reads in its own region.`,
    `Give one of ${own}, or make the stack in ${given}.`,
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
