import { JSON_DEPTH_MAX, RecordRejection } from '../base/index.js'

/**
 * Checks that JSON gives a value back as it is. Otherwise rows and state would differ between an attempt that holds
 * them in memory and one that reads them.
 * @throws {RecordRejection} `not-json`, with the first part that JSON would change
 */
export function checkJson(value: unknown, what: string): void {
  const fault = faultOf(value, 0)
  if (fault === undefined) return
  throw new RecordRejection(
    'not-json',
    `${what} must consist of JSON values: objects, arrays, strings, finite numbers, booleans and null. It contains ${fault}. ${fault === 'undefined' ? 'Use null, or leave the member out' : 'Convert it, for example a Date with getTime()'}.`,
  )
}

function faultOf(value: unknown, depth: number): string | undefined {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return undefined
    case 'number':
      return Number.isFinite(value) ? undefined : String(value)
    case 'object':
      break
    default:
      return value === undefined ? 'undefined' : `a ${typeof value}`
  }
  if (value === null) return undefined
  if (depth > JSON_DEPTH_MAX) return `more than ${JSON_DEPTH_MAX} levels`
  if (Array.isArray(value)) {
    for (const part of value) {
      const fault = faultOf(part, depth + 1)
      if (fault !== undefined) return fault
    }
    return undefined
  }
  const prototype = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) {
    const { name } = (value as object).constructor ?? {}
    return name ? `an instance of ${name}` : 'an instance of a class'
  }
  if ('toJSON' in (value as object)) return 'an object with toJSON'
  for (const name in value) {
    const part = (value as Record<string, unknown>)[name]
    // JSON leaves a member out that is undefined; reading it gives undefined again.
    if (part === undefined) continue
    const fault = faultOf(part, depth + 1)
    if (fault !== undefined) return fault
  }
  return undefined
}

/**
 * Freezes a JSON value in all its depth. The rows of a key are processed again by the next attempt, and a row that was
 * given may hold a value of the state, so neither may change.
 */
export function frozen<V>(value: V): V {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  Object.freeze(value)
  for (const part of Object.values(value)) frozen(part)
  return value
}

/** A copy that shares no object or array with a value. */
export function copied<V>(value: V): V {
  if (Array.isArray(value)) return value.map(copied) as V
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, copied(part)])) as V
}
