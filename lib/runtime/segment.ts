import { gunzipSync, gzipSync } from 'node:zlib'
import { checksum, decodeKey, encodeKey, hash32, type Key, StopError, WRITE_UNIT_BYTES } from '../base/index.js'
import type { OperatorPlan } from '../pipeline/index.js'
import type { Item } from '../ports/index.js'

/** The version of the payload format. A reader refuses any other version. */
const FORMAT = 1
const KNOWN_KEYS_MAX = 20_000

/** The entries of one batch of one split for one bucket of one lane, as JSON values that are not yet serialized. */
export interface SegmentEntries {
  readonly lane: number
  readonly bucketEnd: number
  /** By slice: `[sliceEnd, key, acc, acc, key, ...]`, with one accumulator for each fold. */
  readonly slices: Map<number, unknown[]>
  /** Each is `[carrier, own, first, key, acc, ...]`. */
  readonly lates: unknown[][]
  count: number
}

/** A fold as a reader gets it back. */
export interface Cell {
  readonly key: Key
  readonly text: string
  readonly hash: number
  accs: any[]
}
export interface LateCell extends Cell {
  readonly carrier: number
  readonly own: number
  readonly first: number
}

/**
 * Serializes a payload with a single JSON call: one call for each accumulator would cost more than the writing itself.
 */
export function encodeEntries(entries: SegmentEntries): Buffer {
  return Buffer.from(JSON.stringify([[...entries.slices.values()], entries.lates]))
}

/** A key as the payload's JSON stores it: unchanged, or as its text in an object if it contains a bigint. */
export function storableKey(key: Key, text: string): unknown {
  const plain = typeof key === 'object' && key !== null ? !(key as readonly unknown[]).some(isBigint) : !isBigint(key)
  return plain ? key : { k: text }
}

const isBigint = (value: unknown): boolean => typeof value === 'bigint'

/**
 * The attributes of a payload. It is compressed if that saves a write unit, and the checksum covers the stored bytes.
 * `overhead` is the size of the rest of the item.
 */
export function payloadAttributes(
  bytes: Buffer,
  overhead = 0,
): { data: Uint8Array; packed: boolean; sum: number; format: number } {
  let data = bytes
  let packed = false
  const units = (data: Uint8Array): number => Math.ceil((data.length + overhead) / WRITE_UNIT_BYTES)
  if (units(bytes) > 1) {
    const small = gzipSync(bytes, { level: 1 })
    if (units(small) < units(bytes)) {
      data = small
      packed = true
    }
  }
  return { data, packed, sum: checksum(data), format: FORMAT }
}

/** Cuts a payload that is too large for one item. */
export function cutPayload(data: Uint8Array, bytesMax: number): Uint8Array[] {
  const parts: Uint8Array[] = []
  for (let at = 0; at < data.length; at += bytesMax) parts.push(data.subarray(at, at + bytesMax))
  return parts
}

/** Receives the contents of a segment. */
export interface EntryReader {
  /**
   * Whether the reader wants an entry at all; called before its folds are decoded. `carrier` is set only for late rows,
   * and `slice` is then the row's own slice.
   */
  takes?(slice: number, carrier: number | undefined, text: string, hash: number): boolean
  /** `cell` and `late` both return true if the reader had nothing yet to merge the entry with. */
  cell(slice: number, key: Key, text: string, hash: number, accs: any[]): boolean
  late(carrier: number, own: number, first: number, key: Key, text: string, hash: number, accs: any[]): boolean
}

/**
 * What was read from a segment: its bytes before compression, the entries that the reader accepted, and how many of
 * those were new to it.
 */
export interface ReadPayload {
  readonly bytes: number
  readonly taken: number
  readonly added: number
}

/**
 * The bytes of a stored payload, before compression.
 * @throws {StopError} `unknown-format`, `damaged-state`
 */
export function unpacked(item: Item, data: Uint8Array, what: string): Buffer {
  // guard: segment-format
  if (item.format !== FORMAT) {
    throw new StopError(
      'unknown-format',
      `This version reads state in format ${FORMAT}, but the ${what} ${item.pk} ${item.sk} has format ${String(item.format)}. Run the version that wrote it.`,
    )
  }
  // guard: checksum
  if (checksum(data) !== item.sum) {
    throw new StopError(
      'damaged-state',
      `The checksum of the ${what} ${item.pk} ${item.sk} is wrong: the ${what} was changed after it was written. Restore the table, or open a new run.`,
    )
  }
  return item.packed === true ? gunzipSync(data) : Buffer.from(data.buffer, data.byteOffset, data.byteLength)
}

/**
 * Decodes a segment's payload. Damaged data and unknown formats stop the operator loudly, because a wrong result is
 * worse than no result.
 */
export function readPayload(
  item: Item,
  data: Uint8Array,
  operator: OperatorPlan,
  keys: KeyReader,
  reader: EntryReader,
  split: string,
): ReadPayload {
  const bytes = unpacked(item, data, 'segment')
  const [bySlice, lates] = JSON.parse(bytes.toString()) as [unknown[][], unknown[][]]
  const { folds } = operator
  const stride = folds.length + 1
  const accsAt = (row: readonly unknown[], at: number): any[] => {
    const accs: any[] = new Array(folds.length)
    for (let i = 0; i < folds.length; i++) accs[i] = folds[i]!.decode(row[at + i], split)
    return accs
  }
  let taken = 0
  let added = 0
  for (const row of bySlice) {
    const slice = row[0] as number
    for (let at = 1; at < row.length; at += stride) {
      const { key, text, hash } = keys.of(row[at])
      if (reader.takes !== undefined && !reader.takes(slice, undefined, text, hash)) continue
      taken++
      if (reader.cell(slice, key, text, hash, accsAt(row, at + 1))) added++
    }
  }
  for (const row of lates) {
    const { key, text, hash } = keys.of(row[3])
    const [carrier, own, first] = row as number[]
    if (reader.takes !== undefined && !reader.takes(own!, carrier, text, hash)) continue
    taken++
    if (reader.late(carrier!, own!, first!, key, text, hash, accsAt(row, 4))) added++
  }
  return { bytes: bytes.length, taken, added }
}

/** A decoded key with its text and hash. */
export interface KnownKey {
  readonly key: Key
  readonly text: string
  readonly hash: number
}

export interface KeyReader {
  of(json: unknown): KnownKey
}

/** Computes the text and hash of each key every time, for use when there are more keys than can be remembered. */
export const EVERY_KEY: KeyReader = {
  of(json) {
    if (typeof json !== 'object' || json === null) return known(json as Key)
    return known(Array.isArray(json) ? (json as Key) : decodeKey((json as { k: string }).k))
  },
}

/** Remembers the text and hash of keys that a container has read before. Bounded; tuples are not kept. */
export class KnownKeys implements KeyReader {
  private readonly primitives = new Map<unknown, KnownKey>()

  of(json: unknown): KnownKey {
    if (typeof json === 'object' && json !== null) return EVERY_KEY.of(json)
    let found = this.primitives.get(json)
    if (found === undefined) {
      if (this.primitives.size >= KNOWN_KEYS_MAX) this.primitives.clear()
      found = known(json as Key)
      this.primitives.set(json, found)
    }
    return found
  }
}

function known(key: Key): KnownKey {
  const text = encodeKey(key)
  return { key, text, hash: hash32(text) }
}
