import type { Attribute, Item, Update } from '../../ports/index.js'

/** Whether what stands is what an insert wanted: an earlier attempt of it succeeded, and nobody has changed it since. */
export function isInsert(standing: Item, wanted: Item): boolean {
  const names = Object.keys(wanted)
  return names.length === Object.keys(standing).length && names.every((name) => isSame(standing[name], wanted[name]))
}

/** Whether what stands is what an update leaves behind. One that changes nothing leaves no trace to tell by. */
export function isUpdated(standing: Item, { set, remove = [] }: Update): boolean {
  return (
    Object.keys(set).length + remove.length > 0 &&
    Object.keys(set).every((name) => isSame(standing[name], set[name])) &&
    remove.every((name) => standing[name] === undefined)
  )
}

function isSame(a: Attribute | undefined, b: Attribute | undefined): boolean {
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b) === 0
  return a === b || (a === 0 && b === 0)
}
