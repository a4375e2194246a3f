import { isUtf8 } from 'node:buffer'
import { type Found, type Judgement, judgeAnswer } from '../answer.js'
import { fileEvent, fileRecord, kafkaEvent, kafkaRecord, kinesisEvent, kinesisRecord } from '../events.js'
import { aggregate } from '../kpl-writer.js'
import { kinesisSequence, type LogRecord, type SimLog } from './log.js'

/** The records [from, to) of a log, in whole source records. */
export interface SimRange {
  readonly log: SimLog
  readonly from: number
  readonly to: number
}

function base64(payload: LogRecord['payload']): string | null {
  if (payload === null) return null
  if (typeof payload === 'string') return Buffer.from(payload).toString('base64')
  return 'raw' in payload ? payload.raw : Buffer.from(payload.bytes).toString('base64')
}

/** A line of a file, or the data of a KPL record: as text if it is valid text. */
function dataOf(payload: LogRecord['payload']): string | Buffer {
  if (payload === null) return ''
  if (typeof payload === 'string') return payload
  if ('raw' in payload) return payload.raw
  const bytes = Buffer.from(payload.bytes)
  return isUtf8(bytes) ? bytes.toString() : bytes
}

/** The parsed event that the source's mapping sends for these ranges. */
export function eventOf(ranges: readonly SimRange[]): unknown {
  const { connector, plan } = ranges[0]!.log
  const groups = ranges.map((range) => [range.log.plan.split, recordsOf(range)] as const)
  if (connector === 'kinesis') return JSON.parse(kinesisEvent(groups.flatMap(([, records]) => records)))
  if (connector === 'file')
    return JSON.parse(
      fileEvent(
        plan.source,
        groups.flatMap(([, records]) => records),
      ),
    )
  return JSON.parse(kafkaEvent('"eventSource":"aws:kafka","bootstrapServers":"b:9092"', groups))
}

function recordsOf({ log, from, to }: SimRange): string[] {
  const records: string[] = []
  for (let index = from; index < to; index++) {
    const record = log.records[index]!
    if (log.connector === 'file') records.push(fileRecord(log.plan.split, record.offset, dataOf(record.payload)))
    else if (log.connector === 'kafka') records.push(kafkaRecordOf(log, index, record))
    else {
      const end = log.unitEnd(index + 1)
      records.push(kinesisRecordOf(log, index, end))
      index = end - 1
    }
  }
  return records
}

const bytesOf = (data: string | Uint8Array): Buffer => Buffer.from(data as Uint8Array)

/** Headers as Lambda writes them: each value is a list of bytes. */
const headersOf = (headers: LogRecord['headers'] = []): string =>
  JSON.stringify(headers.map(([name, value]) => ({ [name]: [...bytesOf(value)] })))

function kafkaRecordOf(log: SimLog, index: number, record: LogRecord): string {
  const { plan } = log
  const { offset, payload, key, createdMs } = record
  const [topic, partition] = [log.plan.source, Number(log.plan.split.slice(log.plan.source.length + 1))]
  const timestamp = createdMs ?? record.statedMs ?? log.arrivalOf(index)
  const value = base64(payload)
  return kafkaRecord({
    topic,
    partition,
    offset,
    timestamp,
    timestampType: plan.hasNoArrival === true || createdMs !== undefined ? 'CREATE_TIME' : 'LOG_APPEND_TIME',
    key: key === undefined ? null : bytesOf(key).toString('base64'),
    value,
    headers: headersOf(record.headers),
  })
}

function kinesisRecordOf(log: SimLog, index: number, end: number): string {
  const record = log.records[index]!
  const data =
    record.sub === undefined
      ? base64(record.payload)!
      : aggregate(log.records.slice(index, end).map(({ payload }) => ({ key: 'k', data: dataOf(payload) }))).toString(
          'base64',
        )
  return kinesisRecord({
    split: log.plan.split,
    sequence: kinesisSequence(record.offset),
    partitionKey: typeof record.key === 'string' ? record.key : 'k',
    data,
    arrivalMs: record.statedMs ?? log.arrivalOf(index),
    region: 'us-east-1',
    arn: `arn:aws:kinesis:us-east-1:123456789012:stream/${log.plan.source}`,
  })
}

/** Where each range resumes, by Lambda's rules. */
export function judge(ranges: readonly SimRange[], answer: unknown): Judgement {
  return judgeAnswer(
    answer,
    ranges.map(({ to }) => to),
    (identifier) => locate(ranges, identifier),
  )
}

function locate(ranges: readonly SimRange[], identifier: any): Found | undefined {
  for (const [range, { log, from, to }] of ranges.entries()) {
    for (let index = from; index < to; index++) {
      const { offset } = log.records[index]!
      const isIt =
        log.connector === 'kinesis'
          ? identifier === kinesisSequence(offset)
          : identifier?.offset === offset &&
            (log.connector === 'kafka' ? identifier.partition : identifier.split) === log.plan.split
      if (isIt) return { range, index }
    }
  }
  return undefined
}
