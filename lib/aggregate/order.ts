import { type Aggregate, compareOrigins, type Place, reader } from './aggregate.js'
import { type OrNull, readJson, refused, typeName } from './values.js'

export type Comparable = number | string
type Widen<N> = N extends number ? number : N extends string ? string : never

const plain = { options: {}, invertible: false, ordered: false, fragile: false } as const

export function readComparable(fold: string, value: unknown): Comparable | undefined {
  if (typeof value === 'number' && Number.isFinite(value)) return value + 0
  if (typeof value === 'string') return value
  if (value === null || value === undefined) return undefined
  throw refused(fold, 'compares finite numbers or strings', typeName(value))
}

/** Numbers sort before strings. Strings are compared by UTF-16 units. */
export function beats(a: Comparable, b: Comparable, sign: 1 | -1): boolean {
  if (typeof a !== typeof b) return (typeof a === 'number' ? -1 : 1) * sign < 0
  return sign === 1 ? a < b : a > b
}

type Extreme = Comparable | null

function extreme<T, N extends number | string | null | undefined, M>(
  kind: 'min' | 'max',
  sign: 1 | -1,
  of: (row: T, meta: M) => N,
): Aggregate<T, OrNull<N, Widen<N>>, Comparable, Extreme, M> {
  const read = reader(kind, of)
  const better = (a: Extreme, b: Comparable): Comparable => (a === null || beats(b, a, sign) ? b : a)
  return Object.freeze({
    ...plain,
    kind,
    read: (row: T, meta?: M) => readComparable(kind, read(row, meta)),
    create: () => null,
    add: better,
    merge: (a: Extreme, b: Extreme) => (b === null ? a : better(a, b)),
    result: (acc: Extreme) => acc as OrNull<N, Widen<N>>,
    encode: (acc: Extreme) => acc,
    decode: (json: Extreme) => json,
  })
}

/**
 * The smallest number or string; numbers sort before strings. Never -0. Null over nothing. Null and undefined are left
 * out; anything else, including NaN and the infinities, rejects the record (`bad-value`). Cannot take rows back.
 * @example min(order => order.amount)
 */
export function min<T, N extends number | string | null | undefined, M = unknown>(
  of: (row: T, meta: M) => N,
): Aggregate<T, OrNull<N, Widen<N>>, Comparable, Extreme, M> {
  return extreme('min', 1, of)
}

/**
 * The largest number or string; strings sort after numbers. Never -0. Null over nothing. Null and undefined are left
 * out; anything else, including NaN and the infinities, rejects the record (`bad-value`). Cannot take rows back.
 * @example max(flight => flight.delay)
 */
export function max<T, N extends number | string | null | undefined, M = unknown>(
  of: (row: T, meta: M) => N,
): Aggregate<T, OrNull<N, Widen<N>>, Comparable, Extreme, M> {
  return extreme('max', -1, of)
}

/** A value and its origin. `by` is null for first and last. */
interface Pick {
  readonly by: Comparable | null
  readonly timestamp: number
  readonly split: string
  readonly position: string
  readonly value: unknown
}

/**
 * The result type of `of` for one row. It includes null if `V`, or the value that selects the row, may be null or
 * undefined.
 */
type Picked<N, V> = OrNull<N, NonNullable<V>>

function pick<T, N, V, M>(
  kind: 'first' | 'last' | 'min-by' | 'max-by',
  fold: string,
  by: ((row: T, meta: M) => number | string | null | undefined) | undefined,
  of: (row: T, meta: M) => V,
  sign: 1 | -1,
): Aggregate<T, Picked<N, V>, any, Pick | null, M> {
  const name = kind.replace('-by', 'By')
  const rankOf = by && reader(name, by)
  const pickOf = reader(name, of, by && ', as its second argument,')
  const wins = (a: Pick, b: Omit<Pick, 'value'>): boolean => {
    if (by === undefined) {
      // Rows that a step made from one record share one place. Their own order decides: the first of them is the first,
      // and the last of them the last.
      const order = compareOrigins(b, a)
      return sign === 1 ? order < 0 : order >= 0
    }
    if (beats(b.by!, a.by!, sign)) return true
    return !beats(a.by!, b.by!, sign) && compareOrigins(b, a) < 0
  }
  return Object.freeze({
    ...plain,
    kind,
    read(row: T, meta?: M) {
      const rank = rankOf === undefined ? null : readComparable(fold, rankOf(row, meta))
      if (rank === undefined) return undefined
      const value = readJson(fold, pickOf(row, meta))
      return value === undefined ? undefined : { rank, value }
    },
    create: () => null,
    add(acc: Pick | null, input: { rank: Comparable | null; value: unknown }, _: 1 | -1, place: Place) {
      if (acc !== null && by === undefined && (place.timestamp - acc.timestamp) * sign > 0) return acc
      const next = {
        by: input.rank,
        timestamp: place.timestamp,
        split: place.split,
        position: place.position,
        value: input.value,
      }
      return acc === null || wins(acc, next) ? next : acc
    },
    merge: (a: Pick | null, b: Pick | null) => (a === null ? b : b === null ? a : wins(a, b) ? b : a),
    result: (acc: Pick | null) => (acc === null ? null : acc.value) as Picked<N, V>,
    encode: (acc: Pick | null) => acc && [acc.by, acc.timestamp, acc.split, acc.position, acc.value],
    decode(json: [Extreme, number, string, string, unknown] | null): Pick | null {
      return json && { by: json[0], timestamp: json[1], split: json[2], position: json[3], value: json[4] }
    },
  })
}

/**
 * The value of the earliest row that has one; ties are broken by (timestamp, split, position). Null over nothing. Null
 * and undefined are left out. To keep a value that may be null, wrap it, as in `[quote.price]`. Values must be JSON:
 * any other value, including NaN and the infinities, rejects the record (`bad-value`). Cannot take rows back.
 * @example first(quote => quote.price)
 */
export function first<T, V, M = unknown>(of: (row: T, meta: M) => V): Aggregate<T, Picked<V, V>, any, any, M> {
  return pick<T, V, V, M>('first', 'first', undefined, of, 1)
}

/**
 * The value of the latest row that has one; otherwise like `first`.
 * @example last(quote => quote.price)
 */
export function last<T, V, M = unknown>(of: (row: T, meta: M) => V): Aggregate<T, Picked<V, V>, any, any, M> {
  return pick<T, V, V, M>('last', 'last', undefined, of, -1)
}

/**
 * The value of the row with the smallest `by`, a finite number or a string; the earliest such row if there are several.
 * Null over nothing. A row whose `by` or `of` is null or undefined is left out. Values must be JSON. NaN, an infinity
 * or a wrong type of either rejects the record (`bad-value`). Cannot take rows back.
 * @example minBy(flight => flight.delay, flight => flight.destination)
 */
export function minBy<T, N extends number | string | null | undefined, V, M = unknown>(
  by: (row: T, meta: M) => N,
  of: (row: T, meta: M) => V,
): Aggregate<T, Picked<N | V, V>, any, any, M> {
  return pick<T, N | V, V, M>('min-by', 'minBy', by, of, 1)
}

/**
 * The value of the row with the largest `by`, a finite number or a string; the earliest such row if there are several.
 * Otherwise like `minBy`.
 * @example maxBy(flight => flight.delay, flight => flight.destination)
 */
export function maxBy<T, N extends number | string | null | undefined, V, M = unknown>(
  by: (row: T, meta: M) => N,
  of: (row: T, meta: M) => V,
): Aggregate<T, Picked<N | V, V>, any, any, M> {
  return pick<T, N | V, V, M>('max-by', 'maxBy', by, of, -1)
}
