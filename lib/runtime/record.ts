import {
  ConfigError,
  EVENT_TIME_MAX,
  FAR_BEHIND_MS,
  formatDuration,
  glimpse,
  HELD_MS_MAX,
  HELD_STEP_MS_MIN,
  messageOf,
  RecordRejection,
  settled,
  TIME_MAX,
  TIME_MIN,
  textOf,
} from '../base/index.js'
import type { RecordMeta, SourceNode, SplitBatch } from '../ports/index.js'
import type { SplitState } from './split-item.js'
import type { RecordPlace } from './stage-fold.js'

/**
 * The current record of a source batch: its place for folds and its metadata for user code. There is one object per
 * batch, and its fields are computed when they are read.
 */
export class RecordAt implements RecordPlace {
  index = 0
  /** The index of the value within the record, for a codec that makes several values from one record. */
  sub = 0
  timestamp = 0
  /** The event time to which it advances the split: its timestamp, or less if the timestamp is too far ahead. */
  moves = 0
  turn = 0
  readonly source: string
  readonly splitId: string
  /**
   * Includes the source's name: two sources may have splits with the same id, and ties need an order (invariant 13).
   */
  readonly split: string
  readonly meta: RecordMeta
  private readonly batch: SplitBatch

  constructor(source: string, splitId: string, batch: SplitBatch) {
    this.source = source
    this.splitId = splitId
    this.split = `${source}/${splitId}`
    this.batch = batch
    this.meta = new MetaAt(this, batch)
  }

  /**
   * The record's own position. No value of the record has a lower position, and every value of the next record a higher
   * one.
   */
  get recordPosition(): string {
    return this.batch.position(this.index)
  }
  get position(): string {
    return positionOfValue(this.recordPosition, this.sub)
  }
  get id(): string {
    return `${this.split}/${this.position}`
  }
}

/**
 * The first value of a record has the record's position. The others sort after it and before the next record, because
 * no position of a split is a prefix of another.
 */
export function positionOfValue(record: string, sub: number): string {
  return sub === 0 ? record : `${record}:${String(sub).padStart(8, '0')}`
}

class MetaAt implements RecordMeta {
  private readonly at: RecordAt
  private readonly batch: SplitBatch

  constructor(at: RecordAt, batch: SplitBatch) {
    this.at = at
    this.batch = batch
  }

  get source(): string {
    return this.at.source
  }
  get split(): string {
    return this.at.splitId
  }
  get position(): string {
    return this.at.position
  }
  get arrivalMs(): number | undefined {
    return this.batch.arrivalMs(this.at.index)
  }
  get stampMs(): number | undefined {
    const { index } = this.at
    return this.batch.stampMs === undefined ? this.batch.arrivalMs(index) : this.batch.stampMs(index)
  }
  get key(): string | null {
    return this.batch.key(this.at.index)
  }
  get keyBytes(): Uint8Array | null {
    return this.batch.keyBytes(this.at.index)
  }
  header(name: string): string | undefined {
    return textOf(this.headerBytes(name))
  }
  headerBytes(name: string): Uint8Array | undefined {
    return this.batch.header(this.at.index, name)
  }
}

/**
 * Validates a value with the source's schema.
 *
 * @throws {RecordRejection} `schema`, with the first issue; never with the payload
 */
export function validate(source: SourceNode<any>, value: unknown): unknown {
  if (source.schema === undefined) return value
  const result = source.schema['~standard'].validate(value)
  if (result instanceof Promise) {
    result.catch(() => undefined)
    throw new ConfigError(
      'async-schema',
      `The schema of the source "${source.name}" validates asynchronously, but ingest processes records synchronously. Use a synchronous schema.`,
    )
  }
  if (result.issues === undefined) return result.value
  const issue = result.issues[0]
  const path = issue?.path?.map((part) => String(typeof part === 'object' ? part.key : part)).join('.')
  throw new RecordRejection('schema', `${path ? `${path}: ` : ''}${issue?.message ?? 'invalid'}`)
}

/** Timestamps up to `limit` are allowed in records up to the position `limitTo`. */
export type LimitMark = Pick<SplitState, 'limit' | 'limitTo'>

/**
 * Thrown for a record whose timestamp is so far ahead of all previous records that only a clock can tell whether it is
 * in the future. The split must be marked first.
 */
export class ClockWanted extends Error {}

/** The highest event time that has advanced a split, in ms, derived from its own watermark. */
function reachedBy({ watermark }: SourceNode<any>, own: number): number {
  return own === TIME_MIN ? TIME_MIN : own + watermark.boundMs
}

/**
 * The event time of a record, in ms; `at.moves` is set to the event time to which it advances the split. `own` is the
 * split's own watermark. `mark` is the limit that a clock allowed, and the record up to which it holds.
 *
 * @throws {RecordRejection} `bad-timestamp`, `future-timestamp` beyond `maxFutureDrift`, or `unlikely-timestamp` before
 *   `minTime`
 * @throws {ClockWanted} if only a clock can decide
 */
export function timestampOf(
  source: SourceNode<any>,
  value: unknown,
  at: RecordAt,
  own: number,
  mark: LimitMark,
): number {
  let time: unknown
  try {
    time = source.timestamp(value, at.meta)
  } catch (thrown) {
    throw new RecordRejection('bad-timestamp', messageOf(thrown))
  }
  if (time instanceof Promise) time.catch(() => undefined)
  const ms = time instanceof Date ? time.getTime() : time
  if (typeof ms !== 'number' || !(Math.abs(ms) < EVENT_TIME_MAX)) {
    throw new RecordRejection(
      'bad-timestamp',
      `timestamp() must return ms since the epoch or a valid Date; it returned ${glimpse(time)}. ${time instanceof Promise ? 'Remove async from it.' : 'For text use iso() or isoUtc(); for numbers in other units use epochSeconds(), epochMicros() or epochNanos().'}`,
    )
  }
  const timestamp = Math.floor(ms)
  if (source.onUnlikelyTime === 'reject' && isUnlikely(source, own, timestamp))
    throw new RecordRejection(
      'unlikely-timestamp',
      `The timestamp ${new Date(timestamp).toISOString()} is before minTime, or more than 30 days behind its split. If the field is in seconds, multiply it by 1000.`,
    )
  at.moves = timestamp
  const { maxFutureDriftMs } = source
  const arrivalMs = source.hasArrivalTime ? at.meta.arrivalMs : undefined
  const reached = reachedBy(source, own)
  // A record that follows the log's own time is never in the future. One beyond that may have arrived after a gap.
  const follows = (arrivalMs ?? reached) + maxFutureDriftMs
  if (timestamp <= follows || maxFutureDriftMs >= TIME_MAX) return timestamp // guard: drift
  if (arrivalMs === undefined) {
    if (at.recordPosition > mark.limitTo) throw new ClockWanted() // guard: drift-by-mark
    if (timestamp <= mark.limit) return timestamp
  }
  const limit = arrivalMs === undefined ? mark.limit : follows
  if (source.onFutureDrift === 'clamp') {
    at.moves = arrivalMs === undefined && reached === TIME_MIN ? limit : follows
    return at.moves
  }
  if (source.onFutureDrift === 'hold' && timestamp <= limit + HELD_MS_MAX) {
    const arrived = limit - maxFutureDriftMs
    at.moves =
      reached === TIME_MIN ? arrived : Math.min(arrived, reached + Math.max(HELD_STEP_MS_MIN, maxFutureDriftMs)) // guard: held-moves-little
    return timestamp
  }
  // The message contains no clock time, and no arrival time, which a local run takes from a clock: two runs over the
  // same log must give the same bytes (invariant 1).
  const bound = arrivalMs === undefined && follows > -EVENT_TIME_MAX ? `after ${new Date(follows).toISOString()}: ` : ''
  const of =
    arrivalMs !== undefined ? "the record's arrival" : `${bound && 'all records before it, and ahead of '}the clock`
  throw new RecordRejection(
    'future-timestamp',
    `The timestamp ${new Date(timestamp).toISOString()} is ${bound}more than maxFutureDrift (${formatDuration(maxFutureDriftMs)}) ahead of ${of}.`,
  )
}

/**
 * Whether a timestamp is hardly the intended one. Seconds read as milliseconds give a date in January 1970, and a
 * timestamp far behind all previous ones is just as suspect.
 */
export function isUnlikely(source: SourceNode<any>, own: number, timestamp: number): boolean {
  return timestamp < source.minTimeMs || timestamp < own - FAR_BEHIND_MS
}

/** The own watermark after a record: a pure function of the log's prefix. */
export function advanceOwn(source: SourceNode<any>, own: number, value: unknown, at: RecordAt): number {
  const { watermark } = source
  const { moves } = at
  let next =
    watermark.kind === 'custom'
      ? settled('The function of customWatermark()', watermark.of(value, moves))
      : moves - watermark.boundMs
  // A record whose effect is held back advances the watermark no further than `moves`, whatever a custom strategy
  // returns.
  if (moves < at.timestamp && next > moves) next = moves
  // A custom strategy that returns something other than a number does not advance the watermark.
  return next > own && next < TIME_MAX ? Math.floor(next) : own
}
