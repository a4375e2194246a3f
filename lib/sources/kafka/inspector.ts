import { setTimeout as sleep } from 'node:timers/promises'
import { load } from '../../aws/load.js'
import { ConfigError } from '../../base/index.js'
import type { Position, SourceInspector, SplitFault, SplitListing } from '../../ports/index.js'
import type { KafkaTopic } from './client.js'
import { checkConnection, type KafkaConnection } from './connection.js'
import type { FetchedPartition } from './fetch.js'
import { offsetAfter, partitionOf, positionOfOffset, splitOf } from './position.js'
import { committedBatches, type RecordBatch } from './record-batches.js'
import { type Decompress, recordsOf } from './records.js'
import { keptAtLeastMs, RETENTION_CONFIGS } from './retention.js'

export interface KafkaInspectorOptions {
  readonly topic: string
  readonly connection: KafkaConnection
}

/**
 * The limits of one request. It only reads the headers of batches, so each fetch can skip as many markers and aborted
 * records as a megabyte holds.
 */
const TURNS_MAX = 8
const TURN_BYTES = 1024 * 1024
const TURN_WAIT_MS = 100
/** The pause before a log's end is read again, if a new leader may not know all of the log at first. */
const SECOND_LOOK_MS = 500
/** How long a topic's configuration is cached. */
const CONFIGURATION_MS = 300_000

const TOPIC = /^[a-zA-Z0-9._-]{1,249}$/
const OFFSET_OUT_OF_RANGE = 1

/**
 * Lists the partitions of a Kafka topic and finds out whether records wait in them. Only committed records count:
 * markers, aborted transactions and records that compaction removed do not. An open transaction counts as waiting.
 * Needs the ACLs Describe and Read on the topic, and no consumer group. With DescribeConfigs it also reports how long
 * records are kept.
 * @example kafkaInspector({ topic: 'orders', connection: { brokers: ['kafka.example.com:9092'], ssl: true } })
 */
export function kafkaInspector(options: KafkaInspectorOptions): SourceInspector & { close(): Promise<void> } {
  checkTopic(options.topic)
  checkConnection(options.connection)
  return new KafkaInspector(options)
}

function checkTopic(topic: string): void {
  if (typeof topic === 'string' && TOPIC.test(topic)) return
  throw new ConfigError(
    'bad-topic',
    `The name of a Kafka topic is 1 to 249 letters, digits, '.', '_' or '-'; it is ${JSON.stringify(topic)}.`,
  )
}

/** Opens a topic with its client, which is an optional package. */
export async function openTopic({ topic, connection }: KafkaInspectorOptions, who: string): Promise<KafkaTopic> {
  checkTopic(topic)
  const { KafkaTopic } = await load(who, 'kafkajs', () => import('./client.js'))
  return new KafkaTopic(connection, topic)
}

class KafkaInspector implements SourceInspector {
  readonly bounded = false
  private readonly options: KafkaInspectorOptions
  private opening: Promise<KafkaTopic> | undefined
  /** How far a request got that used up its fetches. The offsets before that will never hold a record again. */
  private readonly passed = new Map<string, { readonly after: Position; readonly offset: number }>()

  /** The cached retention of the topic, and when it was read by the process's clock, ms. */
  private kept: { readonly asked: number; readonly ms: number | undefined } | undefined

  constructor(options: KafkaInspectorOptions) {
    this.options = options
  }

  async list(): Promise<readonly SplitListing[]> {
    const topic = await this.open()
    const offsets = await topic.offsets()
    return [...offsets]
      .sort(([a], [b]) => a - b)
      .map(([partition, { low }]) => ({
        split: splitOf(this.options.topic, partition),
        ...(low > 0 && { start: positionOfOffset(low - 1) }),
        closed: false,
      }))
  }

  /**
   * A fetch does not show all of a log while a new leader lags. So the end of the log is requested before the answer is
   * `nothing`. If the brokers are too old to be sure of it, it is requested again after a pause.
   */
  async peek(split: string, after: Position): Promise<'waiting' | 'nothing' | 'unknown'> {
    const partition = partitionOf(this.options.topic, split)
    if (partition === undefined) return 'unknown'
    const topic = await this.open()
    const passed = this.passed.get(split)
    this.passed.delete(split)
    let next = passed?.after === after ? passed.offset : offsetAfter(after)
    let isUnsure = false
    let hasWaited = false
    for (let turn = 0; turn < TURNS_MAX; turn++) {
      const limits = { waitMs: TURN_WAIT_MS, bytesMax: TURN_BYTES, partitionBytesMax: TURN_BYTES }
      const fetched = (await topic.fetch([{ partition, offset: next }], limits)).get(partition)
      // A throttled broker sends an empty response.
      if (fetched === undefined) return 'unknown'
      if (fetched.error === OFFSET_OUT_OF_RANGE) {
        const bounds = (await topic.offsets()).get(partition)
        // Beyond the end: the log was recreated, which `verify` reports.
        if (bounds === undefined || next > bounds.high) return 'unknown'
        next = Math.max(next, bounds.low)
        if (bounds.low < bounds.high) continue
      } else {
        if (next > fetched.highWatermark) return 'unknown'
        if (fetched.lastStable < fetched.highWatermark) return 'waiting'
        if (next < fetched.highWatermark) {
          const seen = await look(fetched, next, topic.decompress)
          if (seen.found === 'record') return 'waiting'
          if (seen.found === 'unsure') isUnsure = true
          // Offsets remain, but the broker returns no batch that reaches them: they may be in tiered storage.
          if (seen.next <= next) return 'unknown'
          next = seen.next
        }
        if (next < fetched.highWatermark) continue
      }
      if (isUnsure) return 'unknown'
      const end = await topic.end(partition)
      if (end === undefined || end.offset < next) return 'unknown'
      if (end.offset > next) continue
      if (end.isSure || hasWaited) return 'nothing'
      hasWaited = true
      await sleep(SECOND_LOOK_MS)
    }
    if (!isUnsure) this.passed.set(split, { after, offset: next })
    return 'unknown'
  }

  /** The last offset may not hold a record, because transactions leave markers and compaction leaves gaps. */
  async end(split: string): Promise<Position | undefined> {
    const partition = partitionOf(this.options.topic, split)
    const found = partition === undefined ? undefined : await (await this.open()).end(partition)
    return found === undefined || found.offset === 0 ? undefined : positionOfOffset(found.offset - 1)
  }

  async verify(positions: ReadonlyMap<string, Position>): Promise<readonly SplitFault[]> {
    const topic = await this.open()
    let faults = this.compare(await topic.offsets(), positions)
    if (faults.some((fault) => fault.kind === 'beyond-end')) {
      await sleep(SECOND_LOOK_MS)
      faults = this.compare(await topic.offsets(), positions)
    }
    if (!faults.some((fault) => fault.kind === 'trimmed')) return faults
    const retentionMs = await this.retention(topic)
    if (retentionMs === undefined) return faults
    return faults.map((fault) => (fault.kind === 'trimmed' ? { ...fault, retentionMs } : fault))
  }

  /** The minimum time that records are kept, if it is known. Without it, a fault is still reported. */
  private async retention(topic: KafkaTopic): Promise<number | undefined> {
    const now = performance.now()
    if (this.kept === undefined || now - this.kept.asked > CONFIGURATION_MS) {
      try {
        const config = await topic.configuration(RETENTION_CONFIGS)
        this.kept = { asked: now, ms: config && keptAtLeastMs(config) }
      } catch {
        return undefined
      }
    }
    return this.kept.ms
  }

  private compare(
    offsets: Awaited<ReturnType<KafkaTopic['offsets']>>,
    positions: ReadonlyMap<string, Position>,
  ): SplitFault[] {
    const faults: SplitFault[] = []
    for (const [split, position] of positions) {
      const partition = partitionOf(this.options.topic, split)
      const bounds = partition === undefined ? undefined : offsets.get(partition)
      // A partition that no longer exists is ended by membership.
      if (bounds === undefined) continue
      const next = offsetAfter(position)
      if (next > bounds.high) {
        const detail = `The log of ${split} ends at offset ${bounds.high}, before the next offset to read, ${next}: the topic was recreated, or the end of its log was lost.`
        faults.push({ split, kind: 'beyond-end', detail })
      } else if (next < bounds.low) {
        const detail = `The log of ${split} begins at offset ${bounds.low}; the offsets ${next} to ${bounds.low - 1} were deleted unread. If they held nothing but transaction markers, no record is lost.`
        faults.push({ split, kind: 'trimmed', detail })
      }
    }
    return faults
  }

  async close(): Promise<void> {
    const opening = this.opening
    this.opening = undefined
    await (await opening)?.close()
  }

  private open(): Promise<KafkaTopic> {
    this.opening ??= openTopic(this.options, 'The Kafka inspector').catch((error) => {
      this.opening = undefined
      throw error
    })
    return this.opening
  }
}

interface Look {
  readonly found: 'record' | 'nothing' | 'unsure'
  /** The offset after the last batch that was examined. */
  readonly next: number
}

/** Whether there is any record from `next` on that a consumer would get. */
async function look({ records, aborted }: FetchedPartition, next: number, decompress: Decompress): Promise<Look> {
  let found: Look['found'] = 'nothing'
  let reached = next
  for (const { batch, isCommitted } of committedBatches(records, aborted)) {
    if (batch.lastOffset >= next && isCommitted && batch.count > 0) {
      const holds = await holdsFrom(batch, next, decompress)
      if (holds === true) return { found: 'record', next: reached }
      if (holds === undefined) found = 'unsure'
    }
    reached = Math.max(reached, batch.lastOffset + 1)
  }
  return { found, next: reached }
}

/**
 * Whether a batch holds a record from `next` on. The records only have to be read if the batch begins before `next` and
 * was compacted. Undefined if they cannot be read.
 */
async function holdsFrom(batch: RecordBatch, next: number, decompress: Decompress): Promise<boolean | undefined> {
  // The batch has more records than there are offsets before `next`.
  if (batch.count > next - batch.firstOffset) return true
  try {
    return (await recordsOf(batch, decompress)).some((record) => record.offset >= next)
  } catch {
    return undefined
  }
}
