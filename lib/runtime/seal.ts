import { hash32, StopError } from '../base/index.js'
import type { Attribute, Item } from '../ports/index.js'

/**
 * A checksum over attributes on which a decision depends, and over their item's sort key. Every write of such
 * attributes also writes their seal, and every read checks it. So a value that was changed by something other than
 * Millrace is found before it has any effect.
 */
export function sealOf(sk: string, ...values: readonly (Attribute | undefined)[]): number {
  let hash = hash32(sk)
  // Each hash is seeded with the hash of the previous values. This needs no concatenated text, and keeps values apart.
  for (const value of values) hash = hash32(value === undefined ? '' : String(value), hash)
  return hash
}

/** @throws {StopError} `damaged-state` if the seal does not match the values */
export function checkSeal(item: Item, seal: string, expected: number, what: string): void {
  if (item[seal] === expected) return // guard: seals
  throw new StopError(
    'damaged-state',
    `The checksum of ${what} is wrong (${item.pk} ${item.sk}, ${seal}): something other than Millrace changed it. Restore the item or the table, or open a new run.`,
  )
}
