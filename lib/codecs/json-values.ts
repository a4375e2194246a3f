const QUOTE = 0x22
const BACKSLASH = 0x5c
/** With the bit 0x20 set, '[' is '{' and ']' is '}'. */
const OPEN = 0x7b
const CLOSE = 0x7d

/** Where a value lies in some bytes. */
export interface Range {
  readonly from: number
  readonly to: number
}

const isSpace = (byte: number): boolean => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09

/** The first byte from `at` on that is no white space. */
function afterSpace(bytes: Buffer, at: number, end: number): number {
  let i = at
  while (i < end && isSpace(bytes[i]!)) i++
  return i
}

/**
 * Where the value that begins at `at` ends, by its brackets and quotes alone: whether it is one is for a parser to say.
 * Undefined where it does not end.
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
 * Values that follow each other, with or without white space between: at most `most` and one more. What does not end is
 * the last.
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

/** The lines that hold something: at most `most` and one more. */
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
 * Of a text that is no JSON value: where a second value begins, if its first is an object or an array that ends, or
 * whether it is one that does not. Undefined where it begins with neither.
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
  // Only where the first is sound by itself is there a second one.
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
