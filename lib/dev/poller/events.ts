import { fileEvent, fileRecord, kafkaEvent, kafkaRecord, kinesisEvent, kinesisRecord } from '../../testing/events.js'
import { sequenceNumber } from '../input/numbering.js'
import type { SplitLog } from '../input/split-log.js'
import type { StreamInput } from '../input/stream-input.js'

/** Lambda's limit on the size of an event of a stream mapping. */
export const EVENT_BYTES_MAX = 6 * 1024 * 1024
const ACCOUNT = '123456789012'
const REGION = 'us-east-1'

/** The records [from, to) of one split. */
export interface Range {
  readonly log: SplitLog
  readonly from: number
  readonly to: number
}

export interface BuiltEvent {
  /** The JSON of the event, as the mapping sends it. */
  readonly json: string
  /** The part of the ranges that fitted. */
  readonly ranges: readonly Range[]
}

/** Writes the event JSON of a mapping, with as many records of the ranges as fit into 6 MB. */
export function buildEvent(input: StreamInput, ranges: readonly Range[], arrivalMs: number): BuiltEvent {
  const write = WRITERS[input.source.connector as keyof typeof WRITERS]
  const taken: Range[] = []
  const groups: string[][] = []
  let bytes = Buffer.byteLength(write.event(input, [], []))
  for (const range of ranges) {
    const records: string[] = []
    // The key of the split's list, for connectors whose events have one.
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

const base64 = (data: string | Buffer): string =>
  (typeof data === 'string' ? Buffer.from(data) : data).toString('base64')

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
      // The emulated broker sets the timestamp, because no producer has.
      timestampType: 'LOG_APPEND_TIME',
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
  record: (_, log, index) => fileRecord(log.split, index, log.line(index)),
  event: (input, _, groups) => fileEvent(input.source.name, groups.flat()),
}

const WRITERS = { kinesis, kafka, file }
