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
    `${what} must consist of JSON values: objects, arrays, strings, finite numbers, booleans and null. It contains ${fault}. Convert it, for example a Date with getTime().`,
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
  if ((prototype !== Object.prototype && prototype !== null) || 'toJSON' in (value as object))
    return `a ${(value as object).constructor?.name ?? 'class'}`
  for (const name in value) {
    const part = (value as Record<string, unknown>)[name]
    // JSON leaves a member out that is undefined; reading it gives undefined again.
    if (part === undefined) continue
    const fault = faultOf(part, depth + 1)
    if (fault !== undefined) return fault
  }
  return undefined
}
