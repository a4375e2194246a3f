import { decodeKey, encodeKey, hash32, type Key } from '../../base/index.js'
import type { Item } from '../../ports/index.js'
import { payloadAttributes, storableKey, unpacked } from '../segment.js'

/** The state of one key, as it is stored. */
export interface KeyRecord {
  readonly key: Key
  readonly text: string
  readonly hash: number
  /** JSON text of its logic. Empty if the key has no state any more. */
  readonly state: string
  /** When the key next has work without rows, ms. */
  readonly due: number | undefined
  /** In a block: the time for which a wake is stored. */
  readonly wake: number | undefined
}

export const isGone = ({ state }: KeyRecord): boolean => state === ''

/**
 * Records as a payload: for each one a line with key, due and wake, and a line with its state. So the states are not
 * parsed before they are used.
 */
export function encodeRecords(records: Iterable<KeyRecord>): Buffer {
  const lines: string[] = []
  for (const { key, text, due, wake, state } of records)
    lines.push(JSON.stringify(headOf(storableKey(key, text), due, wake)), state)
  return Buffer.from(lines.join('\n'))
}

/** What is not there at the end is left out. */
function headOf(key: unknown, due: number | undefined, wake: number | undefined): unknown[] {
  if (wake !== undefined) return [key, due ?? null, wake]
  return due === undefined ? [key] : [key, due]
}

/** The attributes of an item that holds records. */
export function recordAttributes(
  bytes: Buffer,
  records: number,
  overhead = 0,
): Record<string, Uint8Array | number | boolean> {
  return { ...payloadAttributes(bytes, overhead), n: records }
}

/** @throws {StopError} if the item is damaged, or of another format */
export function decodeRecords(item: Item, what: string): KeyRecord[] {
  const text = unpacked(item, item.data as Uint8Array, what).toString()
  const records: KeyRecord[] = []
  for (let at = 0; at < text.length; ) {
    const head = text.indexOf('\n', at)
    const end = text.indexOf('\n', head + 1)
    const stop = end < 0 ? text.length : end
    const [stored, due, wake] = JSON.parse(text.slice(at, head)) as [any, (number | null)?, (number | null)?]
    const key: Key =
      stored !== null && typeof stored === 'object' && !Array.isArray(stored) ? decodeKey(stored.k) : stored
    const name = encodeKey(key)
    records.push({
      key,
      text: name,
      hash: hash32(name),
      state: text.slice(head + 1, stop),
      due: due ?? undefined,
      wake: wake ?? undefined,
    })
    at = stop + 1
  }
  return records
}

/** The approximate bytes that a record takes in a payload. */
export const bytesOf = ({ state, text }: KeyRecord): number => state.length + text.length + 40
