import { ConfigError, messageOf, StopError } from '../../base/index.js'
import type { KafkaTopic, PartitionOffsets } from '../../sources/kafka/client.js'
import type { KafkaConnection } from '../../sources/kafka/connection.js'
import { openTopic } from '../../sources/kafka/inspector.js'
import { offsetAfter, splitOf } from '../../sources/kafka/position.js'
import { committedBatches } from '../../sources/kafka/record-batches.js'
import { recordsOf, type TopicRecord } from '../../sources/kafka/records.js'
import { kafkaEvent, kafkaRecord } from '../../testing/events.js'
import { EVENT_BYTES_MAX } from '../poller/events.js'
import type { KafkaGroup } from './kafka-group.js'
import {
  BATCHING_WINDOW_MS,
  Backoff,
  deliver,
  type LiveOptions,
  rest,
  unlessStopped,
  untilAnswered,
} from './options.js'

export interface KafkaPollerOptions extends LiveOptions {
  readonly topic: string
  readonly connection: KafkaConnection
  /** The consumer group, one per topic. Processes of the same group share its partitions. */
  readonly group: string
}

/** An assigned partition: the records that were read but not yet accepted, and the offset of the next read. */
interface Held {
  readonly records: TopicRecord[]
  next: number
}

const FETCH_WAIT_MS = 500
const FETCH_BYTES = 10 * 1024 * 1024
const PARTITION_BYTES = 1024 * 1024
/**
 * If the log of a partition does not continue after its position, the partition is checked again at this interval: an
 * operator may have reset it.
 */
const LOOK_AGAIN_MS = 2_000
const IDLE_MS = 500
const OFFSET_OUT_OF_RANGE = 1

/**
 * Drives the ingest handler from a real Kafka topic as a mapping with one poller does: it is a member of a consumer
 * group, reads only committed records, puts several partitions into one event, and commits offsets once the handler has
 * accepted a batch. It begins at the group's offsets, but never after the handler's own checkpoint, because records
 * between the two would be lost. It ends only by its signal.
 * @throws {ConfigError} if the topic cannot be read at all
 */
export async function pollKafka(options: KafkaPollerOptions): Promise<void> {
  const topic = await openTopic(options, 'The Kafka poller')
  try {
    const { KafkaGroup } = await import('./kafka-group.js')
    await new KafkaPoller(options, topic, KafkaGroup).run()
  } finally {
    await topic.close()
  }
}

class KafkaPoller {
  private readonly options: KafkaPollerOptions
  private readonly topic: KafkaTopic
  private readonly group: KafkaGroup
  private readonly backoff: Backoff
  private readonly held = new Map<number, Held>()
  /** The assignment that `held` belongs to. */
  private begun = 0
  private lookAgainAt = Number.POSITIVE_INFINITY
  /** Which partition goes first in the next event, so that none waits indefinitely. */
  private turn = 0
  private wake: () => void = () => undefined

  constructor(options: KafkaPollerOptions, topic: KafkaTopic, Group: typeof KafkaGroup) {
    this.options = options
    this.topic = topic
    this.backoff = new Backoff(options.signal)
    this.group = new Group(options, () => this.wake())
  }

  async run(): Promise<void> {
    const { signal } = this.options
    // Reports a problem with the connection or the topic before the group is joined.
    await untilAnswered(() => this.topic.partitions(), this.options)
    try {
      if (!signal.aborted) void this.group.join()
      while (!signal.aborted) {
        if (this.group.failure !== undefined) throw this.group.failure
        if (this.begun !== this.group.epoch || performance.now() >= this.lookAgainAt) await this.begin()
        if (this.held.size === 0) await this.idle()
        else if (await this.fill()) await this.deliver()
      }
    } finally {
      await this.group.leave()
    }
  }

  /** Finds the start offset of each partition of a new assignment. */
  private async begin(): Promise<void> {
    const { signal, logger, group } = this.options
    const { epoch, partitions } = this.group
    this.held.clear()
    this.lookAgainAt = Number.POSITIVE_INFINITY
    try {
      const found = await unlessStopped(Promise.all([this.topic.offsets(), this.topic.committed(group)]), signal)
      if (found === undefined) return
      const [offsets, committed] = found
      for (const partition of partitions) {
        const bounds = offsets.get(partition)
        if (bounds === undefined) continue
        const next = await this.startOf(partition, bounds, committed.get(partition) ?? -1)
        if (next === undefined) this.lookAgainAt = performance.now() + LOOK_AGAIN_MS
        else this.held.set(partition, { records: [], next })
      }
      this.begun = epoch
      this.backoff.reset()
    } catch (error) {
      logger.warn('the offsets of a topic cannot be read', { topic: this.topic.topic, error: messageOf(error) })
      this.begun = -1
      await this.backoff.pause()
    }
  }

  /**
   * The lower of the group's committed offset and the offset that the handler wants; undefined if the log ends before
   * the latter.
   */
  private async startOf(partition: number, bounds: PartitionOffsets, committed: number): Promise<number | undefined> {
    const { logger, positionOf } = this.options
    const split = splitOf(this.topic.topic, partition)
    const position = (await positionOf(split)) ?? '0'
    const wanted = offsetAfter(position)
    if (wanted > bounds.high) {
      logger.error(
        'a log ends before the position because its topic was recreated: the partition waits for an operator',
        {
          split,
          position,
          end: bounds.high,
        },
      )
      return undefined
    }
    if (position !== '0' && wanted < bounds.low) {
      logger.error('records after a position were deleted unread', { split, position, begins: bounds.low })
    }
    return Math.max(bounds.low, committed < 0 ? wanted : Math.min(committed, wanted))
  }

  /** Reads until a batch is full or its window is over. Returns whether there is anything to deliver. */
  private async fill(): Promise<boolean> {
    const { signal, batch, batchingWindowMs = BATCHING_WINDOW_MS } = this.options
    let until = Number.POSITIVE_INFINITY
    while (!signal.aborted && this.begun === this.group.epoch) {
      const count = this.count()
      if (count > 0) until = Math.min(until, performance.now() + batchingWindowMs)
      if (count >= batch || performance.now() >= until) return true
      if (performance.now() >= this.lookAgainAt) return false
      const wanted = this.inTurn().filter(([, { records }]) => records.length < batch)
      const waitMs = Math.round(Math.max(0, Math.min(FETCH_WAIT_MS, until - performance.now())))
      await this.fetch(wanted, waitMs)
    }
    return false
  }

  private async fetch(wanted: readonly (readonly [number, Held])[], waitMs: number): Promise<void> {
    const { signal, logger } = this.options
    const asked = wanted.map(([partition, { next }]) => ({ partition, offset: next }))
    const limits = { waitMs, bytesMax: FETCH_BYTES, partitionBytesMax: PARTITION_BYTES }
    try {
      const fetched = await unlessStopped(this.topic.fetch(asked, limits), signal)
      if (fetched === undefined) return
      // The leader is unknown, or the broker throttles: wait before the next fetch.
      if (fetched.size === 0) await rest(IDLE_MS, signal)
      for (const [partition, held] of wanted) {
        const answer = fetched.get(partition)
        if (answer === undefined) continue
        if (answer.error === OFFSET_OUT_OF_RANGE) this.begun = -1
        for (const { batch, isCommitted } of committedBatches(answer.records, answer.aborted)) {
          if (batch.lastOffset < held.next) continue
          if (isCommitted) {
            for (const record of await recordsOf(batch, this.topic.decompress)) {
              if (record.offset >= held.next) held.records.push(record)
            }
          }
          held.next = batch.lastOffset + 1
        }
      }
      this.backoff.reset()
    } catch (error) {
      // Data that cannot be decoded now cannot be decoded later.
      if (error instanceof StopError || (error instanceof ConfigError && error.code !== 'unknown-topic')) throw error
      logger.warn('a topic cannot be read', { topic: this.topic.topic, error: messageOf(error) })
      await this.backoff.pause()
      this.begun = -1
    }
  }

  private async deliver(): Promise<void> {
    const { options, topic } = this
    const { json, ranges } = this.event()
    const outcome = await deliver(
      options,
      topic.topic,
      json,
      ranges.map(({ count }) => count),
      (identifier) => {
        const range = ranges.findIndex(({ split }) => split === identifier?.partition)
        if (range < 0) return undefined
        const { held, count } = ranges[range]!
        const index = held.records.findIndex((record) => record.offset === identifier.offset)
        return index >= 0 && index < count ? { range, index } : undefined
      },
    )
    if (outcome.kind === 'failed') {
      await this.backoff.pause()
      return
    }
    let taken = 0
    const next = new Map<number, number>()
    for (const [i, { partition, held }] of ranges.entries()) {
      const reached = outcome.at[i]!
      if (reached === 0) continue
      held.records.splice(0, reached)
      next.set(partition, held.records[0]?.offset ?? held.next)
      taken += reached
    }
    if (taken === 0) {
      await this.backoff.pause()
      return
    }
    this.backoff.reset()
    options.onDelivered?.(taken)
    await this.group.commit(next)
  }

  /** Builds an event from the held records, with an equal share of each partition, up to 6 MB. */
  private event() {
    const { topic, connection } = this.topic
    const waiting = this.inTurn().filter(([, { records }]) => records.length > 0)
    const share = Math.max(1, Math.floor(this.options.batch / waiting.length))
    const ranges: { partition: number; split: string; held: Held; count: number }[] = []
    const groups: [string, string[]][] = []
    let bytes = 0
    for (const [partition, held] of waiting) {
      const split = splitOf(topic, partition)
      const records: string[] = []
      for (const record of held.records.slice(0, share)) {
        const json = recordJson(topic, partition, record)
        bytes += Buffer.byteLength(json) + 1
        if (bytes > EVENT_BYTES_MAX && (records.length > 0 || ranges.length > 0)) break
        records.push(json)
      }
      if (records.length === 0) continue
      ranges.push({ partition, split, held, count: records.length })
      groups.push([split, records])
    }
    const brokers = JSON.stringify(connection.brokers.join())
    const origin = `"eventSource":"SelfManagedKafka","bootstrapServers":${brokers}`
    this.turn++
    return { json: kafkaEvent(origin, groups), ranges }
  }

  private inTurn(): (readonly [number, Held])[] {
    const all = [...this.held]
    const first = all.length === 0 ? 0 : this.turn % all.length
    return [...all.slice(first), ...all.slice(0, first)]
  }

  private count(): number {
    let count = 0
    for (const { records } of this.held.values()) count += records.length
    return count
  }

  /** Waits until partitions are assigned. */
  private async idle(): Promise<void> {
    const woken = new Promise<void>((resolve) => {
      this.wake = resolve
    })
    if (this.begun !== this.group.epoch || this.group.failure !== undefined) return
    await rest(IDLE_MS, this.options.signal, woken)
  }
}

function recordJson(topic: string, partition: number, record: TopicRecord): string {
  // Bytes are signed in Java, and Lambda writes them as signed numbers.
  const headers = record.headers.map(([name, value]) => ({ [name]: Array.from(new Int8Array(value)) }))
  return kafkaRecord({
    topic,
    partition,
    offset: record.offset,
    timestamp: record.timestamp,
    timestampType: record.isLogAppendTime ? 'LOG_APPEND_TIME' : 'CREATE_TIME',
    key: record.key?.toString('base64') ?? null,
    value: record.value?.toString('base64') ?? null,
    headers: JSON.stringify(headers),
  })
}
