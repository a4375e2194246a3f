import type { AggregateMap, Json } from '../aggregate/index.js'
import {
  ConfigError,
  checkFunction,
  checkName,
  checkOptions,
  type Duration,
  encodeKey,
  glimpse,
  named as inUserCode,
  type Key,
  milliseconds,
  shown,
} from '../base/index.js'
import { Folds, type RowOperator, rowLogic, type Score } from '../keyed/index.js'
import { gcd } from '../window/index.js'
import { checkFoldMap } from './folds.js'
import { type KeyedNode, keyedStep, sliceLength } from './keyed-step.js'

interface Every {
  /**
   * Rows are processed once event time has passed the end of their slice of this length, from 100 ms to 1 h. Default:
   * as for `process`.
   */
  readonly every?: Duration
}

export interface DeduplicateOptions<T, Meta = unknown> extends Every {
  /** Which row of each key is given: the `first` at once, or the `last`, once no newer one has come for `within`. */
  readonly keep: 'first' | 'last'
  /**
   * Rows that are less than this apart, in event time, are duplicates: from the first one on if that is kept, or from
   * the last one. State is freed then. `'forever'`: the first row of a key is the only one, and each key stays in the
   * state.
   */
  readonly within: Duration | 'forever'
  /** What identifies a row within its key. It becomes a part of the key of the operator. */
  readonly by?: (row: T, meta: Meta) => Key
}

export interface LagOptions extends Every {
  /** How many rows before. Default 1. */
  readonly offset?: number
  /** The rows of a key are forgotten when none has come for this long, in event time. Default: they are kept. */
  readonly ttl?: Duration
}

export interface LeadOptions extends Every {
  /** How many rows after. Default 1. */
  readonly offset?: number
  /** How long a row waits for that row, in event time. */
  readonly timeout: Duration
}

export interface RankOptions<T> extends Every {
  /** How many rows of each key are ranked. */
  readonly n: number
  /** What rows are ranked by: a finite number, a string, or a tuple of them. */
  readonly by: (row: T) => Score
  /** Which row is the first. Default `highest`. */
  readonly order?: 'highest' | 'lowest'
  /** The ranking of a key is dropped when no row has come for this long, in event time. Default: it is kept. */
  readonly ttl?: Duration
}

export interface TopNOptions<T> extends RankOptions<T> {
  /** Of rows with the same identity, only the best counts. Default: each row counts. */
  readonly identity?: (row: T) => Key
}

export interface CountWindowOptions extends Every {
  /** A result every so many rows, over the last `size` rows. Default: `size`. */
  readonly slide?: number
  /** Closes an incomplete window so long after its first row, in event time. Not with `slide`. */
  readonly timeout?: Duration
  /** The rows of a sliding window are forgotten when none has come for this long, in event time. Only with `slide`. */
  readonly ttl?: Duration
}

export interface OverOptions extends Every {
  /** At most so many rows, with the row itself: `ROWS BETWEEN n - 1 PRECEDING AND CURRENT ROW` of SQL. */
  readonly rows?: number
  /** Only rows that are at most so much older, in event time: `RANGE BETWEEN … PRECEDING AND CURRENT ROW` of SQL. */
  readonly range?: Duration
  /**
   * The rows of a key are forgotten when none has come for this long, in event time. Not with `range`, which frees
   * them.
   */
  readonly ttl?: Duration
}

/** Rows that one key keeps. */
const KEPT_ROWS_MAX = 1_000
const WINDOW_ROWS_MAX = 1_000_000

const wrong = (message: string): ConfigError => new ConfigError('bad-operator', message)

/** Checks the name and the kind of the options, and returns how messages name the operator. */
function named(kind: string, name: unknown, options: unknown, example: string): string {
  const how = `.${kind}(${example})`
  if (typeof name !== 'string')
    throw wrong(`${kind}() takes a name, then its options: ${how}; the name is ${glimpse(name)}.`)
  checkName('stateful step', name)
  if (typeof options !== 'object' || options === null)
    throw wrong(`${kind}("${name}") takes its options after its name: ${how}; it got ${glimpse(options)}.`)
  return `${kind}("${name}")`
}

function whole(what: string, value: unknown, most: number): number {
  if (Number.isSafeInteger(value) && (value as number) >= 1 && (value as number) <= most) return value as number
  throw wrong(`${what} must be a whole number from 1 to ${most}; it is ${glimpse(value)}.`)
}

const optional = (what: string, value: Duration | undefined): number | undefined =>
  value === undefined ? undefined : milliseconds(value, what, 1)

/** The options without those that are not set. */
const set = (options: Readonly<Record<string, Json | undefined>>): Readonly<Record<string, Json>> =>
  Object.fromEntries(Object.entries(options).filter((entry): entry is [string, Json] => entry[1] !== undefined))

function step(
  kind: string,
  name: string,
  { every }: Every,
  options: Readonly<Record<string, Json | undefined>>,
  load: () => Promise<RowOperator<any>>,
): KeyedNode {
  return keyedStep(
    name,
    sliceLength(`${kind}("${name}")`, every),
    rowLogic({ kind, name, options: set(options), load }),
  )
}

/** @throws {ConfigError} `bad-operator`, `bad-duration`, `unknown-option`, as do the others */
export function settleDeduplicate(name: string, options: DeduplicateOptions<any, any>): KeyedNode {
  const what = named('deduplicate', name, options, "'unique', { keep: 'first', within: '1h' }")
  checkOptions(what, options, { keep: true, within: true, by: true, every: true })
  const { keep, within, by } = options
  if (keep !== 'first' && keep !== 'last')
    throw wrong(`keep of ${what} must be 'first' or 'last'; it is ${shown(keep)}.`)
  if (by !== undefined) checkFunction('bad-operator', `by of ${what}`, by)
  if (within === undefined)
    throw wrong(
      `${what} needs within: how far apart duplicates may be, such as '1h'. ${keep === 'last' ? 'The last row is given when no newer one has come for so long.' : "State is freed then. Without a limit, each key would stay in the state: if you want that, write within: 'forever'."}`,
    )
  if (within === 'forever' && keep === 'last')
    throw wrong(`${what} gives the last row when no newer one has come for within, so it cannot be 'forever'.`)
  const withinMs = within === 'forever' ? undefined : milliseconds(within, `within of ${what}`, 1)
  const described = { keep, withinMs: withinMs ?? 'forever', by: by === undefined ? undefined : true }
  return step('deduplicate', name, options, described, async () => {
    const { keepFirst, keepLast } = await import('../keyed/operators/deduplicate.js')
    return keep === 'last' ? keepLast(withinMs!) : keepFirst(withinMs)
  })
}

/**
 * The key of an operator that tells the rows of a key apart. Both parts are text, so that no two pairs are the same.
 */
export function keyWithin(
  key: (row: any, meta: any) => Key,
  by: (row: any, meta: any) => Key,
): (row: any, meta: any) => Key {
  const part = (row: any, meta: any): string => {
    try {
      return encodeKey(by(row, meta))
    } catch (thrown) {
      throw inUserCode('by', thrown)
    }
  }
  return (row, meta) => [encodeKey(key(row, meta)), part(row, meta)]
}

export function settleLag(name: string, options: LagOptions): KeyedNode {
  const what = named('lag', name, options, "'previous', { offset: 1 }, (row, previous) => …")
  checkOptions(what, options, { offset: true, ttl: true, every: true })
  const offset = whole(`offset of ${what}`, options.offset ?? 1, KEPT_ROWS_MAX)
  const ttlMs = optional(`ttl of ${what}`, options.ttl)
  return step('lag', name, options, { offset, ttlMs }, async () =>
    (await import('../keyed/operators/neighbours.js')).lagging(offset, ttlMs),
  )
}

export function settleLead(name: string, options: LeadOptions): KeyedNode {
  const what = named('lead', name, options, "'next', { timeout: '1h' }, (row, next) => …")
  checkOptions(what, options, { offset: true, timeout: true, every: true })
  const offset = whole(`offset of ${what}`, options.offset ?? 1, KEPT_ROWS_MAX)
  if (options.timeout === undefined)
    throw wrong(
      `${what} needs a timeout, such as '1h': the last rows of a key would otherwise wait for ever for the ones after them.`,
    )
  const timeoutMs = milliseconds(options.timeout, `timeout of ${what}`, 1)
  return step('lead', name, options, { offset, timeoutMs }, async () =>
    (await import('../keyed/operators/neighbours.js')).leading(offset, timeoutMs),
  )
}

function settleRanking(kind: 'topN' | 'rank', what: string, { n, by, order = 'highest', ttl }: RankOptions<any>) {
  whole(`n of ${what}`, n, KEPT_ROWS_MAX)
  checkFunction('bad-operator', `by of ${what}`, by)
  if (order !== 'highest' && order !== 'lowest')
    throw wrong(`order of ${what} must be 'highest' or 'lowest'; it is ${shown(order)}.`)
  const ttlMs = optional(`ttl of ${what}`, ttl)
  const sign: 1 | -1 = order === 'lowest' ? 1 : -1
  return { kind, ranking: { n, by, sign, ttlMs }, described: { n, order, ttlMs } }
}

export function settleTopN(name: string, options: TopNOptions<any>): KeyedNode {
  const what = named('topN', name, options, "'best', { n: 3, by: row => row.score }")
  checkOptions(what, options, { n: true, by: true, order: true, identity: true, ttl: true, every: true })
  const { identity } = options
  if (identity !== undefined) checkFunction('bad-operator', `identity of ${what}`, identity)
  const { ranking, described } = settleRanking('topN', what, options)
  const all = { ...described, identity: identity === undefined ? undefined : true }
  return step('topN', name, options, all, async () =>
    (await import('../keyed/operators/ranking.js')).topRows(ranking, identity),
  )
}

export function settleRank(name: string, options: RankOptions<any>): KeyedNode {
  const what = named('rank', name, options, "'ranked', { n: 100, by: row => row.score }")
  checkOptions(what, options, { n: true, by: true, order: true, ttl: true, every: true })
  const { ranking, described } = settleRanking('rank', what, options)
  return step('rank', name, options, described, async () =>
    (await import('../keyed/operators/ranking.js')).ranked(ranking),
  )
}

/** The folds, frozen, and what the fingerprint holds of them. */
function foldsOf(what: string, folds: AggregateMap<any, any>) {
  checkFoldMap('bad-operator', what, folds)
  return { folds: Object.freeze({ ...folds }), described: new Folds(folds).described }
}

/** Checks what is known before the name of the operator is. */
export function checkCountWindow(size: number, options: CountWindowOptions): void {
  const what = 'countWindow()'
  checkOptions(what, options, { slide: true, timeout: true, ttl: true, every: true })
  whole(`The size of ${what}`, size, WINDOW_ROWS_MAX)
  const { slide, timeout, ttl } = options
  if (slide !== undefined) whole(`slide of ${what}`, slide, WINDOW_ROWS_MAX)
  const isSliding = slide !== undefined && slide !== size
  if (isSliding && timeout !== undefined)
    throw wrong(
      `${what} has a timeout and a slide of ${slide}: windows that overlap have no first row of their own. Leave one of them out.`,
    )
  if (!isSliding && ttl !== undefined)
    throw wrong(
      `${what} has a ttl but no slide: the rows of an incomplete window would be lost. Use timeout, which gives their result.`,
    )
  optional(`timeout of ${what}`, timeout)
  optional(`ttl of ${what}`, ttl)
}

export function settleCountWindow(
  name: string,
  size: number,
  options: CountWindowOptions,
  map: AggregateMap<any, any>,
): KeyedNode {
  const what = named('countWindow', name, map ?? {}, '100).aggregate("batches", { n: count() }')
  const { folds, described } = foldsOf(what, map)
  const { slide = size } = options
  const timeoutMs = optional(`timeout of ${what}`, options.timeout)
  const ttlMs = optional(`ttl of ${what}`, options.ttl)
  const panes = panesOf(size, slide)
  if (slide !== size && panes > KEPT_ROWS_MAX)
    throw wrong(
      `A window of ${what} would be kept in ${panes} parts; the maximum is ${KEPT_ROWS_MAX}. Use a smaller size, or a slide that divides it: size ${size}, slide ${slide}.`,
    )
  return step('countWindow', name, options, { size, slide, timeoutMs, ttlMs, folds: described }, async () => {
    const { countSliding, countTumbling } = await import('../keyed/operators/count-window.js')
    return slide === size ? countTumbling(folds, size, timeoutMs) : countSliding(folds, size, slide, ttlMs)
  })
}

const panesOf = (size: number, slide: number): number => size / gcd(size, slide)

export function settleOver(name: string, options: OverOptions, map: AggregateMap<any, any>): KeyedNode {
  const what = named('over', name, options, "'moving', { rows: 10 }, { mean: avg(row => row.value) }")
  checkOptions(what, options, { rows: true, range: true, ttl: true, every: true })
  const { rows, range, ttl } = options
  if (rows === undefined && range === undefined)
    throw wrong(`${what} needs rows, range or both: how many rows it folds, or of how much event time.`)
  if (rows !== undefined) whole(`rows of ${what}`, rows, KEPT_ROWS_MAX)
  const rangeMs = optional(`range of ${what}`, range)
  if (rangeMs !== undefined && ttl !== undefined)
    throw wrong(`${what} has a range, which frees its rows: leave ttl out.`)
  const ttlMs = optional(`ttl of ${what}`, ttl)
  const { folds, described } = foldsOf(what, map)
  return step('over', name, options, { rows, rangeMs, ttlMs, folds: described }, async () =>
    (await import('../keyed/operators/over.js')).moving(folds, rows, rangeMs, ttlMs),
  )
}
