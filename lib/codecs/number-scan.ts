/** The highest bit of each byte. */
const HIGH = 0x80808080
const HIGH_INT = HIGH | 0

/**
 * Whether the JSON in the bytes from `from` to `to` may hold a number that a double cannot represent: one of 16 digits
 * or more, or one with an exponent of three digits. It may report a false positive, because the digits may be part of a
 * text. `words` are the same bytes, four at a time. The scan also covers up to eight bytes on either side of the range.
 *
 * This is on the hot path of every pipeline, so eight bytes are tested at once. The highest bit of each byte is cleared
 * first; an addition then sets it if the byte is large enough. Adding 0x52 marks the bytes that are not below '.',
 * adding 0x46 marks those above '9'.
 */
export function mayHoldLongNumber(bytes: Uint8Array, words: Int32Array, from: number, to: number): boolean {
  const last = Math.min(words.length, 2 * Math.ceil(to / 8))
  let before = 0
  for (let i = 2 * Math.floor(from / 8); i < last; i += 2) {
    const a = words[i]! & 0x7f7f7f7f
    const b = words[i + 1]! & 0x7f7f7f7f
    const digitsA = (a + 0x52525252) & ~(a + 0x46464646) & HIGH
    const digitsB = (b + 0x52525252) & ~(b + 0x46464646) & HIGH
    const lettersA = ~(((a | 0x20202020) ^ 0x65656565) + 0x7f7f7f7f)
    const lettersB = ~(((b | 0x20202020) ^ 0x65656565) + 0x7f7f7f7f)
    const pairs = (lettersA & ((digitsA << 8) | before)) | (lettersB & ((digitsB << 8) | (digitsA >>> 24)))
    if (pairs !== 0 && hasLongExponent(bytes, i * 4)) return true
    // In a row of 16 digits, at least eight fill such a pair of words.
    if ((digitsA & digitsB) === HIGH_INT && hasLongRun(bytes, i * 4)) return true
    before = digitsB >>> 24
  }
  return false
}

const isDigit = (byte: number | undefined): boolean => byte! >= 0x30 && byte! <= 0x39
const isDigitOrPoint = (byte: number | undefined): boolean => isDigit(byte) || byte === 0x2e

/** Whether the eight digits or points at a place belong to a number of 16 or more. */
function hasLongRun(bytes: Uint8Array, at: number): boolean {
  let from = at
  while (from > 0 && isDigitOrPoint(bytes[from - 1])) from--
  let to = at + 8
  while (isDigitOrPoint(bytes[to])) to++
  return to - from >= 16 && isValueAt(bytes, from)
}

/** Whether one of the eight bytes at a place is the letter of an exponent of three digits or more. */
function hasLongExponent(bytes: Uint8Array, at: number): boolean {
  for (let i = Math.max(1, at); i < at + 8; i++) {
    if ((bytes[i]! | 0x20) !== 0x65 || !isDigitOrPoint(bytes[i - 1])) continue
    const sign = bytes[i + 1]
    const digits = sign === 0x2b || sign === 0x2d ? i + 2 : i + 1
    if (!isDigit(bytes[digits]) || !isDigit(bytes[digits + 1]) || !isDigit(bytes[digits + 2])) continue
    let from = i - 1
    while (from > 0 && isDigitOrPoint(bytes[from - 1])) from--
    if (isValueAt(bytes, from)) return true
  }
  return false
}

/**
 * Whether a number may begin at `from`. In JSON, a number follows a bracket, a colon, a comma, white space or a sign.
 * Digits inside a text mostly follow something else.
 */
function isValueAt(bytes: Uint8Array, from: number): boolean {
  const sign = from > 0 && bytes[from - 1] === 0x2d ? from - 1 : from
  if (sign === 0) return true
  const byte = bytes[sign - 1]!
  return byte <= 0x20 || byte === 0x3a || byte === 0x2c || byte === 0x5b
}

const LONG_NUMBER = /(?:^|[:,[\s])-?\d(?:[\d.]{15}|[\d.]*[eE][+-]?\d{3})/

/** The same check for the text of one record. */
export function textMayHoldLongNumber(text: string): boolean {
  return LONG_NUMBER.test(text)
}
