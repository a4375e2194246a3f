/**
 * A value as text that distinguishes all different values: -0 from 0, NaN from null, a Map from an object, one order of
 * fields from another.
 */
export function exactText(value: unknown): string {
  return write(value, [])
}

function write(value: unknown, above: readonly object[]): string {
  if (Object.is(value, -0)) return '-0'
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value !== 'object' || value === null) return String(value)
  if (above.includes(value)) return '[circular]'
  const path = [...above, value]
  const list = (items: Iterable<unknown>): string => Array.from(items, (item) => write(item, path)).join()
  if (Array.isArray(value)) return `[${list(value)}]`
  if (value instanceof Date) return `Date(${value.getTime()})`
  if (value instanceof Set) return `Set(${list(value)})`
  if (value instanceof Map) return `Map(${list(value)})`
  if (ArrayBuffer.isView(value) && !(value instanceof DataView)) {
    return `${value.constructor.name}(${list(value as unknown as Iterable<unknown>)})`
  }
  const fields = Object.entries(value).map(([name, field]) => `${JSON.stringify(name)}:${write(field, path)}`)
  const maker: unknown = Object.getPrototypeOf(value)?.constructor
  return `${typeof maker === 'function' && maker !== Object ? maker.name : ''}{${fields.join()}}`
}

/** Freezes a value and everything in it. Maps and sets cannot be frozen: their contents are compared instead. */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value) || ArrayBuffer.isView(value)) return value
  Object.freeze(value)
  for (const field of Object.values(value)) deepFreeze(field)
  return value
}
