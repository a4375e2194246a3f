import { ConfigError, checkOptions, shown } from '../base/index.js'
import { type Aggregate, reader } from './aggregate.js'
import {
  addExact,
  addProduct,
  addSquare,
  correlationExact,
  covarianceExact,
  decodeExact,
  type Exact,
  encodeExact,
  type Moments,
  mergeExact,
  regressionExact,
  subtractExact,
  varianceExact,
} from './exact.js'
import { finiteResult, readNumber } from './values.js'

const plain = { options: {}, invertible: true, ordered: false, fragile: false } as const

/** Whether the numbers are a sample of more, or all that there are. */
export interface SpreadOptions {
  readonly of?: 'sample' | 'population'
}

/** What is taken off the count: 1 of a sample, as its mean is not known. */
function lost(fold: string, options: SpreadOptions): 0 | 1 {
  checkOptions(`${fold}()`, options, { of: true })
  const { of = 'sample' } = options
  if (of === 'sample' || of === 'population') return of === 'sample' ? 1 : 0
  throw new ConfigError(
    'bad-aggregate',
    `The option of of ${fold}() must be 'sample' or 'population'; it is ${shown(of)}.`,
  )
}

interface Deviation {
  sum: Exact
  squares: Exact
  count: number
}

function deviation<T, M>(
  kind: 'stddev' | 'variance',
  of: (row: T, meta: M) => number | null | undefined,
  options: SpreadOptions,
  finish: (variance: number) => number,
): Aggregate<T, number | null, number, Deviation, M> {
  const free = lost(kind, options)
  const read = reader(kind, of)
  return Object.freeze({
    ...plain,
    kind,
    options: { free },
    read: (row: T, meta?: M) => readNumber(kind, read(row, meta)),
    create: () => ({ sum: 0, squares: 0, count: 0 }),
    add(acc: Deviation, x: number, weight: 1 | -1) {
      acc.sum = weight === 1 ? addExact(acc.sum, x) : subtractExact(acc.sum, x)
      acc.squares = addSquare(acc.squares, x, weight)
      acc.count += weight
      return acc
    },
    merge: (a: Deviation, b: Deviation) => ({
      sum: mergeExact(a.sum, b.sum),
      squares: mergeExact(a.squares, b.squares),
      count: a.count + b.count,
    }),
    result(acc: Deviation) {
      const variance = varianceExact(acc.sum, acc.squares, acc.count, acc.count - free)
      return variance === null ? null : finish(finiteResult(kind, variance))
    },
    encode: (acc: Deviation) => [encodeExact(acc.sum), encodeExact(acc.squares), acc.count],
    decode: (json: readonly [unknown, unknown, number]) => ({
      sum: decodeExact(json[0]),
      squares: decodeExact(json[1]),
      count: json[2],
    }),
  })
}

/**
 * The standard deviation of finite numbers, for a sample (n - 1) or the whole population. The variance is computed from
 * exact sums and rounded once. Null over nothing, and for a sample of one. Null and undefined are left out; anything
 * else rejects the record (`bad-value`). A variance beyond the largest double rejects its result. Can take rows back.
 * @example stddev(flight => flight.delay)
 * @example stddev(flight => flight.delay, { of: 'population' })
 */
export function stddev<T, M = unknown>(
  of: (row: T, meta: M) => number | null | undefined,
  options: SpreadOptions = {},
): Aggregate<T, number | null, number, Deviation, M> {
  return deviation('stddev', of, options, Math.sqrt)
}

/**
 * The variance of finite numbers, from exact sums and rounded once; else as `stddev`.
 * @example variance(flight => flight.delay)
 */
export function variance<T, M = unknown>(
  of: (row: T, meta: M) => number | null | undefined,
  options: SpreadOptions = {},
): Aggregate<T, number | null, number, Deviation, M> {
  return deviation('variance', of, options, (value) => value)
}

const NUMBERS = ['x', 'y', 'xx', 'yy', 'xy'] as const
type Pair = readonly [x: number, y: number]

function moments<T, R, M>(
  kind: string,
  options: Readonly<Record<string, number>>,
  x: (row: T, meta: M) => number | null | undefined,
  y: (row: T, meta: M) => number | null | undefined,
  result: (acc: Moments) => R,
): Aggregate<T, R, Pair, Moments, M> {
  const readX = reader(kind, x)
  const readY = reader(kind, y)
  return Object.freeze({
    ...plain,
    kind,
    options,
    read(row: T, meta?: M): Pair | undefined {
      const a = readNumber(kind, readX(row, meta))
      const b = readNumber(kind, readY(row, meta))
      return a === undefined || b === undefined ? undefined : [a, b]
    },
    create: () => ({ x: 0, y: 0, xx: 0, yy: 0, xy: 0, count: 0 }),
    add(acc: Moments, [a, b]: Pair, weight: 1 | -1) {
      acc.x = addExact(acc.x, weight * a)
      acc.y = addExact(acc.y, weight * b)
      acc.xx = addSquare(acc.xx, a, weight)
      acc.yy = addSquare(acc.yy, b, weight)
      acc.xy = addProduct(acc.xy, a, b, weight)
      acc.count += weight
      return acc
    },
    merge(a: Moments, b: Moments) {
      const both = { count: a.count + b.count } as Moments
      for (const name of NUMBERS) both[name] = mergeExact(a[name], b[name])
      return both
    },
    result,
    encode: (acc: Moments) => [...NUMBERS.map((name) => encodeExact(acc[name])), acc.count],
    decode(json: readonly unknown[]) {
      const acc = { count: json[NUMBERS.length] } as Moments
      for (const [i, name] of NUMBERS.entries()) acc[name] = decodeExact(json[i])
      return acc
    },
  })
}

const finite = (fold: string, value: number | null): number | null =>
  value === null ? null : finiteResult(fold, value)

/**
 * How two finite numbers of a row vary together: their covariance, of a sample (n - 1) or of the whole population. From
 * exact sums, rounded once. Null over nothing, and of a sample of one. A row where one of them is null or undefined is
 * left out; anything else rejects the record (`bad-value`). Can take rows back.
 * @example covariance(flight => flight.distance, flight => flight.delay)
 */
export function covariance<T, M = unknown>(
  x: (row: T, meta: M) => number | null | undefined,
  y: (row: T, meta: M) => number | null | undefined,
  options: SpreadOptions = {},
): Aggregate<T, number | null, Pair, Moments, M> {
  const free = lost('covariance', options)
  return moments('covariance', { free }, x, y, (acc) => finite('covariance', covarianceExact(acc, acc.count - free)))
}

/**
 * Pearson's correlation of two finite numbers of a row, from -1 to 1. Null over nothing, and where one of them does not
 * vary; else as `covariance`.
 * @example correlation(flight => flight.distance, flight => flight.delay)
 */
export function correlation<T, M = unknown>(
  x: (row: T, meta: M) => number | null | undefined,
  y: (row: T, meta: M) => number | null | undefined,
): Aggregate<T, number | null, Pair, Moments, M> {
  return moments('correlation', {}, x, y, (acc) => (acc.count < 1 ? null : correlationExact(acc)))
}

/** A line of least squares: y is about intercept + slope * x. */
export interface Line {
  readonly slope: number
  readonly intercept: number
  /** The share of the variance of y that the line explains, 0 to 1. */
  readonly r2: number
}

/**
 * The line of least squares through the points (x, y) of the rows. Null over nothing, and where x does not vary; else
 * as `covariance`.
 * @example regression({ x: flight => flight.distance, y: flight => flight.delay })
 */
export function regression<T, M = unknown>(point: {
  readonly x: (row: T, meta: M) => number | null | undefined
  readonly y: (row: T, meta: M) => number | null | undefined
}): Aggregate<T, Line | null, Pair, Moments, M> {
  checkOptions('regression()', point, { x: true, y: true })
  return moments('regression', {}, point.x, point.y, (acc) => {
    const line = acc.count < 1 ? null : regressionExact(acc)
    if (line !== null) for (const value of [line.slope, line.intercept]) finiteResult('regression', value)
    return line
  })
}
