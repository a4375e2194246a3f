import kafkajs from 'kafkajs'
import { kafkaOf } from '../../sources/kafka/cluster.js'
import type { KafkaConnection } from '../../sources/kafka/connection.js'
import { explainKafka } from '../../sources/kafka/failure.js'
import type { Outgoing, Sender } from './sender.js'

/**
 * Sends to a topic with an idempotent producer, so that a retry of the client creates no duplicate. Keys are assigned
 * to partitions as Java clients assign them.
 */
export async function kafkaSender(
  topic: string,
  connection: KafkaConnection,
  create: number | undefined,
): Promise<Sender> {
  const kafka = kafkaOf(connection, { retry: { retries: 8, initialRetryTime: 100, maxRetryTime: 2_000 } })
  const explained = async <R>(work: () => Promise<R>): Promise<R> => {
    try {
      return await work()
    } catch (error) {
      throw explainKafka(error, { connection, topic, phase: 'request' })
    }
  }
  const admin = kafka.admin()
  try {
    await explained(async () => {
      await admin.connect()
      if (create !== undefined && !(await admin.listTopics()).includes(topic)) {
        await admin.createTopics({ topics: [{ topic, numPartitions: create }], waitForLeaders: true })
      }
      await admin.fetchTopicMetadata({ topics: [topic] })
    })
  } finally {
    await admin.disconnect().catch(() => undefined)
  }
  const producer = kafka.producer({
    idempotent: true,
    maxInFlightRequests: 1,
    createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
    allowAutoTopicCreation: false,
  })
  await explained(() => producer.connect())
  return {
    async send(records: readonly Outgoing[]) {
      const messages = records.map(({ key, line, headers, timestamp }) => ({
        key,
        value: line,
        ...(headers && { headers }),
        ...(timestamp !== undefined && { timestamp: String(timestamp) }),
      }))
      await explained(() => producer.send({ topic, messages, acks: -1 }))
    },
    close: () => producer.disconnect(),
  }
}
