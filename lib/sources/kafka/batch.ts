import { textOf } from '../../base/index.js'
import { Defect, type Envelope, type Position, type SplitBatch } from '../../ports/index.js'
import { base64Bytes, writeBase64 } from '../base64.js'
import { isObject } from '../shape.js'
import { offsetAfter, positionOfOffset } from './position.js'

/** The fields of an event's record that a batch reads. */
export interface KafkaRecord {
  readonly offset: number
  readonly timestamp?: number | null
  /** `LOG_APPEND_TIME`, or `CREATE_TIME`. */
  readonly timestampType?: unknown
  readonly key?: string | null
  readonly value?: string | null
  readonly headers?: readonly unknown[] | null
}

/** The records of one topic-partition. Everything is computed on demand from the event's own objects. */
export class KafkaBatch implements SplitBatch {
  readonly source: string
  readonly split: string
  readonly count: number
  private readonly records: readonly KafkaRecord[]

  constructor(source: string, split: string, records: readonly KafkaRecord[]) {
    this.source = source
    this.split = split
    this.records = records
    this.count = records.length
  }

  position(index: number): Position {
    return positionOfOffset(this.records[index]!.offset)
  }

  /** Known if the topic lets the broker stamp its records. By default the producer's clock stamps them. */
  arrivalMs(index: number): number | undefined {
    return this.records[index]!.timestampType === 'LOG_APPEND_TIME' ? this.stampMs(index) : undefined
  }

  /** Brokers write -1 if the producer set no timestamp. */
  stampMs(index: number): number | undefined {
    const timestamp = this.records[index]!.timestamp ?? -1
    return timestamp < 0 ? undefined : timestamp
  }

  key(index: number): string | null {
    return textOf(this.keyBytes(index) ?? undefined) ?? null
  }

  keyBytes(index: number): Uint8Array | null {
    const key = this.records[index]!.key ?? null
    return key === null ? null : Buffer.from(key, 'base64')
  }

  /** A name may occur more than once; the last one counts, as in Kafka's own `lastHeader`. */
  header(index: number, name: string): Uint8Array | undefined {
    const headers = this.records[index]!.headers ?? []
    for (let i = headers.length - 1; i >= 0; i--) {
      const header = headers[i]
      if (!isObject(header) || !Object.hasOwn(header, name)) continue
      const bytes: unknown = header[name]
      // Lambda writes Java's signed bytes; a Buffer takes each modulo 256.
      return Array.isArray(bytes) ? Buffer.from(bytes) : undefined
    }
    return undefined
  }

  envelope(index: number): Envelope {
    // If the record is sent again, the broker sets a new timestamp of its own.
    const timestamp = this.arrivalMs(index) === undefined ? this.stampMs(index) : undefined
    const headers = (this.records[index]!.headers ?? [])
      .filter(isObject)
      .flatMap((header) => Object.entries(header))
      .map(([name, bytes]) => [name, Array.isArray(bytes) ? Buffer.from(bytes) : null] as const)
    return { key: this.keyBytes(index), headers, ...(timestamp !== undefined && { timestamp }) }
  }

  sizeBound(index: number): number {
    return base64Bytes(this.records[index]!.value ?? '')
  }

  write(index: number, target: Buffer, at: number): number {
    const value = this.records[index]!.value ?? null
    return value === null ? Defect.tombstone : writeBase64(value, target, at)
  }

  raw(index: number): string | null {
    return this.records[index]!.value ?? null
  }

  /** Offsets are dense, except for transaction markers and records that compaction removed. */
  follows(index: number, position: Position): boolean {
    return this.records[index]!.offset === offsetAfter(position)
  }

  unitEnd(index: number): number {
    return index + 1
  }
}
