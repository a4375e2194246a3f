import {
  count,
  kafkaSource,
  kinesisSource,
  ndjson,
  outOfOrder,
  type Pipeline,
  pipeline,
  sum,
  tumbling,
} from '../../lib/index.js'
import type { Reading } from '../runtime/pipelines.js'

const options = { timestamp: (r: Reading) => r.t, watermark: outOfOrder('2s') }

/** One stream and one topic, counted by key in windows of ten seconds. Records with a negative value are filtered. */
export const brokers = (windowSize = '10s'): Pipeline =>
  pipeline('brokers', { deadLetter: ndjson('dead'), keyGroups: 2, minAdvance: 0 }, (p) =>
    p
      .from(kinesisSource('orders', options), kafkaSource('orders-topic', options))
      .filter((r) => r.v >= 0)
      .keyBy((r) => r.k)
      .window(tumbling(windowSize as '10s'), { allowedLateness: '10s', late: ndjson('late') })
      .aggregate('w', { n: count(), sum: sum((r) => r.v) })
      .to(ndjson('out')),
  )

const base64 = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64')

const SHARD = 'shardId-000000000006'
export const sequence = (index: number): string => `4954511549${String(index).padStart(10, '0')}`

/** An event of a stream: values of one shard, starting at an index. */
export function kinesisEvent(from: number, values: readonly unknown[], stream = 'orders') {
  return {
    Records: values.map((value, i) => ({
      kinesis: {
        kinesisSchemaVersion: '1.0',
        partitionKey: 'k',
        sequenceNumber: sequence(from + i),
        data: base64(value),
        approximateArrivalTimestamp: 1_700_000_000.5,
      },
      eventSource: 'aws:kinesis',
      eventVersion: '1.0',
      eventID: `${SHARD}:${sequence(from + i)}`,
      eventName: 'aws:kinesis:record',
      invokeIdentityArn: 'arn:aws:iam::123456789012:role/r',
      awsRegion: 'us-east-1',
      eventSourceARN: `arn:aws:kinesis:us-east-1:123456789012:stream/${stream}`,
    })),
  }
}

/** An event of a topic: values by partition, each starting at offset 0. */
export function kafkaEvent(partitions: Readonly<Record<number, readonly unknown[]>>, topic = 'orders-topic') {
  const records = Object.entries(partitions).map(([partition, values]) => [
    `${topic}-${partition}`,
    values.map((value, offset) => ({
      topic,
      partition: Number(partition),
      offset,
      timestamp: 1_700_000_000_500,
      timestampType: 'CREATE_TIME',
      value: base64(value),
      headers: [],
    })),
  ])
  return {
    eventSource: 'aws:kafka',
    eventSourceArn: 'arn:aws:kafka:us-east-1:123456789012:cluster/c/uuid',
    bootstrapServers: 'a:9092',
    records: Object.fromEntries(records),
  }
}

/** The last part of the sort key of a split's checkpoint, as the harness names the call. */
export const checkpointOf = (split: string): string => `update s#${split} position`
export const shard = `orders/${SHARD}`
export const partition = (n: number): string => `orders-topic/orders-topic-${n}`
