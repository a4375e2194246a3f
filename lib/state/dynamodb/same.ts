import type { Item, Update } from '../../ports/index.js'
import { isEqual } from '../conditions.js'

/**
 * Whether what stands is what an insert wanted: an earlier attempt of it succeeded, and nobody has changed it since.
 */
export function isInsert(standing: Item, wanted: Item): boolean {
  const names = Object.keys(wanted)
  return names.length === Object.keys(standing).length && names.every((name) => isEqual(standing[name], wanted[name]))
}

/** Whether what stands is what an update leaves behind. One that changes nothing leaves no trace to tell by. */
export function isUpdated(standing: Item, { set, remove = [] }: Update): boolean {
  return (
    Object.keys(set).length + remove.length > 0 &&
    Object.keys(set).every((name) => isEqual(standing[name], set[name])) &&
    remove.every((name) => standing[name] === undefined)
  )
}
