import { READ_UNIT_BYTES, STORE_INSERT_MAX, WRITE_UNIT_BYTES } from '../base/index.js'
import type { Attribute, Item, StoreUsage } from '../ports/index.js'

/** The size of an item as DynamoDB bills it: the names and values of all attributes, including the keys. */
export function itemBytes(item: Item): number {
  let bytes = 0
  for (const name in item) bytes += Buffer.byteLength(name) + attributeBytes(item[name]!)
  return bytes
}

function attributeBytes(value: Attribute): number {
  if (typeof value === 'string') return Buffer.byteLength(value)
  if (typeof value === 'number') return numberBytes(value)
  return typeof value === 'boolean' ? 1 : value.length
}

/**
 * Two significant digits per byte, one byte for the exponent, and one for the sign of a negative number. DynamoDB
 * documents this as approximate.
 */
function numberBytes(value: number): number {
  if (value === 0) return 1
  const exponential = Math.abs(value).toExponential()
  const mantissa = exponential.indexOf('e')
  const digits = mantissa === 1 ? 1 : mantissa - 1
  return ((digits + 1) >> 1) + 1 + (value < 0 ? 1 : 0)
}

export const writeUnits = (bytes: number): number => Math.max(1, Math.ceil(bytes / WRITE_UNIT_BYTES))
export const readUnits = (bytes: number): number => Math.max(1, Math.ceil(bytes / READ_UNIT_BYTES))

/** The sizes of an item before and after an update, in bytes. */
export interface Sizes {
  readonly before: number | undefined
  readonly after: number | undefined
}

/** Counts the requests to a store. Sizes are in bytes; undefined for an item that does not exist. */
export class Meter {
  #requests = 0
  #writeUnits = 0
  #readUnits = 0

  /** One request. Each item is rounded up separately, and an absent item costs a unit. */
  get(sizes: readonly (number | undefined)[]): void {
    this.#requests++
    for (const bytes of sizes) this.#readUnits += readUnits(bytes ?? 0)
  }

  /** One request. The items of the page are summed before rounding up. */
  query(bytes: number): void {
    this.#requests++
    this.#readUnits += readUnits(bytes)
  }

  /**
   * One entry per insert; `standing` is the size of the existing item that refused it. Requests are counted for the
   * whole call.
   */
  insert(inserts: readonly { readonly attempted: number; readonly standing: number | undefined }[]): void {
    this.#requests += Math.ceil(inserts.length / STORE_INSERT_MAX)
    for (const { attempted, standing } of inserts) this.#writeUnits += writeUnits(Math.max(attempted, standing ?? 0))
  }

  /** A refused update has no `after` size. It is charged for the existing item, or one unit if there is none. */
  update(...updates: readonly Sizes[]): void {
    this.#requests += Math.ceil(updates.length / STORE_INSERT_MAX)
    for (const { before, after } of updates) this.#writeUnits += writeUnits(Math.max(before ?? 0, after ?? 0))
  }

  snapshot(): StoreUsage {
    return { requests: this.#requests, writeUnits: this.#writeUnits, readUnits: this.#readUnits }
  }
}
