import type { AggregateMap, ResultOf } from '../aggregate/index.js'
import { checkFunction, type Key, named, type Sync, settled } from '../base/index.js'
import type { KeyedNode } from './keyed-step.js'
import { refuseOthers } from './missteps.js'
import {
  type CountWindowOptions,
  checkCountWindow,
  type DeduplicateOptions,
  keyWithin,
  type LagOptions,
  type LeadOptions,
  type OverOptions,
  type RankOptions,
  settleCountWindow,
  settleDeduplicate,
  settleLag,
  settleLead,
  settleOver,
  settleRank,
  settleTopN,
  type TopNOptions,
} from './row-options.js'
import type { Stream } from './stream.js'

/** One of the best rows of a key, when its rank changes. It replaces what had this rank before. */
export interface Ranked<K extends Key, T> {
  readonly key: K
  /** From 1. */
  readonly rank: number
  readonly row: T
}

/** A result of a count window. */
export interface CountWindowResult<K extends Key, R> {
  readonly key: K
  readonly value: R
  /** The event times of its earliest and its latest row, ms since the epoch. */
  readonly window: { readonly first: number; readonly last: number }
  /** How many rows it holds. */
  readonly count: number
  /** Unique, and the same in every attempt and every run. */
  readonly id: string
}

type Add = (step: KeyedNode, key?: (row: any, meta: any) => Key) => Stream<any, undefined>

/** Operators of one input that are process functions of our own. `KeyedStream` inherits them. */
export abstract class RowOperators<T, K extends Key, Meta> {
  /** Adds an operator. `within` makes its key out of that of the rows. */
  protected abstract operator(
    step: KeyedNode,
    within?: (key: (row: any, meta: any) => Key) => (row: any, meta: any) => Key,
  ): Stream<any, undefined>

  /**
   * Gives one row of each key: the first, or the last once it is quiet. The name identifies the state of the operator,
   * as that of all operators here: do not change it later.
   * @example orders.keyBy(order => order.id).deduplicate('unique', { keep: 'first', within: '1h' })
   */
  deduplicate(name: string, options: DeduplicateOptions<T, Meta>): Stream<T, undefined> {
    const step = settleDeduplicate(name, options)
    const { by } = options
    return this.operator(step, by && ((key) => keyWithin(key, by)))
  }

  /**
   * Gives each row with the one before it, or before that by `offset`; null if there is none.
   * @example
   * meters.keyBy(reading => reading.meter).lag('used', { ttl: '7d' }, (reading, previous) => ({
   *   meter: reading.meter,
   *   used: previous === null ? null : reading.total - previous.total,
   * }))
   */
  lag<Out = { row: T; previous: T | null }>(
    name: string,
    options: LagOptions,
    fn?: (row: T, previous: T | null) => Sync<Out>,
  ): Stream<Out, undefined> {
    return mapped(this.operator(settleLag(name, options)), `lag("${name}")`, 'previous', fn)
  }

  /**
   * Gives each row with the one after it, or after that by `offset`; null if that does not come within `timeout`.
   * @example
   * visits.keyBy(visit => visit.user).lead('stay', { timeout: '30m' }, (visit, next) => ({
   *   page: visit.page,
   *   seconds: next === null ? null : (next.at - visit.at) / 1000,
   * }))
   */
  lead<Out = { row: T; next: T | null }>(
    name: string,
    options: LeadOptions,
    fn?: (row: T, next: T | null) => Sync<Out>,
  ): Stream<Out, undefined> {
    return mapped(this.operator(settleLead(name, options)), `lead("${name}")`, 'next', fn)
  }

  /**
   * Keeps the best n rows of each key, over all time, and gives each rank that changes. For the best rows of each
   * window, use the fold `topN()` in a window.
   * @example scores.keyBy(s => s.game).topN('best', { n: 10, by: s => s.points, identity: s => s.player })
   */
  topN(name: string, options: TopNOptions<T>): Stream<Ranked<K, T>, undefined> {
    return this.operator(settleTopN(name, options))
  }

  /**
   * Gives each row with its rank among the rows of its key so far: 1 and the number of better ones. Null after rank n.
   * @example laps.keyBy(lap => lap.track).rank('place', { n: 100, by: lap => lap.seconds, order: 'lowest' })
   */
  rank(name: string, options: RankOptions<T>): Stream<{ row: T; rank: number | null }, undefined> {
    return this.operator(settleRank(name, options))
  }

  /**
   * Groups each `size` rows of a key. With `slide`, the last `size` rows, every `slide` rows.
   * @example clicks.keyBy(c => c.user).countWindow(100, { timeout: '1m' }).aggregate('batches', { n: count() })
   */
  countWindow(size: number, options: CountWindowOptions = {}): CountWindowedStream<T, K, Meta> {
    checkCountWindow(size, options)
    return new CountWindowedStream<T, K, Meta>((step) => this.operator(step), size, options)
  }

  /**
   * Gives each row with folds over the last rows of its key: at most `rows`, or those of the last `range`, with the row
   * itself.
   * @example trades.keyBy(t => t.symbol).over('mean', { rows: 10 }, { mean: avg(t => t.price) })
   */
  over<M extends AggregateMap<T, undefined>, Out = { row: T; value: ResultOf<M> }>(
    name: string,
    options: OverOptions,
    folds: M,
    fn?: (row: T, value: ResultOf<M>) => Sync<Out>,
  ): Stream<Out, undefined> {
    return mapped(this.operator(settleOver(name, options, folds)), `over("${name}")`, 'value', fn)
  }
}

/** Rows of a key, grouped by their number. Only an aggregate may follow. */
export class CountWindowedStream<T, K extends Key, Meta> {
  /** Type only. */
  declare private readonly '~meta': Meta
  private readonly add: Add
  private readonly size: number
  private readonly options: CountWindowOptions

  constructor(add: Add, size: number, options: CountWindowOptions) {
    this.add = add
    this.size = size
    this.options = options
  }

  /**
   * Folds the rows of each window with named aggregates.
   * @example clicks.keyBy(c => c.user).countWindow(100).aggregate('batches', { n: count(), last: max(c => c.at) })
   */
  aggregate<M extends AggregateMap<T, undefined>>(
    name: string,
    folds: M,
  ): Stream<CountWindowResult<K, ResultOf<M>>, undefined> {
    return this.add(settleCountWindow(name, this.size, this.options, folds))
  }
}

refuseOthers(
  CountWindowedStream,
  'countWindow() must be followed by aggregate(); other steps go before keyBy() or after aggregate().',
)

/**
 * The user's function is a step after the operator: if it throws, its result alone is rejected, and the state is not
 * affected.
 */
function mapped(
  stream: Stream<any, undefined>,
  what: string,
  field: string,
  fn: ((row: any, other: any) => any) | undefined,
): Stream<any, undefined> {
  if (fn === undefined) return stream
  checkFunction('bad-operator', `The function of ${what}`, fn)
  const step = (given: any): unknown => {
    try {
      return settled('its function', fn(given.row, given[field]))
    } catch (thrown) {
      throw named(what, thrown)
    }
  }
  // A description of the pipeline shows the user's function.
  Object.defineProperty(step, 'toString', { value: () => String(fn) })
  return stream.map(step)
}
