import { EventShapeError } from '../base/index.js'

/** Refuses an event. The message states what is expected at which path and the type found there, never a payload. */
export function misshapen(event: string, path: string, expected: string, found: unknown): never {
  throw new EventShapeError(`A ${event} event needs ${path} to be ${expected}; it is ${kindOf(found)}.`)
}

/** Refuses an event whose records do not ascend: the later record would look like a duplicate and be lost silently. */
export function outOfOrder(event: string, split: string, path: string): never {
  throw new EventShapeError(
    `A ${event} event needs the records of a ${split} in ascending order; ${path} does not come after the one before it.`,
  )
}

export function isObject(value: unknown): value is Record<string, any> {
  return typeof value === 'object' && value !== null
}

function kindOf(value: unknown): string {
  if (value === undefined) return 'missing'
  if (value === null) return 'null'
  if (value === '') return 'an empty string'
  if (Array.isArray(value)) return 'an array'
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}
