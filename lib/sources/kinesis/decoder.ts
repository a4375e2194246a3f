import { EventShapeError } from '../../base/index.js'
import type { EventDecoder, NameOf, SplitBatch, Undone } from '../../ports/index.js'
import { isObject, misshapen, outOfOrder } from '../shape.js'
import { lowestUndone } from '../undone.js'
import { KinesisBatch, type KinesisRecord } from './batch.js'
import { sequenceOfPosition } from './position.js'

const DIGITS = /^[1-9]\d*$/
const DIGITS_MAX = 129
/** The ARN of a stream, or of an enhanced fan-out consumer of it. */
const STREAM_ARN = /^(arn:[^:]+:kinesis:[^:]*:[^:]*:stream\/([^/:]+))(?:\/consumer\/.+)?$/

/**
 * Reads the events of Lambda's event source mapping for Kinesis Data Streams, including tumbling window events and KPL
 * aggregates.
 */
export function kinesisDecoder(): EventDecoder {
  return { connector: 'kinesis', matches, decode, partialAnswer }
}

function matches(event: unknown): boolean {
  const records = isObject(event) ? event.Records : undefined
  if (!Array.isArray(records)) return false
  // The last event of a tumbling window may be empty. An event that names another source is not one of those.
  return records.length === 0 ? (event as any).eventSource === undefined : records[0]?.eventSource === 'aws:kinesis'
}

/**
 * The records of one shard, collected while an event is split by shard. Lambda sends one shard per event, but the
 * decoder does not depend on that.
 */
interface Shard {
  readonly arn: string
  readonly split: string
  /** The prefix of its records' event ids. */
  readonly prefix: string
  readonly records: KinesisRecord[]
  last: string
}

function decode(event: unknown, nameOf: NameOf): SplitBatch[] {
  if (!isObject(event)) misshapen('Kinesis', 'itself', 'an object', event)
  const records: unknown = event.Records
  if (!Array.isArray(records)) misshapen('Kinesis', 'Records', 'an array', records)
  const windowShard: unknown = event.shardId
  if (windowShard !== undefined && (typeof windowShard !== 'string' || windowShard === '')) {
    misshapen('Kinesis', 'shardId', 'the name of a shard', windowShard)
  }

  const shards: Shard[] = []
  let shard: Shard | undefined
  for (let i = 0; i < records.length; i++) {
    const record = records[i]
    check(record, i)
    if (windowShard === undefined && typeof record.eventID !== 'string') badId(record.eventID, i)
    if (shard === undefined || !holds(shard, record, windowShard)) {
      shard = shards.find((known) => holds(known, record, windowShard))
      if (shard === undefined) {
        shard = open(record, i, windowShard)
        shards.push(shard)
      }
    }
    const sequence: string = record.kinesis.sequenceNumber
    if (sequence.length < shard.last.length || (sequence.length === shard.last.length && sequence <= shard.last)) {
      outOfOrder('Kinesis', 'shard', `Records[${i}]`)
    }
    shard.last = sequence
    shard.records.push(record)
  }
  const batches = shards.map(({ arn, split, records }) => {
    const [, stream, name] = STREAM_ARN.exec(arn)!
    return new KinesisBatch(nameOf(name!, [stream!]), split, records)
  })
  if (batches.length > 1) checkApart(batches)
  return batches
}

/**
 * Two streams, or a stream and its consumer, may be bound to the same source. If both had a batch for one split, the
 * batch with the lower sequence numbers would be taken for duplicates.
 */
function checkApart(batches: readonly SplitBatch[]): void {
  const seen = new Set<string>()
  for (const { source, split } of batches) {
    const name = `${source}/${split}`
    if (seen.has(name)) {
      throw new EventShapeError(
        `A Kinesis event needs the records of a shard to come from one stream; those of ${split} of the source "${source}" come from two.`,
      )
    }
    seen.add(name)
  }
}

function holds(shard: Shard, record: any, windowShard: string | undefined): boolean {
  if (record.eventSourceARN !== shard.arn) return false
  // With a start at 0, lastIndexOf is equivalent to startsWith, and faster.
  return windowShard !== undefined || record.eventID.lastIndexOf(shard.prefix, 0) === 0
}

function open(record: any, i: number, windowShard: string | undefined): Shard {
  const { eventID, eventSourceARN: arn } = record
  if (typeof arn !== 'string' || !STREAM_ARN.test(arn)) {
    misshapen('Kinesis', `Records[${i}].eventSourceARN`, 'the ARN of a stream or of a consumer of it', arn)
  }
  const split: string = windowShard ?? eventID.slice(0, Math.max(0, eventID.indexOf(':')))
  if (split === '') badId(eventID, i)
  return { arn, split, prefix: `${split}:`, records: [], last: '' }
}

function badId(eventID: unknown, i: number): never {
  misshapen('Kinesis', `Records[${i}].eventID`, "a shard's name, ':' and a sequence number", eventID)
}

function check(record: any, i: number): void {
  const kinesis = record?.kinesis
  if (!isObject(kinesis)) misshapen('Kinesis', `Records[${i}].kinesis`, 'an object', kinesis)
  const { data, partitionKey, sequenceNumber, approximateArrivalTimestamp } = kinesis
  if (typeof data !== 'string') misshapen('Kinesis', `Records[${i}].kinesis.data`, 'a base64 text', data)
  if (typeof partitionKey !== 'string') {
    misshapen('Kinesis', `Records[${i}].kinesis.partitionKey`, 'a text', partitionKey)
  }
  if (!isSequenceNumber(sequenceNumber)) {
    misshapen('Kinesis', `Records[${i}].kinesis.sequenceNumber`, `1 to ${DIGITS_MAX} digits as text`, sequenceNumber)
  }
  if (!isSeconds(approximateArrivalTimestamp)) {
    const path = `Records[${i}].kinesis.approximateArrivalTimestamp`
    misshapen('Kinesis', path, 'seconds since 1970', approximateArrivalTimestamp)
  }
}

function isSeconds(time: unknown): boolean {
  return typeof time === 'number' && time >= 0 && Number.isSafeInteger(Math.round(time * 1000))
}

function isSequenceNumber(text: unknown): boolean {
  return typeof text === 'string' && text.length <= DIGITS_MAX && (DIGITS.test(text) || text === '0')
}

/**
 * Lambda goes back to the lowest reported sequence number and delivers everything from there on, so one number per
 * batch is enough. It is the number of the Kinesis record, so an aggregate is delivered again as a whole.
 */
function partialAnswer(undone: readonly Undone[]): unknown {
  const sequences = Array.from(lowestUndone(undone), ([batch, index]) => sequenceOfPosition(batch.position(index)))
  return { batchItemFailures: sequences.map((itemIdentifier) => ({ itemIdentifier })) }
}
