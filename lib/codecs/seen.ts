import { isUtf8 } from 'node:buffer'
import { firstValueEnd } from './json-values.js'

/** The first bytes of other formats, and what to do about them. */
const BEGINNINGS: readonly (readonly [begins: readonly number[], sentence: string])[] = [
  [[0x1f, 0x8b], 'this one is gzip data (it begins with 1f 8b). Give its source decode: gzip(json()).'],
  [
    [0xf3, 0x89, 0x9a, 0xc2],
    'this one is a KPL aggregate (it begins with f3 89 9a c2), which only kinesisSource unpacks. Turn aggregation off in its producer.',
  ],
  [[0x28, 0xb5, 0x2f, 0xfd], `this one is Zstandard data (it begins with 28 b5 2f fd). ${byFunction('unpacks it')}`],
  [[0x4f, 0x62, 0x6a, 0x01], `this one is an Avro file (it begins with 4f 62 6a 01). ${byFunction('reads it')}`],
  [[0xff, 0xfe], 'this one is UTF-16 (it begins with the mark ff fe). Have its producer write UTF-8.'],
  [[0xfe, 0xff], 'this one is UTF-16 (it begins with the mark fe ff). Have its producer write UTF-8.'],
]

function byFunction(does: string): string {
  return `Give its source decode: a function that ${does}.`
}

/**
 * The second half of the message about a payload that is not JSON text: what its bytes look like, and how to read them.
 * Undefined if the format is not recognized. Never quotes the payload.
 */
export function seenIn(bytes: Buffer): string | undefined {
  const known = BEGINNINGS.find(([begins]) => begins.every((byte, i) => bytes[i] === byte))
  if (known !== undefined) return known[1]
  return utf16(bytes) ?? framed(bytes) ?? (isUtf8(bytes) ? textual(bytes) : undefined) ?? binary(bytes)
}

/** UTF-16 without a byte order mark: the first characters of JSON are ASCII, so every second byte is zero. */
function utf16(bytes: Buffer): string | undefined {
  if (bytes.length < 4 || bytes.length % 2 !== 0) return undefined
  const zeros = [0, 1, 2, 3].filter((i) => bytes[i] === 0).join('')
  if (zeros !== '02' && zeros !== '13') return undefined
  return 'this one is UTF-16 (every second byte is zero). Have its producer write UTF-8.'
}

/** The headers that serializers for schema registries write: those of Confluent and of AWS Glue. */
function framed(bytes: Buffer): string | undefined {
  if (bytes[0] === 0 && bytes.length > 5)
    return `this one is framed for a schema registry (magic byte 0, schema id ${bytes.readUInt32BE(1)}). There is no codec for schema registries yet. ${byFunction('reads it')}`
  if (bytes[0] === 3 && (bytes[1] === 0 || bytes[1] === 5) && bytes.length > 18)
    return `this one is framed for the Glue Schema Registry (version byte 3). There is no codec for schema registries yet. ${byFunction('reads it')}`
  return undefined
}

function textual(bytes: Buffer): string | undefined {
  const end = firstValueEnd(bytes)
  if (end === undefined) return undefined
  if (end.isCut)
    return `the value of this one is incomplete after ${bytes.length} bytes. Have its producer send it whole.`
  return end.next === undefined
    ? undefined
    : `a second one begins at byte ${end.next} of this one. Give its source decode: ndjson().`
}

const isControl = (byte: number): boolean => byte < 0x20 && byte !== 0x09 && byte !== 0x0a && byte !== 0x0d

/** Text has no control characters except white space; in JSON, even strings write them as escapes. */
function binary(bytes: Buffer): string | undefined {
  const at = bytes.findIndex(isControl)
  if (at < 0) return undefined
  return `this one is binary (byte ${at} is a control character), such as Protobuf or Avro. ${byFunction('reads it')}`
}

/** The second half of the message if all that is known is that the payload is not UTF-8. */
export function wrongByte(bytes: Buffer): string {
  const at = firstWrongByte(bytes)
  const around = [bytes[at - 1], bytes[at + 1]]
  const isLatin1 = bytes[at]! >= 0xa0 && around.every((byte) => byte === undefined || byte < 0x80)
  return `byte ${at} of this one is not${isLatin1 ? ' (it may be Latin-1)' : ''}. Have its producer write UTF-8.`
}

/** The first byte that does not belong to a complete character. */
function firstWrongByte(bytes: Buffer): number {
  // A valid prefix stays valid, so a binary search finds the place.
  let lo = 0
  let hi = bytes.length
  while (hi - lo > 4) {
    const middle = startOfCharacter(bytes, (lo + hi) >> 1, lo)
    if (middle > lo && isUtf8(bytes.subarray(lo, middle))) lo = middle
    else if (middle > lo) hi = middle
    else break
  }
  for (let at = lo; at < bytes.length; ) {
    const length = [1, 2, 3, 4].find((n) => at + n <= bytes.length && isUtf8(bytes.subarray(at, at + n)))
    if (length === undefined) return at
    at += length
  }
  return bytes.length - 1
}

function startOfCharacter(bytes: Buffer, at: number, from: number): number {
  let start = at
  while (start > from && at - start < 4 && (bytes[start]! & 0xc0) === 0x80) start--
  return start
}
