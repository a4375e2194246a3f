import {
  ConfigError,
  EVENT_TIME_MAX,
  formatDuration,
  glimpse,
  messageOf,
  RecordRejection,
  settled,
  TIME_MAX,
} from '../base/index.js'
import type { RecordMeta, SourceNode, SplitBatch } from '../ports/index.js'
import type { SplitState } from './split-item.js'
import type { RecordPlace } from './stage-fold.js'

/** The record at hand of a source batch: its place for folds, its meta for user code. One object a batch; fields are computed when read. */
export class RecordAt implements RecordPlace {
  index = 0
  timestamp = 0
  turn = 0
  readonly source: string
  readonly splitId: string
  /** With its source: two sources may have splits of one id, and ties need an order (law 13). */
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

  get position(): string {
    return this.batch.position(this.index)
  }
  get id(): string {
    return `${this.split}/${this.position}`
  }
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
  header(name: string): string | undefined {
    return this.batch.header(this.at.index, name)
  }
}

/**
 * Validates a value by the source's schema.
 * @throws {RecordRejection} `schema`, with the first issue; never with the payload
 */
export function validate(source: SourceNode<any>, value: unknown): unknown {
  if (source.schema === undefined) return value
  const result = source.schema['~standard'].validate(value)
  if (result instanceof Promise) {
    result.catch(() => undefined)
    throw new ConfigError(
      'async-schema',
      `The schema of the source "${source.name}" validates asynchronously; ingest has no await in its loop. Use a synchronous schema.`,
    )
  }
  if (result.issues === undefined) return result.value
  const issue = result.issues[0]
  const path = issue?.path?.map((part) => String(typeof part === 'object' ? part.key : part)).join('.')
  throw new RecordRejection('schema', `${path ? `${path}: ` : ''}${issue?.message ?? 'invalid'}`)
}

/** Stamps up to `limit` are allowed in records up to `limitTo`. */
export type LimitMark = Pick<SplitState, 'limit' | 'limitTo'>

/** A record is stamped so far ahead of all before it that only a clock can tell whether it comes from the future: its split has to be marked first. */
export class ClockWanted extends Error {}

/**
 * The event time of a record, ms. `top` is the highest of its split so far; `mark` is what a clock allowed, up to which record.
 * @throws {RecordRejection} `bad-timestamp`, or `future-timestamp` beyond `maxFutureDrift`
 * @throws {ClockWanted} where nothing but a clock tells
 */
export function timestampOf(
  source: SourceNode<any>,
  value: unknown,
  at: RecordAt,
  top: number,
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
      `timestamp() gives ms since the epoch or a valid Date; it gave ${glimpse(time)}. ${time instanceof Promise ? 'Take async out of it.' : 'Text goes through iso() or isoUtc(), seconds through epochSeconds().'}`,
    )
  }
  const timestamp = Math.floor(ms)
  const { maxFutureDriftMs } = source
  const arrivalMs = source.hasArrivalTime ? at.meta.arrivalMs : undefined
  // What follows the log's own time is never from the future; whatever lies beyond it may have come after a gap.
  const follows = (arrivalMs ?? top) + maxFutureDriftMs
  if (timestamp <= follows || maxFutureDriftMs >= TIME_MAX) return timestamp // guard: drift
  if (arrivalMs === undefined) {
    if (at.position > mark.limitTo) throw new ClockWanted() // guard: drift-by-mark
    if (timestamp <= mark.limit) return timestamp
  }
  if (source.onFutureDrift === 'clamp') return arrivalMs === undefined && top <= -TIME_MAX ? mark.limit : follows
  // The bound is the log's: how far the stamp is from the clock would be other words for whoever reads the log again (law 1).
  const bound = follows > -EVENT_TIME_MAX ? `after ${new Date(follows).toISOString()}: ` : ''
  const of = arrivalMs !== undefined ? "the record's arrival" : bound && 'all records before it, and of '
  throw new RecordRejection(
    'future-timestamp',
    `The timestamp ${new Date(timestamp).toISOString()} lies ${bound}more than maxFutureDrift (${formatDuration(maxFutureDriftMs)}) ahead of ${of}${arrivalMs === undefined ? 'the clock' : ''}.`,
  )
}

/** The own watermark after a record (design, section 1): a pure function of the log's prefix. */
export function advanceOwn(source: SourceNode<any>, own: number, value: unknown, timestamp: number): number {
  const { watermark } = source
  const next =
    watermark.kind === 'custom'
      ? settled('The function of customWatermark()', watermark.of(value, timestamp))
      : timestamp - watermark.boundMs
  // A custom strategy that gives no number moves nothing.
  return next > own && next < TIME_MAX ? Math.floor(next) : own
}
