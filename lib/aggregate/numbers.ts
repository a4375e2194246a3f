import { checkOptions } from '../base/index.js'
import { type Aggregate, reader } from './aggregate.js'
import {
  addExact,
  decodeExact,
  type Exact,
  encodeExact,
  meanExact,
  mergeExact,
  roundExact,
  subtractExact,
} from './exact.js'
import { checkEmpty, finiteResult, type OrNull, readNumber, refused, typeName } from './values.js'

const plain = { options: {}, invertible: true, ordered: false, fragile: false } as const

/**
 * The number of rows, or of the rows for which `of` is neither null, undefined nor false. Any other value counts,
 * including 0 and ''; NaN, an infinity or a promise rejects the record (`bad-value`). 0 over nothing. Can take rows
 * back.
 * @example count()
 * @example count(order => order.refunded)
 */
export function count<T, M = unknown>(of?: (row: T, meta: M) => unknown): Aggregate<T, number, 1, number, M> {
  const test = of === undefined ? undefined : reader('count', of)
  return Object.freeze({
    ...plain,
    kind: test === undefined ? 'count' : 'count-if',
    read:
      test === undefined
        ? () => 1 as const
        : (row: T, meta?: M) => {
            const value = test(row, meta)
            return value === true || (value !== false && isCounted(value)) ? (1 as const) : undefined
          },
    create: () => 0,
    add: (acc: number, _: 1, weight: 1 | -1) => acc + weight,
    merge: (a: number, b: number) => a + b,
    result: (acc: number) => acc,
    encode: (acc: number) => acc,
    decode: (json: number) => json,
  })
}

function isCounted(value: unknown): boolean {
  if (value === null || value === undefined) return false
  if ((typeof value === 'number' && !Number.isFinite(value)) || value instanceof Promise)
    throw refused('count', 'counts any value except NaN, an infinity or a promise', typeName(value))
  return true
}

/** A sum and the number of values in it, which distinguishes no values from a sum of zero. */
interface Mean {
  sum: Exact
  count: number
}

function addMean(acc: Mean, x: number, weight: 1 | -1): Mean {
  acc.sum = weight === 1 ? addExact(acc.sum, x) : subtractExact(acc.sum, x)
  acc.count += weight
  return acc
}

const createMean = (): Mean => ({ sum: 0, count: 0 })
const mergeMeans = (a: Mean, b: Mean): Mean => ({ sum: mergeExact(a.sum, b.sum), count: a.count + b.count })
const encodeMean = (acc: Mean): unknown => [encodeExact(acc.sum), acc.count]
// By index, because destructuring an array allocates an iterator, here for every fold.
const decodeMean = (json: readonly [unknown, number]): Mean => ({ sum: decodeExact(json[0]), count: json[1] })

/**
 * The exact sum of finite numbers, rounded once; never -0. Null and undefined are left out. Anything else, including
 * NaN and the infinities, rejects the record (`bad-value`). A sum beyond the largest double rejects its result. Over
 * nothing it is 0, or null as in SQL with `empty: null`. Can take rows back.
 * @example sum(order => order.amount)
 * @example sum(order => order.discount, { empty: null })
 * @example sum((order, meta) => order.rate * Number(meta.header('weight') ?? 1))
 */
export function sum<T, E extends 0 | null = 0, M = unknown>(
  of: (row: T, meta: M) => number | null | undefined,
  options: { empty?: E } = {},
): Aggregate<T, null extends E ? number | null : number, number, any, M> {
  checkOptions('sum()', options, { empty: true })
  const { empty = 0 }: { empty?: 0 | null } = options
  const value = reader('sum', of)
  const read = (row: T, meta?: M) => readNumber('sum', value(row, meta!))
  if (checkEmpty('sum', empty) === null) {
    return Object.freeze({
      ...plain,
      kind: 'sum',
      options: { empty },
      read,
      create: createMean,
      add: addMean,
      merge: mergeMeans,
      result: (acc: Mean) => (acc.count === 0 ? null : finiteResult('sum', roundExact(acc.sum))) as number,
      encode: encodeMean,
      decode: decodeMean,
    })
  }
  return Object.freeze({
    ...plain,
    kind: 'sum',
    read,
    create: () => 0,
    add: (acc: Exact, x: number, weight: 1 | -1) => (weight === 1 ? addExact(acc, x) : subtractExact(acc, x)),
    merge: mergeExact,
    result: (acc: Exact) => finiteResult('sum', roundExact(acc)),
    encode: encodeExact,
    decode: decodeExact,
  })
}

/**
 * The mean of finite numbers: the exact sum divided by the count, rounded once. Null over nothing, also after all rows
 * were taken back. Null and undefined are left out; anything else rejects the record (`bad-value`). Can take rows back.
 * @example avg(flight => flight.delay)
 */
export function avg<T, N extends number | null | undefined, M = unknown>(
  of: (row: T, meta: M) => N,
): Aggregate<T, OrNull<N, number>, number, Mean, M> {
  const read = reader('avg', of)
  return Object.freeze({
    ...plain,
    kind: 'avg',
    read: (row: T, meta?: M) => readNumber('avg', read(row, meta)),
    create: createMean,
    add: addMean,
    merge: mergeMeans,
    result: (acc: Mean) => meanExact(acc.sum, acc.count) as OrNull<N, number>,
    encode: encodeMean,
    decode: decodeMean,
  })
}
