import { type Aggregate, compareOrigins, type Place, reader, readJson } from './aggregate.js'

type Comparable = number | string
type Maybe = Comparable | null | undefined
type OrNull<N, R> = null extends N ? R | null : undefined extends N ? R | null : R
type Widen<N> = N extends number ? number : N extends string ? string : never

const plain = { options: {}, invertible: false, ordered: false, fragile: false } as const

function readComparable(kind: string, value: unknown): Comparable | undefined {
  if (typeof value === 'number') return value + 0
  if (typeof value === 'string') return value
  if (value === null || value === undefined) return undefined
  throw new TypeError(
    `${kind}() compares numbers or strings; its function gave ${Array.isArray(value) ? 'an array' : typeof value}`,
  )
}

/** Numbers before strings; NaN wins over every number, whichever way is asked for, so that it is never hidden. */
function beats(a: Comparable, b: Comparable, sign: 1 | -1): boolean {
  if (typeof a !== typeof b) return (typeof a === 'number' ? -1 : 1) * sign < 0
  if (typeof a === 'number' && (Number.isNaN(a) || Number.isNaN(b))) return Number.isNaN(a) && !Number.isNaN(b)
  return sign === 1 ? a < b : a > b
}

type Extreme = Comparable | null

function extreme<T, N extends Maybe>(
  kind: string,
  sign: 1 | -1,
  of: (row: T) => N,
): Aggregate<T, OrNull<N, Widen<N>>, Comparable, Extreme> {
  const read = reader(kind, of)
  const better = (a: Extreme, b: Comparable): Comparable => (a === null || beats(b, a, sign) ? b : a)
  return Object.freeze({
    ...plain,
    kind,
    read: (row: T) => readComparable(kind, read(row)),
    create: () => null,
    add: better,
    merge: (a: Extreme, b: Extreme) => (b === null ? a : better(a, b)),
    result: (acc: Extreme) => acc as OrNull<N, Widen<N>>,
    encode: encodeNumber,
    decode: decodeNumber,
  })
}

/** JSON has no NaN and no infinities: they are stored in an array of one text. */
function encodeNumber(value: Extreme): unknown {
  return typeof value === 'number' && !Number.isFinite(value) ? [String(value)] : value
}
function decodeNumber(json: Extreme | [string]): Extreme {
  return Array.isArray(json) ? Number(json[0]) : json
}

/**
 * The least number or string. Null over nothing; NaN where there is one.
 * @example min(order => order.amount)
 */
export function min<T, N extends Maybe>(of: (row: T) => N): Aggregate<T, OrNull<N, Widen<N>>, Comparable, Extreme> {
  return extreme('min', 1, of)
}

/**
 * The greatest number or string. Null over nothing; NaN where there is one.
 * @example max(flight => flight.delay)
 */
export function max<T, N extends Maybe>(of: (row: T) => N): Aggregate<T, OrNull<N, Widen<N>>, Comparable, Extreme> {
  return extreme('max', -1, of)
}

/** A value and where it came from. `by` is null for first and last. */
interface Pick {
  readonly by: Comparable | null
  readonly timestamp: number
  readonly split: string
  readonly position: string
  readonly value: unknown
}

function pick<T, V>(
  kind: string,
  by: ((row: T) => Maybe) | undefined,
  of: (row: T) => V,
  sign: 1 | -1,
): Aggregate<T, V, any, Pick | null> {
  const name = kind.replace('-by', 'By')
  const rankOf = by && reader(name, by)
  const pickOf = reader(name, of, by && ', as its second argument,')
  const wins = (a: Pick, b: Omit<Pick, 'value'>): boolean => {
    if (by === undefined) {
      // Rows that a step made of one record have one place: the first of them comes first, the last of them last.
      const order = compareOrigins(b, a)
      return sign === 1 ? order < 0 : order >= 0
    }
    if (beats(b.by!, a.by!, sign)) return true
    return !beats(a.by!, b.by!, sign) && compareOrigins(b, a) < 0
  }
  return Object.freeze({
    ...plain,
    kind,
    read(row: T) {
      const rank = rankOf === undefined ? null : readComparable(kind, rankOf(row))
      return rank === undefined ? undefined : { rank, value: readJson(kind, pickOf(row)) }
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
    result: (acc: Pick | null) => (acc === null ? null : acc.value) as V,
    encode: (acc: Pick | null) => acc && [encodeNumber(acc.by), acc.timestamp, acc.split, acc.position, acc.value],
    decode(json: [Extreme, number, string, string, unknown] | null): Pick | null {
      return (
        json && { by: decodeNumber(json[0]), timestamp: json[1], split: json[2], position: json[3], value: json[4] }
      )
    },
  })
}

/**
 * The value of the earliest row; ties go by (timestamp, split, position). The value must be JSON.
 * @example first(quote => quote.price)
 */
export function first<T, V>(of: (row: T) => V): Aggregate<T, V, any, any> {
  return pick('first', undefined, of, 1)
}

/**
 * The value of the latest row; ties go by (timestamp, split, position). The value must be JSON.
 * @example last(quote => quote.price)
 */
export function last<T, V>(of: (row: T) => V): Aggregate<T, V, any, any> {
  return pick('last', undefined, of, -1)
}

/**
 * The value of the row that is least by a number or string; the earliest of equals.
 * @example minBy(flight => flight.delay, flight => flight.destination)
 */
export function minBy<T, V>(by: (row: T) => Maybe, of: (row: T) => V): Aggregate<T, V, any, any> {
  return pick('min-by', by, of, 1)
}

/**
 * The value of the row that is greatest by a number or string; the earliest of equals.
 * @example maxBy(flight => flight.delay, flight => flight.destination)
 */
export function maxBy<T, V>(by: (row: T) => Maybe, of: (row: T) => V): Aggregate<T, V, any, any> {
  return pick('max-by', by, of, -1)
}
