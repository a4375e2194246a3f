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

const kinesis: Writer = {
  record(input, log, index, arrivalMs) {
    const sequence = sequenceNumber(index)
    const stream = `arn:aws:kinesis:${REGION}:${ACCOUNT}:stream/${input.source.name}`
    return `{"kinesis":{"kinesisSchemaVersion":"1.0","partitionKey":${JSON.stringify(log.key(index) ?? '-')},"sequenceNumber":"${sequence}","data":"${base64(log.line(index))}","approximateArrivalTimestamp":${arrivalMs / 1000}},"eventSource":"aws:kinesis","eventVersion":"1.0","eventID":"${log.split}:${sequence}","eventName":"aws:kinesis:record","invokeIdentityArn":"arn:aws:iam::${ACCOUNT}:role/millrace","awsRegion":"${REGION}","eventSourceARN":"${stream}"}`
  },
  event: (_, __, groups) => `{"Records":[${groups.flat().join()}]}`,
}

const kafka: Writer = {
  record(input, log, index, arrivalMs) {
    const partition = Number(log.split.slice(log.split.lastIndexOf('-') + 1))
    const key = log.key(index)
    return `{"topic":"${input.source.name}","partition":${partition},"offset":${index},"timestamp":${arrivalMs},"timestampType":"CREATE_TIME",${key === null ? '' : `"key":"${base64(key)}",`}"value":"${base64(log.line(index))}","headers":[]}`
  },
  event(input, ranges, groups) {
    const records = ranges.map((range, i) => `${JSON.stringify(range.log.split)}:[${groups[i]!.join()}]`).join()
    return `{"eventSource":"aws:kafka","eventSourceArn":"arn:aws:kafka:${REGION}:${ACCOUNT}:cluster/${input.source.name}/uuid","bootstrapServers":"localhost:9092","records":{${records}}}`
  },
}

const file: Writer = {
  record: (_, log, index) => `{"split":"${log.split}","offset":${index},"data":${JSON.stringify(log.line(index))}}`,
  event: (input, _, groups) =>
    `{"eventSource":"millrace:file","source":${JSON.stringify(input.source.name)},"records":[${groups.flat().join()}]}`,
}

const WRITERS = { kinesis, kafka, file }
