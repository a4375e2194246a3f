import { ConfigError, RecordRejection, shown } from '../base/index.js'

/** A fold over nothing but nulls has no value. */
export type OrNull<N, R> = null extends N ? R | null : undefined extends N ? R | null : R

/**
 * What a fold cannot take: the record is rejected as `bad-value`, and all else goes on (invariant 14). NaN and the
 * infinities are such values in every fold: JSON, which results and accumulators are, writes them as `null`. `named`
 * adds field and operator.
 */
export function refused(fold: string, rule: string, gave: string, isRow = false): RecordRejection {
  const fault = isRow ? `its row is ${gave}` : `its function gave ${gave}. Give null to leave a row out`
  return new RecordRejection('bad-value', `${fold}() ${rule}; ${fault}.`)
}

/** The same rejection with where the fold stands. What users throw is theirs, and stays as it is. */
export function named(operator: string, field: string, thrown: unknown): unknown {
  if (!(thrown instanceof RecordRejection) || thrown.code !== 'bad-value') return thrown
  return new RecordRejection(thrown.code, `Field "${field}" of "${operator}": ${thrown.message}`)
}

/** What a message calls a value of a wrong type, without its content. */
export function typeName(value: unknown): string {
  if (typeof value === 'number') return Number.isFinite(value) ? 'a number' : String(value)
  if (value === null || value === undefined) return String(value)
  if (Array.isArray(value)) return 'an array'
  if (value instanceof Promise) return 'a promise'
  if (value instanceof Date) return 'a Date'
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}

/** A finite number; undefined where the row is left out. */
export function readNumber(fold: string, value: unknown): number | undefined {
  if (typeof value === 'number' && Number.isFinite(value)) return value
  if (value === null || value === undefined) return undefined
  throw refused(fold, 'folds finite numbers', typeName(value))
}

/**
 * A value as JSON keeps it, so that a result is the same before it was stored as after, and nothing of the row is
 * shared; undefined where the row is left out. What JSON cannot keep is refused here: encoding runs when a whole batch
 * is written, where one row must not stop the others (invariant 14).
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
  throw refused(fold, 'keeps JSON', typeName(value), isRow)
}

function throughJson(fold: string, value: object, isRow: boolean): unknown {
  let text: string
  let kept: unknown
  try {
    text = JSON.stringify(value, digits)
    kept = JSON.parse(text)
  } catch {
    throw refused(fold, 'keeps JSON', 'an object that JSON cannot represent', isRow)
  }
  const lost = text.includes('null') ? lostInJson(value) : undefined
  if (lost !== undefined) throw refused(fold, 'keeps JSON', `an object that holds ${lost}`, isRow)
  return kept
}

/** As rows have them on their way out: a bigint is the text of its digits. */
const digits = (_: string, part: unknown): unknown => (typeof part === 'bigint' ? part.toString() : part)

/**
 * A result that JSON would write as `null`, because a sum is too large, is refused: its pane is rejected (invariant
 * 14).
 */
export function finiteResult(fold: string, value: number): number {
  if (Number.isFinite(value)) return value
  throw new RecordRejection(
    'bad-value',
    `${fold}() gives a finite number; this one is beyond the largest double, ${Number.MAX_VALUE}. Fold smaller numbers.`,
  )
}

/** The same for a result that user code gives: no NaN and no infinity is in it. */
export function jsonResult<R>(fold: string, value: R): R {
  const lost = lostInResult(value)
  if (lost === undefined) return value
  throw new RecordRejection(
    'bad-value',
    `${fold} gives what JSON can hold; this result holds ${lost}. Give null instead.`,
  )
}

function lostInResult(value: unknown): string | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : String(value)
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return undefined
  try {
    if (!(JSON.stringify(value) ?? '').includes('null')) return undefined
  } catch {
    // A bigint, which sinks write as they can: what stands beside it is looked at all the same.
  }
  return lostInJson(value)
}

/** NaN, an infinity or an invalid Date within a value, which JSON writes as `null`. */
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
    // A cycle: sinks write a note in its place.
  }
  return lost
}

/** What a sum of nothing is: 0 as most code wants it, or null as SQL has it. */
export function checkEmpty(fold: string, empty: 0 | null): 0 | null {
  if (empty === 0 || empty === null) return empty
  throw new ConfigError('bad-aggregate', `The option empty of ${fold}() is 0 or null; it is ${shown(empty)}.`)
}
