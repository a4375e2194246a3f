import { isAscii, isUtf8 } from 'node:buffer'
import { DECODE_BYTES, DECODE_RECORDS, JSON_DEPTH_MAX } from '../base/index.js'
import type { SplitBatch } from '../ports/index.js'
import { COMMA_SEPARATOR, WORD_SEPARATOR } from './framing.js'
import { isDeeper } from './json-checks.js'
import { mayHoldLongNumber } from './number-scan.js'
import { reject } from './rejections.js'

const OPEN_ARRAY = 0x5b
const CLOSE_ARRAY = 0x5d
const OPEN_OBJECT = 0x7b
/** The byte order mark that some programs write before a text in UTF-8. It is not part of the text. */
const MARK = [0xef, 0xbb, 0xbf] as const

/** The payloads of some records: the part of a batch that is decoded. */
export type Payloads = Pick<SplitBatch, 'sizeBound' | 'write'>

/** Records in one buffer, written so that any run of them can be read as one JSON array. The buffer is reused. */
export class RecordPack {
  count = 0
  /** Whether the records are separated by commas, or by words. */
  hasCommas = true
  /** The place in `out` of each record in the pack. */
  readonly places = new Int32Array(DECODE_RECORDS)
  private readonly starts = new Int32Array(DECODE_RECORDS)
  private readonly ends = new Int32Array(DECODE_RECORDS)
  private readonly recordBytesMax: number
  private buffer = Buffer.allocUnsafeSlow(DECODE_BYTES)
  private words = new Int32Array(this.buffer.buffer)
  private triesCommas = true

  constructor(recordBytesMax: number) {
    this.recordBytesMax = recordBytesMax
  }

  /**
   * Packs as many of the records from `index` to `to` as fit, and rejects in `out` those that can be rejected without a
   * parser. The place of a record in `out` is its distance from the record `first`. Returns the index of the next
   * record to pack.
   */
  fill(batch: Payloads, index: number, to: number, first: number, out: unknown[]): number {
    this.hasCommas = this.triesCommas
    const next = this.write(batch, index, to, first, out)
    // The records of a stream are alike, so the separator that worked for these is tried first for the next ones.
    this.triesCommas = this.allowsCommas()
    if (this.triesCommas || !this.hasCommas) return next
    this.hasCommas = false
    return this.write(batch, index, to, first, out)
  }

  /** The bytes of one record, valid until the pack is filled again. */
  bytes(k: number): Buffer {
    return this.buffer.subarray(this.starts[k]!, this.ends[k]!)
  }

  /** Whether a record from `lo` to `hi` may hold a number that a double cannot represent. */
  mayHoldLongNumber(lo: number, hi: number): boolean {
    return mayHoldLongNumber(this.buffer, this.words, this.starts[lo]! - 1, this.ends[hi - 1]!)
  }

  /** The text of one record, or undefined if its bytes are not UTF-8. */
  text(k: number): string | undefined {
    return this.slice(this.starts[k]!, this.ends[k]!)
  }

  /**
   * The records `lo` to `hi` as the text of an array, or undefined if some are not UTF-8. The separator keeps an
   * incomplete character from merging with the next record. The caller asks for the whole run first, and then for its
   * parts.
   */
  arrayText(lo: number, hi: number): string | undefined {
    const from = this.starts[lo]! - 1
    const to = this.ends[hi - 1]!
    // The brackets overwrite the last byte of the separator before the run and the first byte of the one after it. A
    // run that was tried is only cut into smaller ones, so neither byte is read again.
    this.buffer[from] = OPEN_ARRAY
    this.buffer[to] = CLOSE_ARRAY
    return this.slice(from, to + 1)
  }

  private write(batch: Payloads, from: number, to: number, first: number, out: unknown[]): number {
    const separator = this.hasCommas ? COMMA_SEPARATOR : WORD_SEPARATOR
    let count = 0
    let at = 0
    let index = from
    for (; index < to && count < DECODE_RECORDS; index++) {
      const bound = batch.sizeBound(index)
      if (bound > this.recordBytesMax) {
        out[index - first] = reject.oversize(bound, this.recordBytesMax)
        continue
      }
      // One more byte for the bracket after the last record.
      const need = at + separator.length + bound + 1
      if (need > DECODE_BYTES && count > 0) break
      if (need > this.buffer.length) this.grow(need)
      const start = at + separator.length
      let written = batch.write(index, this.buffer, start)
      if (written >= MARK.length && this.buffer[start] === MARK[0]) written = this.withoutMark(start, written)
      if (written <= 0) {
        out[index - first] = written === 0 ? reject.emptyJson() : reject.defect(written)
        continue
      }
      const end = start + written
      // Each level has two brackets, so a short record cannot nest too deeply.
      if (written > 2 * JSON_DEPTH_MAX && isDeeper(this.buffer, start, end, JSON_DEPTH_MAX)) {
        out[index - first] = reject.deepNesting()
        continue
      }
      if (this.hasCommas) {
        // Writing two bytes directly costs less than a call.
        this.buffer[at] = separator[0]!
        this.buffer[at + 1] = separator[1]!
      } else this.buffer.set(separator, at)
      this.starts[count] = start
      this.ends[count] = end
      this.places[count] = index - first
      count++
      at = end
    }
    this.count = count
    return index
  }

  private grow(bytes: number): void {
    // The number scan reads whole words of eight bytes.
    this.buffer = Buffer.allocUnsafeSlow(Math.ceil(bytes / 8) * 8)
    this.words = new Int32Array(this.buffer.buffer)
  }

  private withoutMark(start: number, written: number): number {
    if (this.buffer[start + 1] !== MARK[1] || this.buffer[start + 2] !== MARK[2]) return written
    this.buffer.copyWithin(start, start + MARK.length, start + written)
    return written - MARK.length
  }

  private allowsCommas(): boolean {
    if (this.count === 0) return this.triesCommas
    for (let k = 0; k < this.count; k++) if (this.buffer[this.starts[k]!] !== OPEN_OBJECT) return false
    return !this.buffer.subarray(0, this.ends[this.count - 1]).includes(OPEN_ARRAY)
  }

  private slice(from: number, to: number): string | undefined {
    const bytes = this.buffer.subarray(from, to)
    if (isAscii(bytes)) return this.buffer.toString('latin1', from, to)
    return isUtf8(bytes) ? this.buffer.toString('utf8', from, to) : undefined
  }
}
