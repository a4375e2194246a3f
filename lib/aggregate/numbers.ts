import { ConfigError, checkOptions, shown } from '../base/index.js'
import { type Aggregate, reader, readNumber } from './aggregate.js'
import {
  addExact,
  addSquare,
  decodeExact,
  type Exact,
  encodeExact,
  meanExact,
  mergeExact,
  roundExact,
  subtractExact,
  varianceExact,
} from './exact.js'

type Maybe = number | null | undefined
/** A fold over nothing but nulls has no value. */
type OrNull<N, R> = null extends N ? R | null : undefined extends N ? R | null : R

const plain = { options: {}, invertible: true, ordered: false, fragile: false } as const

/**
 * How many rows, or how many for which `of` is neither null, undefined nor false.
 * @example count()
 * @example count(order => order.refunded)
 */
export function count<T>(of?: (row: T) => unknown): Aggregate<T, number, 1, number> {
  const test = of === undefined ? undefined : reader('count', of)
  return Object.freeze({
    ...plain,
    kind: test === undefined ? 'count' : 'count-if',
    read:
      test === undefined
        ? () => 1 as const
        : (row: T) => {
            const value = test(row)
            return value === null || value === undefined || value === false ? undefined : (1 as const)
          },
    create: () => 0,
    add: (acc: number, _: 1, weight: 1 | -1) => acc + weight,
    merge: (a: number, b: number) => a + b,
    result: (acc: number) => acc,
    encode: (acc: number) => acc,
    decode: (json: number) => json,
  })
}

/**
 * The sum, exact and rounded once; 0 where there is nothing to add. A NaN makes it NaN; it is never -0.
 * @example sum(order => order.amount)
 */
export function sum<T>(of: (row: T) => Maybe): Aggregate<T, number, number, Exact> {
  const read = reader('sum', of)
  return Object.freeze({
    ...plain,
    kind: 'sum',
    read: (row: T) => readNumber('sum', read(row)),
    create: () => 0,
    add: (acc: Exact, x: number, weight: 1 | -1) => (weight === 1 ? addExact(acc, x) : subtractExact(acc, x)),
    merge: mergeExact,
    result: roundExact,
    encode: encodeExact,
    decode: decodeExact,
  })
}

interface Mean {
  sum: Exact
  count: number
}

/**
 * The mean: the exact sum over the count, rounded once. Null over nothing.
 * @example avg(flight => flight.delay)
 */
export function avg<T, N extends Maybe>(of: (row: T) => N): Aggregate<T, OrNull<N, number>, number, Mean> {
  const read = reader('avg', of)
  return Object.freeze({
    ...plain,
    kind: 'avg',
    read: (row: T) => readNumber('avg', read(row)),
    create: () => ({ sum: 0, count: 0 }),
    add(acc: Mean, x: number, weight: 1 | -1) {
      acc.sum = weight === 1 ? addExact(acc.sum, x) : subtractExact(acc.sum, x)
      acc.count += weight
      return acc
    },
    merge: (a: Mean, b: Mean) => ({ sum: mergeExact(a.sum, b.sum), count: a.count + b.count }),
    result: (acc: Mean) => meanExact(acc.sum, acc.count) as OrNull<N, number>,
    encode: (acc: Mean) => [encodeExact(acc.sum), acc.count],
    // By index: taking an array apart costs an iterator, here once a fold.
    decode: (json: readonly [unknown, number]) => ({ sum: decodeExact(json[0]), count: json[1] }),
  })
}

interface Deviation extends Mean {
  squares: Exact
}

/**
 * The standard deviation: of a sample (n - 1), or of the whole population. From exact sums, the variance rounded once. Null over too little.
 * @example stddev(flight => flight.delay)
 * @example stddev(flight => flight.delay, { of: 'population' })
 */
export function stddev<T>(
  of: (row: T) => Maybe,
  options: { of?: 'sample' | 'population' } = {},
): Aggregate<T, number | null, number, Deviation> {
  checkOptions('stddev()', options, { of: true })
  if (options.of !== undefined && options.of !== 'sample' && options.of !== 'population')
    throw new ConfigError('bad-aggregate', `of of stddev() is 'sample' or 'population'; it is ${shown(options.of)}.`)
  const read = reader('stddev', of)
  const free = options.of === 'population' ? 0 : 1
  return Object.freeze({
    ...plain,
    kind: 'stddev',
    options: { free },
    read: (row: T) => readNumber('stddev', read(row)),
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
      return variance === null ? null : Math.sqrt(variance)
    },
    encode: (acc: Deviation) => [encodeExact(acc.sum), encodeExact(acc.squares), acc.count],
    decode: (json: readonly [unknown, unknown, number]) => ({
      sum: decodeExact(json[0]),
      squares: decodeExact(json[1]),
      count: json[2],
    }),
  })
}
