import { gunzipSync, gzipSync } from 'node:zlib'
import {
  checksum,
  decodeKey,
  encodeKey,
  hash32,
  type Key,
  SEGMENT_BYTES_MAX,
  StopError,
  WRITE_UNIT_BYTES,
} from '../base/index.js'
import type { OperatorPlan } from '../pipeline/index.js'
import type { Item } from '../ports/index.js'

/** The version of the payload's format; a reader refuses any other. */
const FORMAT = 1

/** What one batch of one split has for one bucket of one key group, encoded per key but not yet to bytes. */
export interface SegmentEntries {
  readonly keyGroup: number
  readonly bucketEnd: number
  readonly slices: Map<number, { readonly text: string; readonly accs: readonly unknown[] }[]>
  readonly lates: {
    readonly text: string
    readonly carrier: number
    readonly own: number
    readonly first: number
    readonly accs: readonly unknown[]
  }[]
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
 * The payload's bytes: JSON `[[sliceEnd, key, acc, acc, key, …], …], [[carrier, own, first, key, acc, …], …]`. Keys are JSON as they are;
 * only one with a bigint is wrapped.
 */
export function encodeEntries(entries: SegmentEntries): Buffer {
  let json = '[['
  let comma = ''
  for (const [slice, cells] of entries.slices) {
    json += `${comma}[${slice}`
    comma = ','
    for (const cell of cells) {
      json += `,${keyJson(cell.text)}`
      for (const acc of cell.accs) json += `,${JSON.stringify(acc)}`
    }
    json += ']'
  }
  json += '],['
  comma = ''
  for (const late of entries.lates) {
    json += `${comma}[${late.carrier},${late.own},${late.first},${keyJson(late.text)}`
    comma = ','
    for (const acc of late.accs) json += `,${JSON.stringify(acc)}`
    json += ']'
  }
  return Buffer.from(`${json}]]`)
}

function keyJson(text: string): string {
  return text.endsWith('n') || (text.startsWith('[') && /\dn[,\]]/.test(text)) ? JSON.stringify({ k: text }) : text
}

/** The attributes of a segment's payload: compressed where that saves a write unit, with a checksum of what is stored. */
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
export function cutPayload(data: Uint8Array): Uint8Array[] {
  const parts: Uint8Array[] = []
  for (let at = 0; at < data.length; at += SEGMENT_BYTES_MAX) parts.push(data.subarray(at, at + SEGMENT_BYTES_MAX))
  return parts
}

/** Receives what a segment holds. */
export interface EntryReader {
  cell(slice: number, key: Key, text: string, hash: number, accs: any[]): void
  late(carrier: number, own: number, first: number, key: Key, text: string, hash: number, accs: any[]): void
}

/** Decodes a segment's payload. Damage and foreign formats stop the operator loudly: a wrong result is worse than none. */
export function readPayload(item: Item, data: Uint8Array, operator: OperatorPlan, reader: EntryReader): void {
  if (item.format !== FORMAT) {
    throw new StopError(
      'unknown-format',
      `Segments are read in format ${FORMAT}; ${item.pk} ${item.sk} has format ${String(item.format)}. Run the version that wrote it.`,
    )
  }
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
  const accsAt = (row: readonly unknown[], at: number): any[] => folds.map((fold, i) => fold.decode(row[at + i]))
  for (const row of bySlice) {
    const slice = row[0] as number
    for (let at = 1; at < row.length; at += stride) {
      const key = storedKey(row[at])
      const text = encodeKey(key)
      reader.cell(slice, key, text, hash32(text), accsAt(row, at + 1))
    }
  }
  for (const row of lates) {
    const key = storedKey(row[3])
    const text = encodeKey(key)
    reader.late(row[0] as number, row[1] as number, row[2] as number, key, text, hash32(text), accsAt(row, 4))
  }
}

function storedKey(json: unknown): Key {
  return typeof json === 'object' && json !== null && !Array.isArray(json)
    ? decodeKey((json as { k: string }).k)
    : (json as Key)
}
