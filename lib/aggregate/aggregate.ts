import { checkFunction, settled } from '../base/index.js'

/** JSON, as it is stored. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json }

/**
 * The place of a row in the total order of events, which breaks ties (invariant 13). Fields may be computed when they
 * are read.
 */
export interface Place {
  /** max(timestamp, effective own watermark): the event time at which the row is processed. */
  readonly turn: number
  readonly timestamp: number
  /** The name of the split with the name of its source, so that it is unique in the pipeline. */
  readonly split: string
  readonly position: string
}

/**
 * One fold. `T` is the type of the rows that it reads, `R` of its result, and `Meta` of the record metadata that it
 * reads; `unknown` means none. `read` runs user code and may throw. `result` may throw too, which rejects its pane. The
 * other methods never throw, so a row that throws has changed nothing (invariant 14). `merge` is associative and
 * commutative to the last bit.
 */
export interface Aggregate<T, R, In = any, Acc = any, Meta = unknown> {
  readonly kind: string
  /** The options that, with the kind, identify the fold. They are part of the fingerprint. */
  readonly options: Readonly<Record<string, Json>>
  /** Whether rows can be taken back. A chained operator needs this for late panes. */
  readonly invertible: boolean
  /** Whether rows are kept as events and folded in order when the window closes. */
  readonly ordered: boolean
  /** Whether `add` runs user code, which may throw halfway. */
  readonly fragile: boolean
  /**
   * The value of a row that is folded. `meta` belongs to its record and is valid during the call; results have none.
   * undefined is left out, as SQL leaves out NULL.
   * @throws {RecordRejection} `bad-value`: NaN, an infinity, or a type that the fold does not accept
   */
  read(row: T, meta?: Meta): In | undefined
  create(): Acc
  /** Adds a value. May change `acc` and return it. */
  add(acc: Acc, input: In, weight: 1 | -1, place: Place): Acc
  /** Returns a new accumulator that combines both. Neither is changed. */
  merge(a: Acc, b: Acc): Acc
  /** @throws {RecordRejection} `bad-value`: the result is beyond the largest double, or a custom result contains NaN */
  result(acc: Acc): R
  encode(acc: Acc): unknown
  /** `split` is the name of the split that wrote it, for a fold that keeps rows. */
  decode(json: any, split?: string): Acc
  /** Type only. */
  readonly '~rows'?: (row: T, meta: Meta) => R
}

/** The folds of an aggregate by field. They read the rows of the stream. */
export type AggregateMap<T, Meta = unknown> = Readonly<Record<string, Aggregate<T, any, any, any, Meta>>>
export type ResultOf<M> = { readonly [K in keyof M]: M[K] extends Aggregate<any, infer R, any, any, any> ? R : never }

/** The total order of events: (turn, timestamp, split, position). */
export function comparePlaces(a: Place, b: Place): number {
  return a.turn - b.turn || compareOrigins(a, b)
}

/** The order that breaks ties between values: (timestamp, split, position). It does not depend on watermarks. */
export function compareOrigins(a: Omit<Place, 'turn'>, b: Omit<Place, 'turn'>): number {
  return a.timestamp - b.timestamp || compareText(a.split, b.split) || compareText(a.position, b.position)
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/**
 * Checks a user function of a row and wraps it. A value that is not a function, or an async function, would make
 * Millrace reject every record or count it wrongly.
 */
export function reader<T, M, V>(name: string, of: (row: T, meta: M) => V, which = ''): (row: T, meta?: M) => V {
  checkFunction('bad-aggregate', `${name}()${which}`, of)
  const what = `The function of ${name}()`
  return (row, meta) => settled(what, of(row, meta!))
}
