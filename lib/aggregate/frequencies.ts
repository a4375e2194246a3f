import { ConfigError, checkOptions, shown } from '../base/index.js'
import { type Aggregate, reader } from './aggregate.js'
import { checkMax } from './sets.js'
import { type OrNull, readNumber, refused, typeName } from './values.js'

/** How many different values are kept, by default. */
const DIFFERENT_MAX = 10_000

/**
 * How often each value came, null where there are more different ones than may be kept. A value that was taken back
 * stays with a count of 0: whether there are too many must not depend on the order of merges (invariant 13).
 */
type Counts<V> = Map<V, number> | null

function frequencies<T, V extends number | string, R, M>(
  kind: string,
  options: Readonly<Record<string, string | number | boolean>>,
  max: number,
  read: (row: T, meta?: M) => V | undefined,
  result: (counts: ReadonlyMap<V, number>) => R,
): Aggregate<T, R | null, V, Counts<V>, M> {
  const bounded = (counts: Map<V, number>): Counts<V> => (counts.size > max ? null : counts)
  return Object.freeze({
    kind,
    options: { ...options, max },
    invertible: true,
    ordered: false,
    fragile: false,
    read,
    create: () => new Map<V, number>(),
    add(acc: Counts<V>, value: V, weight: 1 | -1) {
      if (acc === null) return null
      acc.set(value, (acc.get(value) ?? 0) + weight)
      return bounded(acc)
    },
    merge(a: Counts<V>, b: Counts<V>) {
      if (a === null || b === null) return null
      const both = new Map(a)
      for (const [value, count] of b) both.set(value, (both.get(value) ?? 0) + count)
      return bounded(both)
    },
    result: (acc: Counts<V>) => (acc === null ? null : result(acc)),
    encode: (acc: Counts<V>) => acc && [[...acc.keys()], [...acc.values()]],
    decode: (json: readonly [V[], number[]] | null) => json && new Map(json[0].map((value, i) => [value, json[1][i]!])),
  })
}

export interface PercentileOptions {
  /**
   * `linear` (default) interpolates between the two values beside it, as SQL's PERCENTILE_CONT; `discrete` gives a
   * value that came, as PERCENTILE_DISC.
   */
  readonly method?: 'linear' | 'discrete'
  /** Most different values that are kept, 1 to 1,000,000; default 10,000. The result is null where there are more. */
  readonly max?: number
}

/**
 * The value below which a share of finite numbers lies, exactly: 0.5 is the median. Null over nothing, and where there
 * are more different values than `max`. Null and undefined are left out; anything else rejects the record
 * (`bad-value`). Keeps each different value with its count. Can take rows back.
 * @example percentile(flight => flight.delay, 0.95)
 * @example percentile(flight => flight.delay, 0.95, { method: 'discrete' })
 */
export function percentile<T, M = unknown>(
  of: (row: T, meta: M) => number | null | undefined,
  share: number,
  options: PercentileOptions = {},
): Aggregate<T, number | null, number, any, M> {
  if (!(share >= 0 && share <= 1))
    throw new ConfigError(
      'bad-aggregate',
      `The share of percentile() must be between 0 and 1; it is ${shown(share)}.${share > 1 && share <= 100 ? ` Give ${share / 100} for the ${share}th percentile.` : ''}`,
    )
  return percentileOf('percentile', of, share, options)
}

/**
 * The median of finite numbers, exactly; else as `percentile` of 0.5.
 * @example median(flight => flight.delay)
 */
export function median<T, M = unknown>(
  of: (row: T, meta: M) => number | null | undefined,
  options: PercentileOptions = {},
): Aggregate<T, number | null, number, any, M> {
  return percentileOf('median', of, 0.5, options)
}

function percentileOf<T, M>(
  fold: 'percentile' | 'median',
  of: (row: T, meta: M) => number | null | undefined,
  share: number,
  options: PercentileOptions,
): Aggregate<T, number | null, number, any, M> {
  checkOptions(`${fold}()`, options, { method: true, max: true })
  const { method = 'linear', max = DIFFERENT_MAX } = options
  if (method !== 'linear' && method !== 'discrete')
    throw new ConfigError(
      'bad-aggregate',
      `The method of ${fold}() must be 'linear' or 'discrete'; it is ${shown(method)}.`,
    )
  const value = reader(fold, of)
  return frequencies(
    'percentile',
    { share, method },
    checkMax(fold, max),
    (row: T, meta?: M) => {
      const x = readNumber(fold, value(row, meta))
      // -0 is 0, as it is in JSON.
      return x === undefined ? undefined : x + 0
    },
    (counts) => valueAt(counts, share, method === 'discrete'),
  )
}

function valueAt(counts: ReadonlyMap<number, number>, share: number, isDiscrete: boolean): number | null {
  const sorted = [...counts].filter(([, count]) => count > 0).sort(([a], [b]) => a - b)
  const total = sorted.reduce((sum, [, count]) => sum + count, 0)
  if (total === 0) return null
  const at = (rank: number): number => {
    let passed = 0
    for (const [value, count] of sorted) {
      passed += count
      if (rank < passed) return value
    }
    return sorted.at(-1)![0]
  }
  if (isDiscrete) return at(Math.max(0, Math.ceil(share * total) - 1))
  const rank = share * (total - 1)
  const below = Math.floor(rank)
  const [low, high] = [at(below), at(Math.ceil(rank))]
  const part = rank - below
  return low === high ? low : low * (1 - part) + high * part
}

/**
 * The value that came most often: a finite number or a string. Of equals the least, numbers before strings. Null over
 * nothing, and where there are more different values than `max` (default 10,000). Null and undefined are left out;
 * anything else rejects the record (`bad-value`). Can take rows back.
 * @example mode(flight => flight.carrier)
 */
export function mode<T, N extends number | string | null | undefined, M = unknown>(
  of: (row: T, meta: M) => N,
  options: { readonly max?: number } = {},
): Aggregate<T, OrNull<N, NonNullable<N> extends number ? number : string> | null, number | string, any, M> {
  checkOptions('mode()', options, { max: true })
  const read = reader('mode', of)
  return frequencies(
    'mode',
    {},
    checkMax('mode', options.max ?? DIFFERENT_MAX),
    (row: T, meta?: M) => {
      const value: unknown = read(row, meta)
      if (value === null || value === undefined) return undefined
      if (typeof value === 'string') return value
      if (typeof value === 'number' && Number.isFinite(value)) return value + 0
      throw refused('mode', 'counts finite numbers and strings', typeName(value))
    },
    (counts) => {
      let found: readonly [value: number | string, count: number] | undefined
      for (const entry of counts)
        if (
          entry[1] > 0 &&
          (found === undefined || entry[1] > found[1] || (entry[1] === found[1] && isLess(entry[0], found[0])))
        )
          found = entry
      return (found?.[0] ?? null) as any
    },
  )
}

function isLess(a: number | string, b: number | string): boolean {
  if (typeof a === typeof b) return a < b
  return typeof a === 'number'
}
