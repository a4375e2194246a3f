import type { Item, Update } from '../../ports/index.js'
import { isEqual } from '../conditions.js'

/**
 * Whether the stored item is what an insert wanted: then an earlier attempt succeeded, and no other writer has changed
 * the item since.
 */
export function isInsert(standing: Item, wanted: Item): boolean {
  const names = Object.keys(wanted)
  return names.length === Object.keys(standing).length && names.every((name) => isEqual(standing[name], wanted[name]))
}

/**
 * Whether the stored item is what an update leaves behind. An update that changes nothing leaves no trace to detect.
 */
export function isUpdated(standing: Item, { set, remove = [] }: Update): boolean {
  return (
    Object.keys(set).length + remove.length > 0 &&
    Object.keys(set).every((name) => isEqual(standing[name], set[name])) &&
    remove.every((name) => standing[name] === undefined)
  )
}
