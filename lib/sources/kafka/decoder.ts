import type { EventDecoder, NameOf, SplitBatch, Undone } from '../../ports/index.js'
import { isObject, misshapen, outOfOrder } from '../shape.js'
import { lowestUndone } from '../undone.js'
import { KafkaBatch } from './batch.js'

const TOPIC_PARTITION = /^(.+)-(\d+)$/s

/**
 * Reads the events of Lambda's event source mappings for Amazon MSK and for self-managed Kafka. One event holds many
 * partitions.
 */
export function kafkaDecoder(): EventDecoder {
  return { connector: 'kafka', matches, decode, partialAnswer }
}

function matches(event: unknown): boolean {
  return isObject(event) && (event.eventSource === 'aws:kafka' || event.eventSource === 'SelfManagedKafka')
}

function decode(event: unknown, nameOf: NameOf): SplitBatch[] {
  if (!isObject(event)) misshapen('Kafka', 'itself', 'an object', event)
  const partitions: unknown = event.records
  if (!isObject(partitions) || Array.isArray(partitions)) {
    misshapen('Kafka', 'records', 'an object of topic-partitions', partitions)
  }
  const batches: SplitBatch[] = []
  const places = placesOf(event)
  for (const split of Object.keys(partitions)) {
    const path = `records[${JSON.stringify(split)}]`
    // A topic's name may contain '-', so the partition is the part after the last one.
    const topic = TOPIC_PARTITION.exec(split)?.[1]
    if (topic === undefined) misshapen('Kafka', `the name of ${path}`, "a topic, '-' and a partition", split)
    const records: unknown = partitions[split]
    if (!Array.isArray(records)) misshapen('Kafka', path, 'an array', records)
    let last = -1
    for (let i = 0; i < records.length; i++) {
      check(records[i], path, i)
      if (records[i].offset <= last) outOfOrder('Kafka', 'partition', `${path}[${i}]`)
      last = records[i].offset
    }
    if (records.length > 0) batches.push(new KafkaBatch(nameOf(topic, places), split, records))
  }
  return batches
}

/** Identifies the event's cluster: by its ARN if it is an MSK cluster, and by its brokers. */
function placesOf({ eventSourceArn, bootstrapServers }: Record<string, unknown>): string[] {
  const brokers = typeof bootstrapServers === 'string' ? bootstrapServers.split(',') : []
  return [...(typeof eventSourceArn === 'string' ? [eventSourceArn] : []), ...brokers.map((broker) => broker.trim())]
}

function check(record: any, path: string, i: number): void {
  if (!isObject(record)) misshapen('Kafka', `${path}[${i}]`, 'an object', record)
  const { offset, timestamp, key, value, headers } = record
  if (!Number.isSafeInteger(offset) || offset < 0) {
    misshapen('Kafka', `${path}[${i}].offset`, 'a whole number from 0 to 2^53 - 1', offset)
  }
  if (!isAbsent(timestamp) && !Number.isSafeInteger(timestamp)) {
    misshapen('Kafka', `${path}[${i}].timestamp`, 'whole milliseconds since 1970', timestamp)
  }
  if (!isAbsent(key) && typeof key !== 'string') misshapen('Kafka', `${path}[${i}].key`, 'a base64 text or null', key)
  if (!isAbsent(value) && typeof value !== 'string') {
    misshapen('Kafka', `${path}[${i}].value`, 'a base64 text or null', value)
  }
  if (!isAbsent(headers) && !Array.isArray(headers)) misshapen('Kafka', `${path}[${i}].headers`, 'an array', headers)
}

function isAbsent(value: unknown): value is null | undefined {
  return value === undefined || value === null
}

/**
 * Lambda delivers only the reported records again, not those after them. All records after the first undone one are
 * reported too, so that the partition stops there.
 */
function partialAnswer(undone: readonly Undone[]): unknown {
  const batchItemFailures: unknown[] = []
  for (const [batch, first] of lowestUndone(undone)) {
    for (let index = first; index < batch.count; index++) {
      batchItemFailures.push({ itemIdentifier: { partition: batch.split, offset: Number(batch.position(index)) } })
    }
  }
  return { batchItemFailures }
}
