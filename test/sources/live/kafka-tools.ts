import { setTimeout as sleep } from 'node:timers/promises'
import kafkajs, { type Admin, type Kafka, type Producer } from 'kafkajs'
import { kafkaOf } from '../../../lib/sources/kafka/cluster.js'
import type { KafkaConnection } from '../../../lib/sources/kafka/connection.js'

/** A key and a value, for partition 0 unless it says otherwise. */
export interface Message {
  readonly key?: string | null
  readonly value: string | null
  readonly partition?: number
  readonly timestamp?: string
  readonly headers?: Record<string, Buffer | string | (Buffer | string)[]>
}

const RETRY = { retries: 30, initialRetryTime: 5, maxRetryTime: 200 }

/** A producer's and an administrator's hands on a broker, for tests. */
export class KafkaTools {
  readonly kafka: Kafka
  readonly admin: Admin
  private readonly producers: Producer[] = []
  private plain: Promise<Producer> | undefined

  constructor(connection: KafkaConnection) {
    this.kafka = kafkaOf(connection, { retry: RETRY })
    this.admin = this.kafka.admin()
  }

  async create(topic: string, partitions = 1, config: Record<string, string> = {}): Promise<void> {
    const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }))
    await this.admin.createTopics({
      waitForLeaders: false,
      topics: [{ topic, numPartitions: partitions, configEntries }],
    })
    while (!(await this.hasLeaders(topic, partitions))) await sleep(20)
  }

  private async hasLeaders(topic: string, partitions: number): Promise<boolean> {
    try {
      const { topics } = await this.admin.fetchTopicMetadata({ topics: [topic] })
      const known = topics[0]?.partitions ?? []
      return known.length === partitions && known.every(({ leader }) => leader >= 0)
    } catch {
      // It is on its way.
      return false
    }
  }

  async send(topic: string, messages: readonly Message[], compression = kafkajs.CompressionTypes.None): Promise<void> {
    // What is sent again after an error is not written twice.
    this.plain ??= this.producer({ idempotent: true, maxInFlightRequests: 1 })
    await (await this.plain).send({ topic, messages: messages.map(fixed), compression })
  }

  /** Leaves a transaction open after its messages; the result ends it. */
  async begin(topic: string, id: string, messages: readonly Message[], transactionTimeout = 60_000) {
    const producer = await this.producer({
      transactionalId: id,
      idempotent: true,
      maxInFlightRequests: 1,
      transactionTimeout,
    })
    const transaction = await producer.transaction()
    for (const message of messages) await transaction.send({ topic, messages: [fixed(message)] })
    return transaction
  }

  async commit(topic: string, id: string, messages: readonly Message[]): Promise<void> {
    await (await this.begin(topic, id, messages)).commit()
  }

  async abort(topic: string, id: string, messages: readonly Message[]): Promise<void> {
    await (await this.begin(topic, id, messages)).abort()
  }

  /** Commits offsets in the name of a group that has no member. (kafkajs's own way takes five seconds.) */
  async setOffsets(group: string, topic: string, offsets: Readonly<Record<number, number>>): Promise<void> {
    const producer = await this.producer({
      transactionalId: `offsets of ${group}`,
      idempotent: true,
      maxInFlightRequests: 1,
    })
    const transaction = await producer.transaction()
    const partitions = Object.entries(offsets).map(([partition, offset]) => ({
      partition: Number(partition),
      offset: String(offset),
    }))
    await transaction.sendOffsets({ consumerGroupId: group, topics: [{ topic, partitions }] })
    await transaction.commit()
  }

  /** Deletes the records before an offset. */
  async trim(topic: string, partition: number, offset: number): Promise<void> {
    // kafkajs looks for the leader before it asks for it.
    await this.admin.fetchTopicOffsets(topic)
    await this.admin.deleteTopicRecords({ topic, partitions: [{ partition, offset: String(offset) }] })
  }

  async close(): Promise<void> {
    await Promise.all([this.admin.disconnect(), ...this.producers.map((producer) => producer.disconnect())])
  }

  private async producer(options: Parameters<Kafka['producer']>[0]): Promise<Producer> {
    const createPartitioner = kafkajs.Partitioners.DefaultPartitioner
    const common = { createPartitioner, retry: RETRY, allowAutoTopicCreation: false, metadataMaxAge: 500 }
    const producer = this.kafka.producer({ ...common, ...options })
    this.producers.push(producer)
    await producer.connect()
    return producer
  }
}

const fixed = ({ partition = 0, key = null, ...message }: Message) => ({ ...message, key, partition })

/** `count` messages that say their number. */
export function numbered(count: number, from = 0, partition = 0): Message[] {
  return Array.from({ length: count }, (_, i) => ({ key: `k${from + i}`, value: String(from + i), partition }))
}

/** The position of an offset, written here anew. */
export const at = (offset: number): string => String(offset).padStart(20, '0')
