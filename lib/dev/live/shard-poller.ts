import { messageOf } from '../../base/index.js'
import type { Position } from '../../ports/index.js'
import { isForeignSequence, isMissingShard, readAfter } from '../../sources/kinesis/inspector.js'
import { positionOfSequence } from '../../sources/kinesis/position.js'
import type { KinesisStream, StreamRead, StreamRecord } from '../../sources/kinesis/stream.js'
import { kinesisEvent, kinesisRecord } from '../../testing/events.js'
import { EVENT_BYTES_MAX } from '../poller/events.js'
import { BATCHING_WINDOW_MS, Backoff, deliver, type LiveOptions, rest, unlessStopped } from './options.js'

/**
 * Time between two reads of a shard. A shard allows five reads per second in total; one of them is left for the
 * inspector.
 */
const READ_PAUSE_MS = 250
/** Minimum number of records per read, so that small batches do not need frequent reads. */
const READ_RECORDS = 1_000
const READ_RECORDS_MAX = 10_000
/** Longest time between two checks of whether the parents of a shard have ended. */
const WAIT_MS_MAX = 500

/** A mapping's poller of one shard: delivers batches in order, one at a time. */
export class ShardPoller {
  private readonly options: LiveOptions
  private readonly stream: KinesisStream
  private readonly shard: string
  private readonly arn: string
  private readonly backoff: Backoff
  /** Records that were read but not yet accepted. */
  private readonly held: StreamRecord[] = []
  private reached: Position = '0'
  /** Undefined: a new iterator is needed, after `reached`. */
  private iterator: string | undefined
  private isAtEnd = false
  private readAt = Number.NEGATIVE_INFINITY
  private most: number

  constructor(options: LiveOptions, stream: KinesisStream, shard: string, arn: string) {
    this.options = options
    this.stream = stream
    this.shard = shard
    this.arn = arn
    this.backoff = new Backoff(options.signal)
    this.most = options.batch
  }

  /** Returns whether the shard was processed to its end; false if the poller was stopped. */
  async run(): Promise<boolean> {
    const { signal } = this.options
    await this.begin()
    while (!signal.aborted) {
      await this.fill()
      if (signal.aborted) return false
      if (this.held.length > 0) await this.deliver()
      else if (this.isAtEnd) return true
    }
    return false
  }

  /** Finds the position of the handler. */
  private async begin(): Promise<void> {
    const { signal, logger, positionOf } = this.options
    while (!signal.aborted) {
      try {
        this.reached = (await unlessStopped(positionOf(this.shard), signal)) ?? '0'
        return
      } catch (error) {
        logger.warn('the position of a shard cannot be read', { shard: this.shard, error: messageOf(error) })
        await this.backoff.pause()
      }
    }
  }

  /** Reads until a batch is full, its window is over, or the shard ends. */
  private async fill(): Promise<void> {
    const { signal, batch, batchingWindowMs = BATCHING_WINDOW_MS } = this.options
    let until = Number.POSITIVE_INFINITY
    while (!this.isAtEnd && this.held.length < batch && !signal.aborted) {
      if (this.held.length > 0) until = Math.min(until, performance.now() + batchingWindowMs)
      const next = this.readAt + READ_PAUSE_MS
      const pause = Math.min(next, until) - performance.now()
      if (pause > 0) await rest(pause, signal)
      if (performance.now() >= until) return
      if (performance.now() >= next && !signal.aborted) await this.read()
    }
  }

  private async read(): Promise<void> {
    const { signal, logger, batch } = this.options
    this.readAt = performance.now()
    try {
      const isFirst = this.iterator === undefined
      this.iterator ??= await this.stream.iterator(this.shard, readAfter(this.reached))
      const limit = Math.min(READ_RECORDS_MAX, Math.max(READ_RECORDS, batch))
      let read = await this.stream.read(this.iterator, limit, signal)
      if (isFirst && this.reached !== '0') read = (await this.fromOldest(read, limit)) ?? read
      this.held.push(...read.records)
      const last = read.records.at(-1)
      if (last !== undefined) this.reached = positionOfSequence(last.sequence)
      this.iterator = read.next
      this.isAtEnd = read.next === undefined
      this.backoff.reset()
    } catch (error) {
      if (signal.aborted) return
      // Whatever the error is, the next read begins after the last record.
      this.iterator = undefined
      const { name } = error as Error
      if (isMissingShard(error)) {
        logger.error('a shard was deleted with its remaining records', { shard: this.shard, position: this.reached })
        this.isAtEnd = true
      } else if (isForeignSequence(error)) {
        logger.error('a position is not valid because its stream was recreated: the shard waits for an operator', {
          shard: this.shard,
          position: this.reached,
        })
        await this.backoff.pause()
        // An operator may have reset it meanwhile.
        if (this.held.length === 0) await this.begin()
      } else if (name !== 'ExpiredIteratorException') {
        logger.warn('a shard cannot be read', { shard: this.shard, error: messageOf(this.stream.explain(error)) })
        await this.backoff.pause()
      }
    }
  }

  /** An iterator at a deleted record may never advance: reading then continues at the oldest remaining record. */
  private async fromOldest(read: StreamRead, limit: number): Promise<StreamRead | undefined> {
    if (read.records.length > 0 || read.next === undefined || read.behindMs === 0) return undefined
    const iterator = await this.stream.iterator(this.shard, { kind: 'oldest' })
    const oldest = await this.stream.read(iterator, limit, this.options.signal)
    const [first] = oldest.records
    if (first === undefined || positionOfSequence(first.sequence) <= this.reached) return undefined
    const found = { shard: this.shard, position: this.reached, oldest: first.sequence }
    this.options.logger.error('records after a position may have been deleted unread', found)
    return oldest
  }

  private async deliver(): Promise<void> {
    const { options, shard, held } = this
    const records: string[] = []
    let bytes = 0
    for (const record of held.slice(0, this.most)) {
      const json = this.json(record)
      bytes += Buffer.byteLength(json) + 1
      if (bytes > EVENT_BYTES_MAX && records.length > 0) break
      records.push(json)
    }
    const outcome = await deliver(options, shard, kinesisEvent(records), [records.length], (identifier) => {
      const index = held.findIndex((record, i) => i < records.length && record.sequence === identifier)
      return index < 0 ? undefined : { range: 0, index }
    })
    if (outcome.kind === 'failed') {
      // The batch is halved, as with BisectBatchOnFunctionError, until the failing record is alone.
      this.most = Math.max(1, Math.ceil(records.length / 2))
      await this.backoff.pause()
      return
    }
    const taken = outcome.at[0]!
    held.splice(0, taken)
    this.most = options.batch
    if (taken === 0) {
      await this.backoff.pause(WAIT_MS_MAX)
      return
    }
    this.backoff.reset()
    options.onDelivered?.(taken)
  }

  private json(record: StreamRecord): string {
    return kinesisRecord({
      split: this.shard,
      sequence: record.sequence,
      partitionKey: record.partitionKey,
      data: Buffer.from(record.data).toString('base64'),
      arrivalMs: record.arrivalMs,
      region: this.arn.split(':')[3] ?? '',
      arn: this.arn,
    })
  }
}
