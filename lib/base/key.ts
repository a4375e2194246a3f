import { RecordRejection } from './errors.js'
import { KEY_BYTES_MAX } from './limits.js'

/** What a key is made of. NaN is no key; -0 is 0. */
export type KeyPart = string | number | boolean | bigint | null
/** A primitive or a tuple of primitives. */
export type Key = KeyPart | readonly KeyPart[]

/**
 * The key as text, injective: two keys have one text only if they are the same key. JSON, with lone surrogates escaped;
 * a bigint is digits with an `n`, which no JSON number has; a tuple is an array, which no primitive is.
 */
export function encodeKey(key: Key): string {
  const text = Array.isArray(key) ? tuple(key) : part(key as KeyPart)
  // A UTF-16 unit is at most three bytes: only long keys need the exact count.
  if (text.length * 3 > KEY_BYTES_MAX && Buffer.byteLength(text) > KEY_BYTES_MAX) {
    throw new RecordRejection(
      'bad-key',
      `A key has at most ${KEY_BYTES_MAX} bytes; this one has ${Buffer.byteLength(text)}.`,
    )
  }
  return text
}

/** A loop, because `map` would skip the holes of an array, which are no parts of a key. */
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
  // Bigints are the only parts that JSON cannot read; a key with one is split by hand.
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
