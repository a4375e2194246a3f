import { setTimeout as sleep } from 'node:timers/promises'
import { limited } from '../../aws/limited.js'
import { load } from '../../aws/load.js'
import { checkOptions, formatDuration, RetryableError } from '../../base/index.js'
import type { Clock, Position, SourceInspector, SplitFault, SplitListing } from '../../ports/index.js'
import type { KinesisConnection } from './connection.js'
import { positionOfSequence, sequenceOfPosition } from './position.js'
import type { KinesisStream, ReadFrom, StreamRead, StreamSummary } from './stream.js'

export interface KinesisInspectorOptions extends KinesisConnection {
  /** The clock that `verify` compares a stream's creation time with. Default: the machine's clock. */
  readonly clock?: Clock
}

/** The number of reads per request. The next request continues from the last iterator. */
const TURNS_MAX = 5
/** The pause between two reads of a shard, so that Lambda's poller gets most of the five reads per second. */
const READ_PAUSE_MS = 250
const VERIFY_AT_ONCE = 4
/**
 * A safety margin: all shards of a verification share one summary of the stream, retention is given in whole hours, and
 * Kinesis does not delete records to the minute.
 */
const AGE_MARGIN_MS = 600_000

/**
 * Lists the shards of a Kinesis stream and finds out whether records wait in them. A shard is `unknown` if its reads
 * are throttled, or if it is still behind the tip after several reads. Needs kinesis:ListShards, GetShardIterator,
 * GetRecords and DescribeStreamSummary.
 * @example ingest(pipeline, { state, inspectors: { orders: kinesisInspector({ stream: 'orders' }) } })
 */
export function kinesisInspector(options: KinesisInspectorOptions): SourceInspector {
  checkOptions('kinesisInspector()', options, { stream: true, region: true, endpoint: true, client: true, clock: true })
  return new KinesisInspector(options)
}

/** Opens the stream with its client, which is an optional package. */
export async function openStream(connection: KinesisConnection, who: string): Promise<KinesisStream> {
  const packages = '@aws-sdk/client-kinesis @smithy/node-http-handler'
  const { KinesisStream } = await load(who, packages, () => import('./stream.js'))
  return new KinesisStream(connection)
}

/** Whether an error reports that the stream has no such shard (it was deleted with its last record). */
export function isMissingShard(error: any): boolean {
  return error?.name === 'ResourceNotFoundException' && /shard/i.test(error.message) && !isForeignSequence(error)
}

/** Whether an error reports that a sequence number does not belong to this shard. */
export function isForeignSequence(error: any): boolean {
  const { name, message } = error ?? {}
  return (
    (name === 'InvalidArgumentException' || name === 'ResourceNotFoundException') && /sequence ?number/i.test(message)
  )
}

class KinesisInspector implements SourceInspector {
  readonly bounded = false
  private readonly options: KinesisInspectorOptions
  private opening: Promise<KinesisStream> | undefined
  /** Where a request stopped that used up its reads. */
  private readonly walks = new Map<string, { readonly after: Position; readonly iterator: string }>()

  constructor(options: KinesisInspectorOptions) {
    this.options = options
  }

  list(): Promise<readonly SplitListing[]> {
    return this.ask((stream) => stream.list())
  }

  peek(split: string, after: Position): Promise<'waiting' | 'nothing' | 'unknown'> {
    return this.ask(async (stream) => {
      const walk = this.walks.get(split)
      this.walks.delete(split)
      try {
        return await this.look(stream, split, after, walk?.after === after ? walk.iterator : undefined)
      } catch (error) {
        if (error instanceof RetryableError && error.code === 'throttled') return 'unknown'
        // `list` and `verify` report what happened to such a shard.
        if (isMissingShard(error) || isForeignSequence(error)) return 'unknown'
        if ((error as Error).name === 'ExpiredIteratorException') return 'unknown'
        throw error
      }
    })
  }

  private async look(stream: KinesisStream, split: string, after: Position, from: string | undefined) {
    let iterator = from ?? (await stream.iterator(split, readAfter(after)))
    for (let turn = 0; turn < TURNS_MAX; turn++) {
      if (turn > 0) await sleep(READ_PAUSE_MS)
      const read = await stream.read(iterator, 1)
      if (read.records.length > 0) return 'waiting'
      if (isCaughtUp(read)) return 'nothing'
      // An iterator at a deleted record may stay behind the tip forever, so the oldest remaining record decides.
      if (from === undefined && turn === 0 && after !== '0') {
        const oldest = await stream.read(await stream.iterator(split, { kind: 'oldest' }), 1)
        if (oldest.records.length > 0 && positionOfSequence(oldest.records[0]!.sequence) > after) return 'waiting'
        if (oldest.records.length === 0 && isCaughtUp(oldest)) return 'nothing'
      }
      iterator = read.next!
    }
    this.walks.set(split, { after, iterator })
    return 'unknown'
  }

  /**
   * Kinesis deletes records from the front of a shard and numbers records with gaps. So only this is known: while the
   * record at the position, or an older one, can be read, nothing after it was deleted. Once that record is deleted,
   * the oldest remaining record may or may not be its direct successor, and Kinesis keeps nothing that could decide.
   * This is reported as a fault, because otherwise records could be lost silently. A shard with no records left is not
   * a fault: every shard that is quiet for longer than its retention gets there. If the stream is too young to have
   * deleted any record, a position that cannot be read is not one of this stream: the stream was recreated. A shard
   * that is no longer listed is ended by membership.
   */
  verify(positions: ReadonlyMap<string, Position>): Promise<readonly SplitFault[]> {
    return this.ask(async (stream) => {
      const faults: SplitFault[] = []
      let summary: Promise<StreamSummary> | undefined
      const summarize = () => (summary ??= stream.summary())
      const read = [...positions].filter(([, position]) => position !== '0')
      await limited(read, VERIFY_AT_ONCE, async ([split, position]) => {
        const fault = await this.check(stream, split, position, summarize).catch((error) => {
          // A shard that cannot be checked must not hide the fault of another one. It is checked again next time.
          if (error instanceof RetryableError && error.code === 'throttled') return undefined
          throw error
        })
        if (fault !== undefined) faults.push({ split, ...fault })
      })
      return faults.sort((a, b) => (a.split < b.split ? -1 : 1))
    })
  }

  private async check(
    stream: KinesisStream,
    split: string,
    position: Position,
    summarize: () => Promise<StreamSummary>,
  ): Promise<Omit<SplitFault, 'split'> | undefined> {
    const sequence = sequenceOfPosition(position)
    try {
      const at = await stream.read(await stream.iterator(split, { kind: 'at', sequence }), 1)
      if (at.records[0]?.sequence === sequence) return undefined
    } catch (error) {
      if (isMissingShard(error)) return undefined
      if (!isForeignSequence(error)) throw error
      return {
        kind: 'beyond-end',
        detail: `${stream.what} reports that the sequence number ${sequence} does not belong to it.`,
      }
    }
    const oldest = await this.oldest(stream, split)
    if (oldest === undefined) return undefined
    const [record] = oldest.records
    if (record !== undefined && positionOfSequence(record.sequence) <= position) return undefined
    const { createdMs, retentionMs } = await summarize()
    const ageMs = this.now() - createdMs
    if (ageMs < retentionMs - AGE_MARGIN_MS) {
      const detail = `${stream.what} has no record ${sequence}, and is too young to have deleted one: it was created at ${new Date(createdMs).toISOString()} and keeps records for ${formatDuration(retentionMs)}.`
      return { kind: 'beyond-end', detail }
    }
    if (record === undefined) return undefined
    const detail = `${stream.what} keeps records for ${formatDuration(retentionMs)} and has deleted the record ${sequence}; the oldest one left is ${record.sequence}, which arrived at ${new Date(record.arrivalMs).toISOString()}. Any records between them are lost.`
    return { kind: 'trimmed', detail, retentionMs }
  }

  /**
   * A read that returns the oldest remaining record, or shows that there is none. Undefined if a few reads do not
   * settle it.
   */
  private async oldest(stream: KinesisStream, split: string): Promise<StreamRead | undefined> {
    let iterator = await stream.iterator(split, { kind: 'oldest' })
    for (let turn = 0; turn < TURNS_MAX; turn++) {
      if (turn > 0) await sleep(READ_PAUSE_MS)
      const read = await stream.read(iterator, 1)
      if (read.records.length > 0 || isCaughtUp(read)) return read
      iterator = read.next!
    }
    return undefined
  }

  private now(): number {
    return this.options.clock?.now() ?? performance.timeOrigin + performance.now()
  }

  private async ask<R>(question: (stream: KinesisStream) => Promise<R>): Promise<R> {
    this.opening ??= openStream(this.options, 'The Kinesis inspector').catch((error) => {
      this.opening = undefined
      throw error
    })
    const stream = await this.opening
    try {
      return await question(stream)
    } catch (error) {
      throw stream.explain(error)
    }
  }
}

/** Where to start reading after a position. */
export function readAfter(position: Position): ReadFrom {
  return position === '0' ? { kind: 'oldest' } : { kind: 'after', sequence: sequenceOfPosition(position) }
}

/** Whether a response without records means that there are none: at the tip, or at the end of a closed shard. */
function isCaughtUp({ next, behindMs }: StreamRead): boolean {
  return next === undefined || behindMs === 0
}
