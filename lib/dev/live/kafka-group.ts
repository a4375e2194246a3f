import { setTimeout as sleep } from 'node:timers/promises'
import type { Consumer } from 'kafkajs'
import { messageOf } from '../../base/index.js'
import type { Logger } from '../../ports/index.js'
import { kafkaOf } from '../../sources/kafka/cluster.js'
import type { KafkaConnection } from '../../sources/kafka/connection.js'
import { explainKafka } from '../../sources/kafka/failure.js'
import { Backoff, unlessStopped } from './options.js'

export interface GroupOptions {
  readonly topic: string
  readonly connection: KafkaConnection
  readonly group: string
  readonly signal: AbortSignal
  readonly logger: Logger
}

/** The least that brokers allow: a member that was killed holds up the others this long. */
const SESSION_MS = 6_000
const HEARTBEAT_MS = 1_000
/** How long the others wait for this member when partitions are dealt anew. */
const REBALANCE_MS = 6_000
/** The pace of the consumer's loop: heartbeats come from it, and leaving waits for it. */
const LOOP_MS = 200
/** How soon a partition that was added is seen. */
const METADATA_MS = 3_000
const LEAVE_MS = 3_000
const COMMIT_MS = 5_000
/** First joins that may fail before somebody hears of it. */
const REFUSALS = 3

/**
 * Membership of a consumer group, by a kafkajs consumer that never fetches: it heartbeats, gets partitions and commits,
 * whatever takes how long beside it. Records are read by `KafkaTopic`, since kafkajs hands out records of aborted
 * transactions where several overlap, and none of a topic that is compressed with what it lacks.
 */
export class KafkaGroup {
  /** Grows with each assignment. */
  epoch = 0
  partitions: readonly number[] = []
  /** What ended the membership for good before it began: no permission, no such group. */
  failure: Error | undefined
  private readonly options: GroupOptions
  private readonly onChange: () => void
  private readonly backoff: Backoff
  private consumer: Consumer | undefined
  private hasLeft = false
  /** Joins that failed before the first that did not. */
  private refused = 0

  constructor(options: GroupOptions, onChange: () => void) {
    this.options = options
    this.onChange = onChange
    this.backoff = new Backoff(options.signal)
  }

  /** Joins, and joins again whenever the group or its broker was lost. */
  async join(): Promise<void> {
    const { connection, topic, group, logger } = this.options
    const consumer = kafkaOf(connection).consumer({
      groupId: group,
      sessionTimeout: SESSION_MS,
      heartbeatInterval: HEARTBEAT_MS,
      rebalanceTimeout: REBALANCE_MS,
      maxWaitTimeInMs: LOOP_MS,
      metadataMaxAge: METADATA_MS,
      allowAutoTopicCreation: false,
      retry: {
        retries: 5,
        initialRetryTime: 100,
        maxRetryTime: 1_000,
        restartOnFailure: async () => false,
      },
    })
    this.consumer = consumer
    const { GROUP_JOIN, CRASH } = consumer.events
    consumer.on(GROUP_JOIN, ({ payload }) => {
      // Before its first fetch: this runs within the join.
      consumer.pause([{ topic }])
      if (this.consumer !== consumer) return
      this.backoff.reset()
      this.partitions = payload.memberAssignment[topic] ?? []
      this.epoch++
      logger.info('partitions are assigned', { group, topic, partitions: this.partitions.join() })
      this.onChange()
    })
    consumer.on(CRASH, ({ payload }) => {
      this.again(consumer, payload.error)
    })
    try {
      await consumer.connect()
      await consumer.subscribe({ topic, fromBeginning: true })
      await consumer.run({ autoCommit: false, eachBatchAutoResolve: false, eachBatch: async () => undefined })
      // Left while it joined: kafkajs can leave only now.
      if (this.consumer !== consumer) await consumer.disconnect()
    } catch (error) {
      this.again(consumer, error)
    }
  }

  /** kafkajs restarts a consumer after some errors only; a new one is made after all. */
  private again(consumer: Consumer, error: unknown): void {
    const { connection, topic, group, logger } = this.options
    if (this.hasLeft || this.consumer !== consumer) return
    this.consumer = undefined
    const explained = explainKafka(error, { connection, topic, group, phase: 'request' })
    consumer.disconnect().catch(() => undefined)
    if (this.epoch === 0 && explained.code === 'no-permission') {
      this.failure = explained
      this.onChange()
      return
    }
    const fields = { group, topic, error: explained.message }
    // A broker that has just made the group, or the topic, refuses the first join.
    if (this.epoch === 0 && ++this.refused <= REFUSALS) logger.info('the consumer group is not there yet', fields)
    else if (this.epoch === 0) logger.warn('the consumer group cannot be joined yet', fields)
    else logger.warn('the consumer group was lost, and is joined again', fields)
    void this.backoff.pause().then(() => (this.hasLeft ? undefined : this.join()))
  }

  /**
   * Commits the next offsets that are wanted. One that fails costs repeats at the next start, which the handler drops.
   */
  async commit(next: ReadonlyMap<number, number>): Promise<void> {
    const { topic, group, logger, signal } = this.options
    const offsets = [...next]
      .filter(([partition]) => this.partitions.includes(partition))
      .map(([partition, offset]) => ({ topic, partition, offset: String(offset) }))
    const { consumer } = this
    if (offsets.length === 0 || consumer === undefined) return
    try {
      const committing = consumer.commitOffsets(offsets)
      await Promise.race([signal.aborted ? committing : unlessStopped(committing, signal), timeout(COMMIT_MS)])
    } catch (error) {
      logger.warn('offsets are not committed', { group, topic, error: messageOf(error) })
    }
  }

  /** Gives the partitions to the others at once. */
  async leave(): Promise<void> {
    this.hasLeft = true
    const { consumer } = this
    this.consumer = undefined
    if (consumer === undefined) return
    await Promise.race([consumer.disconnect().catch(() => undefined), sleep(LEAVE_MS, undefined, { ref: false })])
  }
}

const timeout = (ms: number): Promise<void> => sleep(ms, undefined, { ref: false })
