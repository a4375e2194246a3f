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

/** The least that brokers allow. A member that was killed blocks the others for this long. */
const SESSION_MS = 6_000
const HEARTBEAT_MS = 1_000
/** How long the other members wait for this one during a rebalance. */
const REBALANCE_MS = 6_000
/** The interval of the consumer's loop: it sends heartbeats, and leaving the group waits for it. */
const LOOP_MS = 200
/** How soon a new partition is noticed. */
const METADATA_MS = 3_000
const LEAVE_MS = 3_000
const COMMIT_MS = 5_000
/** How many initial joins may fail before a warning is logged. */
const REFUSALS = 3

/**
 * Membership of a consumer group, by a kafkajs consumer that never fetches: it sends heartbeats, receives partitions
 * and commits, independently of how long other work takes. Records are read by `KafkaTopic`, because kafkajs returns
 * records of aborted transactions if several overlap, and cannot read a topic whose compression it does not support.
 */
export class KafkaGroup {
  /** Incremented with each assignment. */
  epoch = 0
  partitions: readonly number[] = []
  /** The permanent error that prevented the membership: no permission, or no such group. */
  failure: Error | undefined
  private readonly options: GroupOptions
  private readonly onChange: () => void
  private readonly backoff: Backoff
  private consumer: Consumer | undefined
  private hasLeft = false
  /** Joins that failed before the first successful one. */
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
      // Called during the join, before the first fetch.
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
      // The poller left while this consumer was joining: kafkajs can only disconnect it now.
      if (this.consumer !== consumer) await consumer.disconnect()
    } catch (error) {
      this.again(consumer, error)
    }
  }

  /** kafkajs restarts a consumer only after some errors, so a new consumer is created after any error. */
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
    // A broker that has just created the group or the topic refuses the first join.
    if (this.epoch === 0 && ++this.refused <= REFUSALS) logger.info('the consumer group does not exist yet', fields)
    else if (this.epoch === 0) logger.warn('the consumer group cannot be joined yet', fields)
    else logger.warn('the consumer group was lost; joining it again', fields)
    void this.backoff.pause().then(() => (this.hasLeft ? undefined : this.join()))
  }

  /**
   * Commits the next wanted offsets. A failed commit only causes repeats at the next start, which the handler drops.
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
      logger.warn('offsets could not be committed', { group, topic, error: messageOf(error) })
    }
  }

  /** Gives the partitions to the other members immediately. */
  async leave(): Promise<void> {
    this.hasLeft = true
    const { consumer } = this
    this.consumer = undefined
    if (consumer === undefined) return
    await Promise.race([consumer.disconnect().catch(() => undefined), sleep(LEAVE_MS, undefined, { ref: false })])
  }
}

const timeout = (ms: number): Promise<void> => sleep(ms, undefined, { ref: false })
