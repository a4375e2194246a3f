import { setTimeout as sleep } from 'node:timers/promises'
import { limited } from '../../aws/limited.js'
import { load } from '../../aws/load.js'
import { checkOptions, formatDuration, RetryableError } from '../../base/index.js'
import type { Clock, Position, SourceInspector, SplitFault, SplitListing } from '../../ports/index.js'
import type { KinesisConnection } from './connection.js'
import { positionOfSequence, sequenceOfPosition } from './position.js'
import type { KinesisStream, ReadFrom, StreamRead, StreamSummary } from './stream.js'

export interface KinesisInspectorOptions extends KinesisConnection {
  /** Tells a stream's age when `verify` needs it. Default: the machine's clock. */
  readonly clock?: Clock
}

/** Reads that one question follows an iterator for; the next question goes on where it stopped. */
const TURNS_MAX = 5
/** Between two reads of a shard, so that Lambda's own poller has the larger part of its five a second. */
const READ_PAUSE_MS = 250
const VERIFY_AT_ONCE = 4
/**
 * Shards of a verification share one summary of the stream; retention is cut to the hour, deletion is not to the
 * minute.
 */
const AGE_MARGIN_MS = 600_000

/**
 * Asks a Kinesis stream for its shards, and whether records wait in them. A shard whose reads are throttled, or that is
 * still behind after some reads, is `unknown`. Needs kinesis:ListShards, GetShardIterator, GetRecords and
 * DescribeStreamSummary.
 * @example ingest(pipeline, { state, inspectors: { orders: kinesisInspector({ stream: 'orders' }) } })
 */
export function kinesisInspector(options: KinesisInspectorOptions): SourceInspector {
  checkOptions('kinesisInspector()', options, { stream: true, region: true, endpoint: true, client: true, clock: true })
  return new KinesisInspector(options)
}

/** Opens the stream's client, an optional package. */
export async function openStream(connection: KinesisConnection, who: string): Promise<KinesisStream> {
  const packages = '@aws-sdk/client-kinesis @smithy/node-http-handler'
  const { KinesisStream } = await load(who, packages, () => import('./stream.js'))
  return new KinesisStream(connection)
}

/** Whether a refusal says that the stream has no such shard (it has been deleted with its last record). */
export function isMissingShard(error: any): boolean {
  return error?.name === 'ResourceNotFoundException' && /shard/i.test(error.message) && !isForeignSequence(error)
}

/** Whether a refusal says that a sequence number is none of this shard. */
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
  /** Where a question that ran out of turns stopped. */
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
        // What became of such a shard is for `list` and `verify` to say.
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
      // An iterator at a record that was deleted may stay behind for ever; the oldest record left tells.
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
   * Kinesis deletes from the front of a shard and numbers its records with gaps, so this much is known: while the
   * record at the position, or an older one, can be read, nothing after it was deleted. Once it is gone, the oldest
   * record left may follow it directly or not, and nothing that Kinesis keeps tells which. That is a fault, since the
   * other error would lose records in silence. A shard where nothing is left to read is none: every shard that is quiet
   * for longer than its retention comes to that. In a stream too young for any record to be deleted, a position that
   * cannot be read is none of its own: the stream was made anew. A shard that is not listed any more is for membership
   * to end.
   */
  verify(positions: ReadonlyMap<string, Position>): Promise<readonly SplitFault[]> {
    return this.ask(async (stream) => {
      const faults: SplitFault[] = []
      let summary: Promise<StreamSummary> | undefined
      const summarize = () => (summary ??= stream.summary())
      const read = [...positions].filter(([, position]) => position !== '0')
      await limited(read, VERIFY_AT_ONCE, async ([split, position]) => {
        const fault = await this.check(stream, split, position, summarize).catch((error) => {
          // One shard without a verdict must not hide another's fault; the next verification tells.
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
        detail: `${stream.what} says that the sequence number ${sequence} is none of its own.`,
      }
    }
    const oldest = await this.oldest(stream, split)
    if (oldest === undefined) return undefined
    const [record] = oldest.records
    if (record !== undefined && positionOfSequence(record.sequence) <= position) return undefined
    const { createdMs, retentionMs } = await summarize()
    const ageMs = this.now() - createdMs
    if (ageMs < retentionMs - AGE_MARGIN_MS) {
      const detail = `${stream.what} has no record ${sequence}, and is too young to have deleted one: it was made at ${new Date(createdMs).toISOString()} and keeps records for ${formatDuration(retentionMs)}.`
      return { kind: 'beyond-end', detail }
    }
    if (record === undefined) return undefined
    const detail = `${stream.what} keeps records for ${formatDuration(retentionMs)} and has deleted the record ${sequence}; the oldest one left is ${record.sequence}, which arrived at ${new Date(record.arrivalMs).toISOString()}. What lay between them, if anything did, is lost.`
    return { kind: 'trimmed', detail, retentionMs }
  }

  /**
   * A read of the oldest record left, or one that says that there is none; undefined where it cannot be told in a few
   * turns.
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

/** Where to read what comes after a position. */
export function readAfter(position: Position): ReadFrom {
  return position === '0' ? { kind: 'oldest' } : { kind: 'after', sequence: sequenceOfPosition(position) }
}

/** Whether an answer without records means that there are none: at the tip, or at a closed shard's end. */
function isCaughtUp({ next, behindMs }: StreamRead): boolean {
  return next === undefined || behindMs === 0
}
