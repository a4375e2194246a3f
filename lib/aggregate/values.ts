import { ConfigError, RecordRejection, shown } from '../base/index.js'

/** The result is null if all values are null. */
export type OrNull<N, R> = null extends N ? R | null : undefined extends N ? R | null : R

/**
 * The rejection of a value that a fold does not accept. The record is rejected as `bad-value`, and everything else
 * continues (invariant 14). Every fold refuses NaN and the infinities, because JSON, in which results and accumulators
 * are stored, writes them as `null`. `named` adds the field and the operator.
 */
export function refused(fold: string, rule: string, gave: string, isRow = false): RecordRejection {
  const fault = isRow ? `its row is ${gave}` : `its function returned ${gave}. Return null to leave a row out`
  return new RecordRejection('bad-value', `${fold}() ${rule}; ${fault}.`)
}

/** Adds the field and the operator of the fold to its rejection. Errors that user code throws are left unchanged. */
export function named(operator: string, field: string, thrown: unknown): unknown {
  if (!(thrown instanceof RecordRejection) || thrown.code !== 'bad-value') return thrown
  return new RecordRejection(thrown.code, `Field "${field}" of "${operator}": ${thrown.message}`)
}

/** How a message describes a value of a wrong type, without its content. */
export function typeName(value: unknown): string {
  if (typeof value === 'number') return Number.isFinite(value) ? 'a number' : String(value)
  if (value === null || value === undefined) return String(value)
  if (Array.isArray(value)) return 'an array'
  if (value instanceof Promise) return 'a promise'
  if (value instanceof Date) return 'a Date'
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}

/** Returns a finite number, or undefined if the row is left out. */
export function readNumber(fold: string, value: unknown): number | undefined {
  if (typeof value === 'number' && Number.isFinite(value)) return value
  if (value === null || value === undefined) return undefined
  throw refused(fold, 'folds finite numbers', typeName(value))
}

/**
 * Returns a value as JSON stores it, or undefined if the row is left out. A result is therefore the same before and
 * after it is stored, and shares nothing with the row. A value that JSON cannot represent is refused here: accumulators
 * are encoded when a whole batch is written, and then one row must not stop the others (invariant 14).
 */
export function readJson(fold: string, value: unknown, isRow = false): unknown {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value
    case 'number':
      if (Number.isFinite(value)) return value + 0
      break
    case 'bigint':
      return value.toString()
    case 'undefined':
      return undefined
    case 'object':
      if (value === null) return undefined
      if (!(value instanceof Promise)) return throughJson(fold, value, isRow) ?? undefined
  }
  throw refused(fold, 'stores JSON values', typeName(value), isRow)
}

function throughJson(fold: string, value: object, isRow: boolean): unknown {
  let text: string
  let kept: unknown
  try {
    text = JSON.stringify(value, digits)
    kept = JSON.parse(text)
  } catch {
    throw refused(fold, 'stores JSON values', 'an object that JSON cannot represent', isRow)
  }
  const lost = text.includes('null') ? lostInJson(value) : undefined
  if (lost !== undefined) throw refused(fold, 'stores JSON values', `an object that holds ${lost}`, isRow)
  return kept
}

/** As in output rows, a bigint becomes the text of its digits. */
const digits = (_: string, part: unknown): unknown => (typeof part === 'bigint' ? part.toString() : part)

/**
 * Refuses a result that is not finite, because the sum is too large, and that JSON would write as `null`. Its pane is
 * rejected (invariant 14).
 */
export function finiteResult(fold: string, value: number): number {
  if (Number.isFinite(value)) return value
  throw new RecordRejection(
    'bad-value',
    `${fold}() must result in a finite number; this result is beyond the largest double, ${Number.MAX_VALUE}. Use smaller numbers.`,
  )
}

/** Refuses a result of user code that contains NaN or an infinity. */
export function jsonResult<R>(fold: string, value: R): R {
  const lost = lostInResult(value)
  if (lost === undefined) return value
  throw new RecordRejection(
    'bad-value',
    `${fold} must return what JSON can represent; this result contains ${lost}. Return null instead.`,
  )
}

function lostInResult(value: unknown): string | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : String(value)
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return undefined
  try {
    if (!(JSON.stringify(value) ?? '').includes('null')) return undefined
  } catch {
    // The value contains a bigint, which each sink writes in its own way. The other values are checked all the same.
  }
  return lostInJson(value)
}

/** NaN, an infinity or an invalid Date within a value, which JSON would write as `null`. */
function lostInJson(value: object): string | undefined {
  let lost: string | undefined
  function look(this: Record<string, unknown>, name: string, part: unknown): unknown {
    if (typeof part === 'number' && !Number.isFinite(part)) lost ??= String(part)
    if (part === null && this[name] instanceof Date) lost ??= 'an invalid Date'
    return typeof part === 'bigint' ? 0 : part
  }
  try {
    JSON.stringify(value, look)
  } catch {
    // The value contains a cycle: sinks write a note in its place.
  }
  return lost
}

/** Checks the value of a sum over no rows: 0, as most code expects, or null, as in SQL. */
export function checkEmpty(fold: string, empty: 0 | null): 0 | null {
  if (empty === 0 || empty === null) return empty
  throw new ConfigError('bad-aggregate', `The option empty of ${fold}() must be 0 or null; it is ${shown(empty)}.`)
}
