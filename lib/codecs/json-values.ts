const QUOTE = 0x22
const BACKSLASH = 0x5c
/** With the bit 0x20 set, '[' is '{' and ']' is '}'. */
const OPEN = 0x7b
const CLOSE = 0x7d

/** The byte range of a value. */
export interface Range {
  readonly from: number
  readonly to: number
}

const isSpace = (byte: number): boolean => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09

/** The index of the first byte from `at` on that is not white space. */
function afterSpace(bytes: Buffer, at: number, end: number): number {
  let i = at
  while (i < end && isSpace(bytes[i]!)) i++
  return i
}

/**
 * The end of the value that begins at `at`, found by its brackets and quotes alone; a parser has to decide whether it
 * is valid. Undefined if the value does not end.
 */
function valueEnd(bytes: Buffer, at: number, end: number): number | undefined {
  const first = bytes[at]!
  if (first !== QUOTE && (first | 0x20) !== OPEN) {
    let i = at + 1
    while (i < end && !isSpace(bytes[i]!) && bytes[i] !== QUOTE && (bytes[i]! | 0x20) !== OPEN) i++
    return i
  }
  let depth = 0
  let inString = false
  for (let i = at; i < end; i++) {
    const byte = bytes[i]!
    if (inString) {
      if (byte === BACKSLASH) i++
      else if (byte === QUOTE) {
        inString = false
        if (depth === 0) return i + 1
      }
    } else if (byte === QUOTE) inString = true
    else if ((byte | 0x20) === OPEN) depth++
    else if ((byte | 0x20) === CLOSE && --depth <= 0) return i + 1
  }
  return undefined
}

/**
 * The ranges of values that follow each other, with or without white space between them: at most `most` + 1. A value
 * that does not end is the last one.
 */
export function valueRanges(bytes: Buffer, from: number, to: number, most: number): Range[] {
  const ranges: Range[] = []
  for (let at = afterSpace(bytes, from, to); at < to && ranges.length <= most; ) {
    const end = valueEnd(bytes, at, to) ?? to
    ranges.push({ from: at, to: end })
    at = afterSpace(bytes, end, to)
  }
  return ranges
}

/** The ranges of the lines that are not blank: at most `most` + 1. */
export function lineRanges(bytes: Buffer, most: number): Range[] {
  const ranges: Range[] = []
  for (let from = 0; from < bytes.length && ranges.length <= most; ) {
    const found = bytes.indexOf(0x0a, from)
    const to = found < 0 ? bytes.length : found
    if (afterSpace(bytes, from, to) < to) ranges.push({ from, to })
    from = to + 1
  }
  return ranges
}

/**
 * Examines a text that is not a JSON value. If its first value is an object or array that ends, `next` is where a
 * second value begins. If the first one does not end, `isCut` is true. Undefined if the text begins with neither an
 * object nor an array.
 */
export function firstValueEnd(
  bytes: Buffer,
): { readonly isCut: boolean; readonly next: number | undefined } | undefined {
  const at = afterSpace(bytes, 0, bytes.length)
  if (at === bytes.length || (bytes[at]! | 0x20) !== OPEN) return undefined
  const end = valueEnd(bytes, at, bytes.length)
  if (end === undefined) return { isCut: true, next: undefined }
  const next = afterSpace(bytes, end, bytes.length)
  const begins = next < bytes.length && (bytes[next] === QUOTE || (bytes[next]! | 0x20) === OPEN)
  // There is only a second value if the first one is valid by itself.
  return begins && isJson(bytes, at, end) ? { isCut: false, next } : undefined
}

function isJson(bytes: Buffer, from: number, to: number): boolean {
  try {
    JSON.parse(bytes.toString('utf8', from, to))
    return true
  } catch {
    return false
  }
}
