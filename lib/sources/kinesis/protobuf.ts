/** A 64-bit number takes at most ten bytes of seven bits. */
const VARINT_BYTES_MAX = 10
/** The highest field number in protobuf. Higher numbers are invalid, and a tag above 2^53 could not be read exactly. */
const FIELD_MAX = 2 ** 29 - 1

/**
 * Walks the fields of one protobuf message; it supports what a KPL aggregate needs. It allocates nothing per field,
 * never reads out of bounds and never throws. A malformed message ends the walk with `failed`.
 */
export class FieldReader {
  failed = false
  field = 0
  /** Whether the field is a run of bytes, `from` to `to`; otherwise it is the number `value`. */
  isBytes = false
  value = 0
  from = 0
  to = 0
  private at = 0
  private end = 0
  private readonly bytes: Buffer

  constructor(bytes: Buffer) {
    this.bytes = bytes
  }

  open(from: number, to: number): this {
    this.failed = false
    this.at = from
    this.end = to
    return this
  }

  /** Moves to the next field. Returns false at the end, or if the message is malformed. */
  next(): boolean {
    if (this.failed || this.at >= this.end) return false
    const tag = this.varint()
    this.field = Math.floor(tag / 8)
    this.isBytes = false
    this.value = 0
    if (this.field === 0 || this.field > FIELD_MAX) this.failed = true
    switch (tag % 8) {
      case 0:
        this.value = this.varint()
        break
      case 1:
        this.at += 8
        break
      case 2: {
        const length = this.varint()
        this.isBytes = true
        this.from = this.at
        this.at += length
        this.to = this.at
        break
      }
      case 5:
        this.at += 4
        break
      default:
        // Groups, which proto3 dropped and the KPL never wrote, and the two wire types that do not exist.
        this.failed = true
    }
    if (this.at > this.end) this.failed = true
    return !this.failed
  }

  /** Inexact above 2^53, which is far above every valid length and index. */
  private varint(): number {
    let value = 0
    let scale = 1
    for (let i = 0; i < VARINT_BYTES_MAX && this.at < this.end; i++) {
      const byte = this.bytes[this.at++]!
      value += (byte & 0x7f) * scale
      if (byte < 0x80) return value
      scale *= 128
    }
    this.failed = true
    return 0
  }
}
