import { Defect, type Position, type SplitBatch } from '../../ports/index.js'
import { base64Bytes, writeBase64 } from '../base64.js'

/** One line of a file. */
export interface FileRecord {
  readonly split: string
  readonly offset: number
  readonly data: string
  /** Set for a line that is not text: `data` holds its bytes in base64. */
  readonly encoding?: 'base64'
}

/** A surrogate without its other half. UTF-8 cannot represent it, and writing it would silently turn it into U+FFFD. */
const LONE_SURROGATE = /\p{Surrogate}/u

/** The lines of one split of a file source. */
export class FileBatch implements SplitBatch {
  readonly source: string
  readonly split: string
  private readonly records: readonly FileRecord[]

  constructor(source: string, split: string, records: readonly FileRecord[]) {
    this.source = source
    this.split = split
    this.records = records
  }

  get count(): number {
    return this.records.length
  }

  position(index: number): Position {
    return String(this.records[index]!.offset).padStart(20, '0')
  }

  arrivalMs(): undefined {
    return undefined
  }

  key(): null {
    return null
  }

  keyBytes(): null {
    return null
  }

  header(): undefined {
    return undefined
  }

  sizeBound(index: number): number {
    const { data, encoding } = this.records[index]!
    return encoding === undefined ? Buffer.byteLength(data) : base64Bytes(data)
  }

  write(index: number, target: Buffer, at: number): number {
    const { data, encoding } = this.records[index]!
    if (encoding !== undefined) return writeBase64(data, target, at)
    const written = target.write(data, at)
    // Only a text with characters beyond ASCII has more bytes than UTF-16 code units.
    return written !== data.length && LONE_SURROGATE.test(data) ? Defect.notText : written
  }

  raw(index: number): string {
    return this.records[index]!.data
  }

  unitEnd(index: number): number {
    return index + 1
  }
}
