const QUOTE = 0x22
const BACKSLASH = 0x5c
/** With the bit 0x20 set, '[' is '{' and ']' is '}'. */
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d

/** Whether the JSON in `bytes` from `from` to `to` nests arrays and objects more than `depthMax` deep. */
export function isDeeper(bytes: Buffer, from: number, to: number, depthMax: number): boolean {
  // Hardly any record has that many brackets, and counting them takes a quarter of the time.
  let brackets = 0
  for (let i = from; i < to; i++) if ((bytes[i]! | 0x20) === OPEN_OBJECT) brackets++
  return brackets > depthMax && depthOf(bytes, from, to) > depthMax
}

/** The greatest nesting depth. Brackets inside strings do not count. */
function depthOf(bytes: Buffer, from: number, to: number): number {
  let deepest = 0
  let depth = 0
  let inString = false
  for (let i = from; i < to; i++) {
    const byte = bytes[i]!
    if (byte === QUOTE) inString = !inString
    else if (inString) {
      if (byte === BACKSLASH) i++
    } else if ((byte | 0x20) === OPEN_OBJECT) {
      depth++
      if (depth > deepest) deepest = depth
    } else if ((byte | 0x20) === CLOSE_OBJECT) depth--
  }
  return deepest
}

/**
 * The characters of `__proto__`, written as escapes. No encoder writes them that way; other escapes such as `\u00e9`
 * are common.
 */
const ESCAPED_LETTER = /\\u00(?:5[fF]|6[fF]|7[024])/

/** Whether a text may hold the key `__proto__`. It may report a false positive: the text may be part of a value. */
export function mayHoldProto(text: string): boolean {
  // Plain searches run first, because they are much faster than the regular expression.
  return text.includes('__proto__') || (text.includes('\\u00') && ESCAPED_LETTER.test(text))
}

/**
 * Whether a parsed value has `__proto__` as a key of its own anywhere. The key is harmless in itself, but it would
 * pollute prototypes in the first function that copies the value key by key. The walk uses no recursion, so any depth
 * is safe.
 */
export function holdsProto(value: unknown): boolean {
  const open: unknown[] = [value]
  while (open.length > 0) {
    const next = open.pop()
    if (typeof next !== 'object' || next === null) continue
    if (Array.isArray(next)) for (const element of next) open.push(element)
    else {
      if (Object.hasOwn(next, '__proto__')) return true
      for (const element of Object.values(next)) open.push(element)
    }
  }
  return false
}
