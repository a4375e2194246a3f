import { RecordRejection } from './errors.js'
import { KEY_BYTES_MAX } from './limits.js'

/** A part of a key. NaN and infinities are not valid; -0 is treated as 0. */
export type KeyPart = string | number | boolean | bigint | null
/** A primitive or a tuple of primitives. */
export type Key = KeyPart | readonly KeyPart[]

/**
 * Encodes a key as text. Two keys have the same text only if they are equal. The text is JSON with lone surrogates
 * escaped. A bigint is its digits and an `n`, which no JSON number ends with. A tuple is an array, which no primitive
 * is.
 * @throws {RecordRejection} `bad-key`
 */
export function encodeKey(key: Key): string {
  const text = Array.isArray(key) ? tuple(key) : part(key as KeyPart)
  // A UTF-16 unit takes at most three bytes, so only long keys need the exact count.
  if (text.length * 3 > KEY_BYTES_MAX && Buffer.byteLength(text) > KEY_BYTES_MAX) {
    throw new RecordRejection(
      'bad-key',
      `A key has at most ${KEY_BYTES_MAX} bytes; this one has ${Buffer.byteLength(text)}.`,
    )
  }
  return text
}

/** A loop, because `map` would skip the holes of a sparse array, which must be refused. */
function tuple(parts: readonly KeyPart[]): string {
  let text = '['
  for (let i = 0; i < parts.length; i++) text += i === 0 ? part(parts[i]!) : `,${part(parts[i]!)}`
  return `${text}]`
}

function part(value: KeyPart): string {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value)
    case 'number':
      if (Number.isFinite(value)) return JSON.stringify(value)
      break
    case 'boolean':
      return value ? 'true' : 'false'
    case 'bigint':
      return `${value}n`
    case 'object':
      if (value === null) return 'null'
      break
  }
  throw new RecordRejection(
    'bad-key',
    `A key is a string, a finite number, a boolean, a bigint, null, or an array of them; this one is ${kindOf(value)}.`,
  )
}

function kindOf(value: unknown): string {
  if (typeof value === 'number' || value === undefined) return String(value)
  if (value instanceof Promise) return 'a promise'
  return Array.isArray(value) ? 'a nested array' : `of type ${typeof value}`
}

/** The inverse of `encodeKey`. */
export function decodeKey(text: string): Key {
  if (text.charCodeAt(0) !== 0x5b) return text.endsWith('n') ? BigInt(text.slice(0, -1)) : JSON.parse(text)
  // JSON can parse every part but a bigint, so a key with one is tokenized first.
  try {
    return JSON.parse(text)
  } catch {
    return (JSON.parse(text.replace(BIGINT_OR_STRING, quoteBigint)) as unknown[]).map(restore) as readonly KeyPart[]
  }
}

const BIGINT_OR_STRING = /"(?:[^"\\]|\\.)*"|-?\d+n/g
const quoteBigint = (token: string): string => (token.startsWith('"') ? token : `{"n":"${token.slice(0, -1)}"}`)
const restore = (value: unknown): unknown =>
  typeof value === 'object' && value !== null ? BigInt((value as { n: string }).n) : value
