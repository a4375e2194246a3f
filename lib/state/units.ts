import { READ_UNIT_BYTES, STORE_INSERT_MAX, WRITE_UNIT_BYTES } from '../base/index.js'
import type { Attribute, Item, StoreUsage } from '../ports/index.js'

/** The size of an item as DynamoDB bills it: names and values of all attributes, keys included. */
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
 * Two significant digits a byte, one byte for the exponent, one for the sign of a negative. DynamoDB says
 * 'approximately'.
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

/** Counts what a store is asked for. Sizes are bytes; of an item that does not exist, undefined. */
export class Meter {
  #requests = 0
  #writeUnits = 0
  #readUnits = 0

  /** One request; each item is rounded up by itself, and an absent one costs a unit. */
  get(sizes: readonly (number | undefined)[]): void {
    this.#requests++
    for (const bytes of sizes) this.#readUnits += readUnits(bytes ?? 0)
  }

  /** One request; the items of the page are summed before they are rounded. */
  query(bytes: number): void {
    this.#requests++
    this.#readUnits += readUnits(bytes)
  }

  /**
   * One insert each: `standing` is the size of the item that refused it. Requests are counted for the call as a whole.
   */
  insert(inserts: readonly { readonly attempted: number; readonly standing: number | undefined }[]): void {
    this.#requests += Math.ceil(inserts.length / STORE_INSERT_MAX)
    for (const { attempted, standing } of inserts) this.#writeUnits += writeUnits(Math.max(attempted, standing ?? 0))
  }

  /** A refused update has no size after it; it is charged for the item that stands, or a unit if there is none. */
  update(before: number | undefined, after: number | undefined): void {
    this.#requests++
    this.#writeUnits += writeUnits(Math.max(before ?? 0, after ?? 0))
  }

  snapshot(): StoreUsage {
    return { requests: this.#requests, writeUnits: this.#writeUnits, readUnits: this.#readUnits }
  }
}
