import { hash32, StopError } from '../base/index.js'
import type { Attribute, Item } from '../ports/index.js'

/**
 * Attributes that a decision hangs on carry a checksum beside them, over their values and their item's sort key.
 * Whoever writes some of them writes its seal, and whoever reads them looks at it: a value that was changed by anybody
 * else is found before anything follows from it.
 */
export function sealOf(sk: string, ...values: readonly (Attribute | undefined)[]): number {
  let hash = hash32(sk)
  // Each value's hash begins with that of those before it: no text is put together, and none can run into the next.
  for (const value of values) hash = hash32(value === undefined ? '' : String(value), hash)
  return hash
}

/** @throws {StopError} `damaged-state` where the seal is not the one of the values */
export function checkSeal(item: Item, seal: string, expected: number, what: string): void {
  if (item[seal] === expected) return // guard: seals
  throw new StopError(
    'damaged-state',
    `The checksum of ${what} is wrong (${item.pk} ${item.sk}, ${seal}): it was changed by somebody other than Millrace. Restore the item or the table, or open a new run.`,
  )
}
