import { Defect, type Envelope, type Position, type SplitBatch } from '../../ports/index.js'
import { base64Bytes, writeBase64 } from '../base64.js'
import { type Aggregate, looksAggregated, readAggregate } from './kpl.js'
import { positionOfSequence } from './position.js'

/** The fields of an event's record that a batch reads. */
export interface KinesisRecord {
  readonly kinesis: {
    readonly data: string
    readonly partitionKey: string
    readonly sequenceNumber: string
    readonly approximateArrivalTimestamp: number
  }
}

/**
 * The places of the user records in a batch with aggregates. A batch without aggregates has no such table; each index
 * is then a record.
 */
interface Units {
  readonly count: number
  /** The event's record that contains the user record of each index. */
  readonly recordOf: Int32Array
  /** The first index of each of the event's records, followed by the total count. */
  readonly firstOf: Int32Array
  /**
   * One entry per record of the event: null is an aggregate that cannot be read, a number is the record count of an
   * aggregate that is rejected as a whole because it holds too many records, undefined is a plain record.
   */
  readonly aggregates: readonly (Aggregate | number | null | undefined)[]
}

/** The records of one shard. Everything is computed on demand from the event's own objects. */
export class KinesisBatch implements SplitBatch {
  readonly source: string
  readonly split: string
  readonly count: number
  private readonly records: readonly KinesisRecord[]
  private readonly units: Units | undefined

  constructor(source: string, split: string, records: readonly KinesisRecord[]) {
    this.source = source
    this.split = split
    this.records = records
    this.units = unfold(records)
    this.count = this.units?.count ?? records.length
  }

  position(index: number): Position {
    const position = positionOfSequence(this.record(index).sequenceNumber)
    if (this.unfolded(index) === undefined) return position
    return `${position}:${String(this.sub(index)).padStart(8, '0')}`
  }

  arrivalMs(index: number): number {
    return Math.round(this.record(index).approximateArrivalTimestamp * 1000)
  }

  key(index: number): string {
    return this.unfolded(index)?.key(this.sub(index)) ?? this.record(index).partitionKey
  }

  keyBytes(index: number): Uint8Array {
    return Buffer.from(this.key(index))
  }

  /** An aggregate has a partition key of its own. */
  envelope(index: number, isUnit: boolean): Envelope {
    return { partitionKey: isUnit ? this.record(index).partitionKey : this.key(index) }
  }

  header(): undefined {
    return undefined
  }

  sizeBound(index: number): number {
    if (this.units === undefined) return base64Bytes(this.records[index]!.kinesis.data)
    const aggregate = this.aggregate(index)
    if (aggregate === null || typeof aggregate === 'number') return 0
    return aggregate?.sizeBound(this.sub(index)) ?? base64Bytes(this.record(index).data)
  }

  write(index: number, target: Buffer, at: number): number {
    if (this.units === undefined) return writeBase64(this.records[index]!.kinesis.data, target, at)
    const aggregate = this.aggregate(index)
    if (aggregate === null) return Defect.badAggregate
    if (typeof aggregate === 'number') return Defect.manyRecords
    return aggregate?.write(this.sub(index), target, at) ?? writeBase64(this.record(index).data, target, at)
  }

  raw(index: number): string {
    if (this.unfolded(index) === undefined) return this.record(index).data
    const bytes = Buffer.alloc(this.sizeBound(index))
    return bytes.toString('base64', 0, Math.max(0, this.write(index, bytes, 0)))
  }

  unitRaw(index: number): string {
    return this.record(index).data
  }

  unitRecords(index: number): number {
    const aggregate = this.aggregate(index)
    return typeof aggregate === 'number' ? aggregate : 1
  }

  unitEnd(index: number): number {
    if (this.units === undefined) return index + 1
    return this.units.firstOf[this.units.recordOf[index]! + 1]!
  }

  private record(index: number): KinesisRecord['kinesis'] {
    return this.records[this.units === undefined ? index : this.units.recordOf[index]!]!.kinesis
  }

  private aggregate(index: number): Aggregate | number | null | undefined {
    return this.units?.aggregates[this.units.recordOf[index]!]
  }

  /** The aggregate that contains the user record of an index. */
  private unfolded(index: number): Aggregate | undefined {
    const aggregate = this.aggregate(index)
    return typeof aggregate === 'object' && aggregate !== null ? aggregate : undefined
  }

  /** The index of a user record within its aggregate. */
  private sub(index: number): number {
    return index - this.units!.firstOf[this.units!.recordOf[index]!]!
  }
}

/** Undefined if no record is an aggregate, so that plain streams have no overhead. */
function unfold(records: readonly KinesisRecord[]): Units | undefined {
  if (!records.some((record) => looksAggregated(record.kinesis.data))) return undefined
  const aggregates = records.map(({ kinesis }) =>
    looksAggregated(kinesis.data) ? (readAggregate(kinesis.data) ?? null) : undefined,
  )
  const firstOf = new Int32Array(records.length + 1)
  for (let i = 0; i < records.length; i++) firstOf[i + 1] = firstOf[i]! + countOf(aggregates[i])
  const count = firstOf[records.length]!
  const recordOf = new Int32Array(count)
  for (let i = 0; i < records.length; i++) recordOf.fill(i, firstOf[i], firstOf[i + 1])
  return { count, recordOf, firstOf, aggregates }
}

const countOf = (aggregate: Aggregate | number | null | undefined): number =>
  typeof aggregate === 'object' && aggregate !== null ? aggregate.count : 1
