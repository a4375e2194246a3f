import { gunzipSync, gzipSync } from 'node:zlib'
import { checksum, decodeKey, encodeKey, hash32, type Key, StopError, WRITE_UNIT_BYTES } from '../base/index.js'
import type { OperatorPlan } from '../pipeline/index.js'
import type { Item } from '../ports/index.js'

/** The version of the payload's format; a reader refuses any other. */
const FORMAT = 1
const KNOWN_KEYS_MAX = 20_000

/** What one batch of one split has for one bucket of one lane, as JSON but not yet bytes. */
export interface SegmentEntries {
  readonly lane: number
  readonly bucketEnd: number
  /** By slice: `[sliceEnd, key, acc, acc, key, ...]`, an accumulator for each fold. */
  readonly slices: Map<number, unknown[]>
  /** `[carrier, own, first, key, acc, ...]` each. */
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

/** The payload's bytes. One call of JSON for all of it: a call an accumulator costs more than what it writes. */
export function encodeEntries(entries: SegmentEntries): Buffer {
  return Buffer.from(JSON.stringify([[...entries.slices.values()], entries.lates]))
}

/** A key as the payload's JSON has it: itself, or its text in an object where a bigint is in it. */
export function storableKey(key: Key, text: string): unknown {
  const plain = typeof key === 'object' && key !== null ? !(key as readonly unknown[]).some(isBigint) : !isBigint(key)
  return plain ? key : { k: text }
}

const isBigint = (value: unknown): boolean => typeof value === 'bigint'

/**
 * The attributes of a segment's payload: compressed where that saves a write unit, with a checksum of what is stored.
 */
export function payloadAttributes(bytes: Buffer): { data: Uint8Array; packed: boolean; sum: number; format: number } {
  let data = bytes
  let packed = false
  if (bytes.length > WRITE_UNIT_BYTES) {
    const small = gzipSync(bytes, { level: 1 })
    if (Math.ceil(small.length / WRITE_UNIT_BYTES) < Math.ceil(bytes.length / WRITE_UNIT_BYTES)) {
      data = small
      packed = true
    }
  }
  return { data, packed, sum: checksum(data), format: FORMAT }
}

/** Cuts a payload that no item can hold. */
export function cutPayload(data: Uint8Array, bytesMax: number): Uint8Array[] {
  const parts: Uint8Array[] = []
  for (let at = 0; at < data.length; at += bytesMax) parts.push(data.subarray(at, at + bytesMax))
  return parts
}

/** Receives what a segment holds. */
export interface EntryReader {
  /**
   * Whether it wants an entry at all, before its folds are decoded. `carrier` only of late rows, whose own slice it is
   * then.
   */
  takes?(slice: number, carrier: number | undefined, text: string, hash: number): boolean
  /** Both say whether it had nothing yet to merge the entry with. */
  cell(slice: number, key: Key, text: string, hash: number, accs: any[]): boolean
  late(carrier: number, own: number, first: number, key: Key, text: string, hash: number, accs: any[]): boolean
}

/**
 * What was read of a segment: its bytes before compression, entries that the reader took, and those of them that were
 * new to it.
 */
export interface ReadPayload {
  readonly bytes: number
  readonly taken: number
  readonly added: number
}

/**
 * Decodes a segment's payload. Damage and foreign formats stop the operator loudly: a wrong result is worse than none.
 */
export function readPayload(
  item: Item,
  data: Uint8Array,
  operator: OperatorPlan,
  keys: KeyReader,
  reader: EntryReader,
): ReadPayload {
  // guard: segment-format
  if (item.format !== FORMAT) {
    throw new StopError(
      'unknown-format',
      `Segments are read in format ${FORMAT}; ${item.pk} ${item.sk} has format ${String(item.format)}. Run the version that wrote it.`,
    )
  }
  // guard: checksum
  if (checksum(data) !== item.sum) {
    throw new StopError(
      'damaged-state',
      `The checksum of segment ${item.pk} ${item.sk} is wrong: it was changed after it was written. Restore the table, or open a new run.`,
    )
  }
  const bytes = item.packed === true ? gunzipSync(data) : Buffer.from(data.buffer, data.byteOffset, data.byteLength)
  const [bySlice, lates] = JSON.parse(bytes.toString()) as [unknown[][], unknown[][]]
  const { folds } = operator
  const stride = folds.length + 1
  const accsAt = (row: readonly unknown[], at: number): any[] => {
    const accs: any[] = new Array(folds.length)
    for (let i = 0; i < folds.length; i++) accs[i] = folds[i]!.decode(row[at + i])
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

/** A key read back, with its text and hash. */
export interface KnownKey {
  readonly key: Key
  readonly text: string
  readonly hash: number
}

export interface KeyReader {
  of(json: unknown): KnownKey
}

/** Makes the text and hash of each key anew: for more keys than can be remembered. */
export const EVERY_KEY: KeyReader = {
  of(json) {
    if (typeof json !== 'object' || json === null) return known(json as Key)
    return known(Array.isArray(json) ? (json as Key) : decodeKey((json as { k: string }).k))
  },
}

/** Keys that a container has read before: their text and hash need not be made again. Bounded; tuples are not kept. */
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
