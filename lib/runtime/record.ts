import { ConfigError, EVENT_TIME_MAX, messageOf, RecordRejection, TIME_MAX } from '../base/index.js'
import type { RecordMeta, SourceNode, SplitBatch } from '../ports/index.js'
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

/**
 * The event time of a record, ms.
 * @throws {RecordRejection} `bad-timestamp`, or `future-timestamp` beyond `maxFutureDrift`
 */
export function timestampOf(source: SourceNode<any>, value: unknown, at: RecordAt, top: number): number {
  let time: unknown
  try {
    time = source.timestamp(value, at.meta)
  } catch (thrown) {
    throw new RecordRejection('bad-timestamp', messageOf(thrown))
  }
  const ms = time instanceof Date ? time.getTime() : time
  if (typeof ms !== 'number' || !(Math.abs(ms) < EVENT_TIME_MAX)) {
    throw new RecordRejection(
      'bad-timestamp',
      `timestamp() gives ms since the epoch or a valid Date; it gave ${typeof ms === 'number' ? ms : time === null ? 'null' : typeof time}. Text goes through iso() or isoUtc().`,
    )
  }
  const timestamp = Math.floor(ms)
  // Without an arrival time the split's highest event time is the measure; its first record has none.
  const known = source.hasArrivalTime ? at.meta.arrivalMs : undefined
  const limit = (known ?? (top > -TIME_MAX ? top : TIME_MAX)) + source.maxFutureDriftMs
  if (timestamp <= limit) return timestamp // guard: drift
  if (source.onFutureDrift === 'clamp') return limit
  throw new RecordRejection('future-timestamp', `The timestamp lies ${timestamp - limit} ms beyond maxFutureDrift.`)
}

/** The own watermark after a record (design, section 1): a pure function of the log's prefix. */
export function advanceOwn(source: SourceNode<any>, own: number, value: unknown, timestamp: number): number {
  const { watermark } = source
  const next = watermark.kind === 'custom' ? watermark.of(value, timestamp) : timestamp - watermark.boundMs
  // A custom strategy that gives no number moves nothing.
  return next > own && next < TIME_MAX ? Math.floor(next) : own
}
