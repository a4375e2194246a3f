import { checkFunction, settled } from '../base/index.js'

/** JSON, as it is stored. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json }

/**
 * Where a row stands in the one total order of events: what breaks ties (invariant 13). Fields may be computed when
 * they are read.
 */
export interface Place {
  /** max(timestamp, effective own watermark): when the row is dealt with. */
  readonly turn: number
  readonly timestamp: number
  /** The split's name with its source's, so that no two splits of a pipeline share one. */
  readonly split: string
  readonly position: string
}

/**
 * One fold. `T` are the rows it reads, `R` its result, `Meta` what it reads of a row's record: `unknown` is nothing.
 * `read` runs the user's code and may throw, and `result` may, which rejects its pane; all else is total, so that a row
 * that throws has changed nothing (invariant 14). `merge` is associative and commutative to the last bit.
 */
export interface Aggregate<T, R, In = any, Acc = any, Meta = unknown> {
  readonly kind: string
  /** What besides the kind makes it another fold: part of the fingerprint. */
  readonly options: Readonly<Record<string, Json>>
  /** Whether rows can be taken back, which a chained operator needs of late panes. */
  readonly invertible: boolean
  /** Kept as events and folded in order when the window closes. */
  readonly ordered: boolean
  /** Whether `add` runs user code, which may throw half-way. */
  readonly fragile: boolean
  /**
   * What of a row is folded; `meta` is its record's, during the call, and results have none. undefined is left out, as
   * SQL leaves NULL out.
   * @throws {RecordRejection} `bad-value`: NaN, an infinity, or a type that the fold does not take
   */
  read(row: T, meta?: Meta): In | undefined
  create(): Acc
  /** Folds in. May change `acc` and return it. */
  add(acc: Acc, input: In, weight: 1 | -1, place: Place): Acc
  /** A new accumulator of both; neither is changed. */
  merge(a: Acc, b: Acc): Acc
  /** @throws {RecordRejection} `bad-value`: it is beyond the largest double, or a custom one is NaN */
  result(acc: Acc): R
  encode(acc: Acc): unknown
  decode(json: any): Acc
  /** Type only. */
  readonly '~rows'?: (row: T, meta: Meta) => R
}

/** The rows an aggregate reads are the rows of the stream. */
export type AggregateMap<T, Meta = unknown> = Readonly<Record<string, Aggregate<T, any, any, any, Meta>>>
export type ResultOf<M> = { readonly [K in keyof M]: M[K] extends Aggregate<any, infer R, any, any, any> ? R : never }

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
 * The user's function of a row, checked: what is none, or is async, would have every record rejected, or counted
 * wrongly.
 */
export function reader<T, M, V>(name: string, of: (row: T, meta: M) => V, which = ''): (row: T, meta?: M) => V {
  checkFunction('bad-aggregate', `${name}()${which}`, of)
  const what = `The function of ${name}()`
  return (row, meta) => settled(what, of(row, meta!))
}
