import { checkFunction, settled } from '../base/index.js'

/** JSON, as it is stored. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json }

/** Where a row stands in the one total order of events: what breaks ties (law 13). Fields may be computed when they are read. */
export interface Place {
  /** max(timestamp, effective own watermark): when the row is dealt with. */
  readonly turn: number
  readonly timestamp: number
  /** The split's name with its source's, so that no two splits of a pipeline share one. */
  readonly split: string
  readonly position: string
}

/**
 * One fold. `T` are the rows it reads, `R` its result. `read` runs the user's code and may throw; all else is total, so that a row that
 * throws has changed nothing (law 14). `merge` is associative and commutative to the last bit.
 */
export interface Aggregate<T, R, In = any, Acc = any> {
  readonly kind: string
  /** What besides the kind makes it another fold: part of the fingerprint. */
  readonly options: Readonly<Record<string, Json>>
  /** Whether rows can be taken back, which a chained operator needs of late panes. */
  readonly invertible: boolean
  /** Kept as events and folded in order when the window closes. */
  readonly ordered: boolean
  /** Whether `add` runs user code, which may throw half-way. */
  readonly fragile: boolean
  /** What of a row is folded; undefined is left out, as SQL leaves NULL out. */
  read(row: T): In | undefined
  create(): Acc
  /** Folds in. May change `acc` and return it. */
  add(acc: Acc, input: In, weight: 1 | -1, place: Place): Acc
  /** A new accumulator of both; neither is changed. */
  merge(a: Acc, b: Acc): Acc
  result(acc: Acc): R
  encode(acc: Acc): unknown
  decode(json: any): Acc
  /** Type only. */
  readonly '~rows'?: (row: T) => R
}

/** The rows an aggregate reads are the rows of the stream. */
export type AggregateMap<T> = Readonly<Record<string, Aggregate<T, any>>>
export type ResultOf<M> = { readonly [K in keyof M]: M[K] extends Aggregate<any, infer R> ? R : never }

/** The order of events: (turn, timestamp, split, position). */
export function comparePlaces(a: Place, b: Place): number {
  return a.turn - b.turn || compareOrigins(a, b)
}

/** The order that breaks ties between values: (timestamp, split, position), which no watermark has a part in. */
export function compareOrigins(a: Omit<Place, 'turn'>, b: Omit<Place, 'turn'>): number {
  return a.timestamp - b.timestamp || compareText(a.split, b.split) || compareText(a.position, b.position)
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/**
 * A value as JSON keeps it, so that a result is the same before it was stored as after, and nothing of the row is shared. What JSON cannot
 * keep is refused here: encoding runs when a whole batch is written, where one row must not stop the others (law 14).
 */
export function readJson(kind: string, value: unknown): unknown {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value
    case 'number':
      return Number.isFinite(value) ? value + 0 : null
    case 'undefined':
      return null
    case 'object':
      if (value === null) return null
      return throughJson(kind, value)
    default:
      throw notJson(kind, `a ${typeof value}`)
  }
}

function throughJson(kind: string, value: object): unknown {
  try {
    return JSON.parse(JSON.stringify(value))
  } catch {
    throw notJson(kind, 'an object that is no JSON')
  }
}

function notJson(kind: string, what: string): TypeError {
  return new TypeError(`${kind}() keeps JSON; its function gave ${what}`)
}

/** The user's function of a row, checked: what is none, or is async, would have every record rejected, or counted wrongly. */
export function reader<T, V>(name: string, of: (row: T) => V, which = ''): (row: T) => V {
  checkFunction('bad-aggregate', `${name}()${which}`, of)
  const what = `The function of ${name}()`
  return (row) => settled(what, of(row))
}

/** A finite or infinite number, NaN included; null and undefined are left out. */
export function readNumber(kind: string, value: unknown): number | undefined {
  if (typeof value === 'number') return value
  if (value === null || value === undefined) return undefined
  throw new TypeError(`${kind}() folds numbers; its function gave ${Array.isArray(value) ? 'an array' : typeof value}`)
}
