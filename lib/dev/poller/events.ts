import type { SplitLog } from '../input/split-log.js'
import { type StreamInput, sequenceNumber } from '../input/stream-input.js'

/** Lambda's limit on an event of a stream mapping. */
export const EVENT_BYTES_MAX = 6 * 1024 * 1024
const ACCOUNT = '123456789012'
const REGION = 'us-east-1'

/** Records [from, to) of one split. */
export interface Range {
  readonly log: SplitLog
  readonly from: number
  readonly to: number
}

export interface BuiltEvent {
  /** The event as the mapping sends it. */
  readonly json: string
  /** What of the ranges found room. */
  readonly ranges: readonly Range[]
}

/** Writes the event JSON of a mapping for as many records of the ranges as 6 MB hold. */
export function buildEvent(input: StreamInput, ranges: readonly Range[], arrivalMs: number): BuiltEvent {
  const write = WRITERS[input.source.connector as keyof typeof WRITERS]
  const taken: Range[] = []
  const groups: string[][] = []
  let bytes = Buffer.byteLength(write.event(input, [], []))
  for (const range of ranges) {
    const records: string[] = []
    // The name of its list, where it has one.
    bytes += JSON.stringify(range.log.split).length + ':[],'.length
    let index = range.from
    for (; index < range.to; index++) {
      const record = write.record(input, range.log, index, arrivalMs)
      const more = Buffer.byteLength(record) + 1
      if (bytes + more > EVENT_BYTES_MAX && (records.length > 0 || taken.length > 0)) break
      bytes += more
      records.push(record)
    }
    if (records.length > 0) {
      taken.push({ log: range.log, from: range.from, to: index })
      groups.push(records)
    }
  }
  return { json: write.event(input, taken, groups), ranges: taken }
}

interface Writer {
  record(input: StreamInput, log: SplitLog, index: number, arrivalMs: number): string
  event(input: StreamInput, ranges: readonly Range[], groups: readonly string[][]): string
}

const base64 = (text: string): string => Buffer.from(text).toString('base64')

/** What a mapping says of a Kinesis record; `data` is base64. */
export interface KinesisFields {
  readonly split: string
  readonly sequence: string
  readonly partitionKey: string
  readonly data: string
  readonly arrivalMs: number
  readonly region: string
  readonly arn: string
}

export function kinesisRecord(of: KinesisFields): string {
  return `{"kinesis":{"kinesisSchemaVersion":"1.0","partitionKey":${JSON.stringify(of.partitionKey)},"sequenceNumber":"${of.sequence}","data":"${of.data}","approximateArrivalTimestamp":${of.arrivalMs / 1000}},"eventSource":"aws:kinesis","eventVersion":"1.0","eventID":"${of.split}:${of.sequence}","eventName":"aws:kinesis:record","invokeIdentityArn":"arn:aws:iam::${ACCOUNT}:role/millrace","awsRegion":"${of.region}","eventSourceARN":"${of.arn}"}`
}

export function kinesisEvent(records: readonly string[]): string {
  return `{"Records":[${records.join()}]}`
}

/** What a mapping says of a Kafka record; `key` and `value` are base64. */
export interface KafkaFields {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly timestamp: number
  readonly timestampType: 'CREATE_TIME' | 'LOG_APPEND_TIME'
  readonly key: string | null
  readonly value: string | null
  /** JSON of the list. */
  readonly headers: string
}

export function kafkaRecord(of: KafkaFields): string {
  return `{"topic":"${of.topic}","partition":${of.partition},"offset":${of.offset},"timestamp":${of.timestamp},"timestampType":"${of.timestampType}",${of.key === null ? '' : `"key":"${of.key}",`}${of.value === null ? '' : `"value":"${of.value}",`}"headers":${of.headers}}`
}

/** `origin` begins the event: which cluster it is from. */
export function kafkaEvent(
  origin: string,
  groups: readonly (readonly [split: string, records: readonly string[]])[],
): string {
  const records = groups.map(([split, group]) => `${JSON.stringify(split)}:[${group.join()}]`).join()
  return `{${origin},"records":{${records}}}`
}

const kinesis: Writer = {
  record: (input, log, index, arrivalMs) =>
    kinesisRecord({
      split: log.split,
      sequence: sequenceNumber(index),
      partitionKey: log.key(index) ?? '-',
      data: base64(log.line(index)),
      arrivalMs,
      region: REGION,
      arn: `arn:aws:kinesis:${REGION}:${ACCOUNT}:stream/${input.source.name}`,
    }),
  event: (_, __, groups) => kinesisEvent(groups.flat()),
}

const kafka: Writer = {
  record(input, log, index, arrivalMs) {
    const key = log.key(index)
    return kafkaRecord({
      topic: input.source.name,
      partition: Number(log.split.slice(log.split.lastIndexOf('-') + 1)),
      offset: index,
      timestamp: arrivalMs,
      timestampType: 'CREATE_TIME',
      key: key === null ? null : base64(key),
      value: base64(log.line(index)),
      headers: '[]',
    })
  },
  event: (input, ranges, groups) =>
    kafkaEvent(
      `"eventSource":"aws:kafka","eventSourceArn":"arn:aws:kafka:${REGION}:${ACCOUNT}:cluster/${input.source.name}/uuid","bootstrapServers":"localhost:9092"`,
      ranges.map((range, i) => [range.log.split, groups[i]!]),
    ),
}

const file: Writer = {
  record: (_, log, index) => `{"split":"${log.split}","offset":${index},"data":${JSON.stringify(log.line(index))}}`,
  event: (input, _, groups) =>
    `{"eventSource":"millrace:file","source":${JSON.stringify(input.source.name)},"records":[${groups.flat().join()}]}`,
}

const WRITERS = { kinesis, kafka, file }
