import { ConfigError } from '../../base/index.js'
import type { LineAt } from './lines.js'

const QUOTE = 0x22
const BACKSLASH = 0x5c
const LINE_FEED = 0x0a
const COMMA = 0x2c
const OPEN_ARRAY = 0x5b
const CLOSE_ARRAY = 0x5d
/** With the bit 0x20 set, '[' becomes '{' and ']' becomes '}'. */
const OPEN = 0x7b
const CLOSE = 0x7d
/** The maximum size of one value: larger than any record may be. */
const VALUE_BYTES_MAX = 32 * 1024 * 1024
const MARK = Buffer.from('\ufeff')

const isSpace = (byte: number): boolean => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09

/**
 * The JSON values of a file, found by their brackets and quotes alone: the elements of the array at its start, or
 * values that follow each other. Whether each is valid JSON is left to the decoder.
 */
export async function* valuesIn(chunks: AsyncIterable<Buffer>, path: string, place: LineAt): AsyncGenerator<Buffer> {
  const cutter = new ValueCutter(place)
  for await (const chunk of chunks) {
    yield* cutter.take(chunk)
    if (cutter.waiting > VALUE_BYTES_MAX) {
      throw new ConfigError(
        'bad-input',
        `The input ${path} holds a value that does not end within ${VALUE_BYTES_MAX} bytes. Give one record a line (NDJSON).`,
      )
    }
  }
  yield* cutter.end()
}

class ValueCutter {
  private rest: Buffer = Buffer.alloc(0)
  private readonly place: LineAt
  /** Up to which byte of the rest lines were counted. */
  private counted = 0
  /** Up to which byte the rest was examined. */
  private at = 0
  private depth = 0
  private inString = false
  private hasBegun = false
  private inArray = false

  constructor(place: LineAt) {
    this.place = place
    place.line = 1
  }

  get waiting(): number {
    return this.rest.length
  }

  *take(chunk: Buffer): Generator<Buffer> {
    this.rest = this.rest.length === 0 ? chunk : Buffer.concat([this.rest, chunk])
    if (!this.hasBegun) this.begin()
    let from = this.inValue ? 0 : this.between(0)
    for (;;) {
      if (!this.inValue) this.at = from
      const end = this.valueEnd(from)
      if (end === undefined) break
      this.countLines(from)
      yield this.rest.subarray(from, end)
      from = this.between(end)
    }
    this.countLines(from)
    this.cut(from)
    this.at -= from
  }

  private countLines(to: number): void {
    if (to <= this.counted) return
    const passed = this.rest.subarray(this.counted, to)
    for (let at = passed.indexOf(LINE_FEED); at >= 0; at = passed.indexOf(LINE_FEED, at + 1)) this.place.line++
    this.counted = to
  }

  private cut(from: number): void {
    this.rest = this.rest.subarray(from)
    this.counted -= from
  }

  *end(): Generator<Buffer> {
    const from = this.inValue ? 0 : this.between(0)
    this.countLines(from)
    if (from < this.rest.length) yield this.rest.subarray(from)
  }

  private get inValue(): boolean {
    return this.depth > 0 || this.inString
  }

  private begin(): void {
    this.hasBegun = true
    let at = this.rest.subarray(0, MARK.length).equals(MARK) ? MARK.length : 0
    while (at < this.rest.length && isSpace(this.rest[at]!)) at++
    this.inArray = this.rest[at] === OPEN_ARRAY
    this.countLines(at)
    this.cut(this.inArray ? at + 1 : at)
  }

  /** Where the next value begins. After the end of the array, values may follow each other. */
  private between(from: number): number {
    let at = from
    for (; at < this.rest.length; at++) {
      const byte = this.rest[at]!
      if (this.inArray && byte === CLOSE_ARRAY) this.inArray = false
      else if (!isSpace(byte) && !(this.inArray && byte === COMMA)) break
    }
    return at
  }

  private valueEnd(from: number): number | undefined {
    const { rest } = this
    if (from >= rest.length) return undefined
    const first = rest[from]!
    if (!this.inValue && first !== QUOTE && (first | 0x20) !== OPEN) return this.tokenEnd(from)
    for (; this.at < rest.length; this.at++) {
      const byte = rest[this.at]!
      if (this.inString) {
        if (byte === BACKSLASH) {
          // The escaped character may be in the next chunk.
          if (this.at + 1 >= rest.length) return undefined
          this.at++
        } else if (byte === QUOTE) this.inString = false
      } else if (byte === QUOTE) this.inString = true
      else if ((byte | 0x20) === OPEN) this.depth++
      else if ((byte | 0x20) === CLOSE) this.depth--
      if (!this.inValue) return ++this.at
    }
    return undefined
  }

  private tokenEnd(from: number): number | undefined {
    for (let at = from + 1; at < this.rest.length; at++) {
      const byte = this.rest[at]!
      if (isSpace(byte) || byte === COMMA || byte === CLOSE_ARRAY || byte === QUOTE || (byte | 0x20) === OPEN) return at
    }
    return undefined
  }
}
