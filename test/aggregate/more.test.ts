import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  bitAnd,
  bitOr,
  bitXor,
  correlation,
  count,
  covariance,
  every,
  median,
  mode,
  percentile,
  regression,
  some,
  stringJoin,
  struct,
  sum,
  topN,
  variance,
  where,
} from '../../lib/aggregate/index.js'
import { draws } from '../draws.js'
import { fold, matchesOracle, outcome, type Placed, REFUSED, stored } from './folding.js'
import { nearest, over, type Rational, rational, times, total } from './rational.js'

type Row<V> = Placed<V>
const held = (value: number): number | typeof REFUSED => (Number.isFinite(value) ? value : REFUSED)
const minus = (x: Rational): Rational => ({ above: -x.above, below: x.below })
const double = fc.double({ min: -1e6, max: 1e6, noNaN: true })
const few = fc.integer({ min: -3, max: 3 })
const wide = fc.oneof(few, double, fc.constantFrom(1e300, -1e300, 5e-324, 1e-200, 2 ** 60))
/** Rationals of such numbers have thousands of digits. */
const WIDE_RUNS = draws(60, 200)

/** Differences from the mean, in rationals: the definition, not the formula of the code. */
function apart(numbers: readonly number[]): Rational[] {
  const all = numbers.map(rational)
  const mean = over(total(all), all.length)
  return all.map((x) => total([x, minus(mean)]))
}
const products = (a: readonly Rational[], b: readonly Rational[]): Rational => total(a.map((x, i) => times(x, b[i]!)))

type Pair = readonly [number, number]
const pairs = (numbers: fc.Arbitrary<number>) => fc.tuple(numbers, numbers)
const x = ({ value }: Row<Pair>) => value[0]
const y = ({ value }: Row<Pair>) => value[1]
const columns = (rows: readonly Row<Pair>[]) => [apart(rows.map(x)), apart(rows.map(y))] as const
const quotient = (a: Rational, b: Rational): Rational =>
  b.above < 0n
    ? { above: -a.above * b.below, below: a.below * -b.above }
    : { above: a.above * b.below, below: a.below * b.above }

describe('invariant 13: any cut and any merge tree give the oracle to the last bit', () => {
  it.each([
    ['a sample', 'sample', 1],
    ['a population', 'population', 0],
  ] as const)('variance and covariance of %s', (_, of, free) => {
    const value = (row: Row<number>) => row.value
    matchesOracle(
      variance(value, { of }),
      wide,
      (rows) => {
        if (rows.length - free <= 0) return null
        const differences = apart(rows.map(value))
        return held(nearest(over(products(differences, differences), rows.length - free)))
      },
      WIDE_RUNS,
    )
    matchesOracle(
      covariance(x, y, { of }),
      pairs(wide),
      (rows) => {
        if (rows.length - free <= 0) return null
        const [a, b] = columns(rows)
        return held(nearest(over(products(a, b), rows.length - free)))
      },
      WIDE_RUNS,
    )
  })

  it('correlation', () => {
    matchesOracle(
      correlation(x, y),
      pairs(wide),
      (rows) => {
        if (rows.length === 0) return null
        const [a, b] = columns(rows)
        const [aa, bb, ab] = [products(a, a), products(b, b), products(a, b)]
        if (aa.above === 0n || bb.above === 0n) return null
        const root = Math.sqrt(nearest(quotient(times(ab, ab), times(aa, bb))))
        return ab.above < 0n ? 0 - root : root
      },
      WIDE_RUNS,
    )
  })

  it('regression', () => {
    matchesOracle<Pair, unknown>(
      regression({ x, y }),
      pairs(wide),
      (rows) => {
        if (rows.length === 0) return 'null'
        const [a, b] = columns(rows)
        const [aa, bb, ab] = [products(a, a), products(b, b), products(a, b)]
        if (aa.above === 0n) return 'null'
        const slope = quotient(ab, aa)
        const mean = (of: (row: Row<Pair>) => number) => over(total(rows.map(of).map(rational)), rows.length)
        const intercept = total([mean(y), minus(times(slope, mean(x)))])
        const line = {
          slope: nearest(slope),
          intercept: nearest(intercept),
          r2: bb.above === 0n ? 1 : nearest(quotient(times(ab, ab), times(aa, bb))),
        }
        return Number.isFinite(line.slope) && Number.isFinite(line.intercept) ? JSON.stringify(line) : REFUSED
      },
      WIDE_RUNS,
      JSON.stringify,
    )
  })

  const sorted = (rows: readonly Row<number>[]): number[] => rows.map(({ value }) => value + 0).sort((a, b) => a - b)
  it('percentile and median', () => {
    for (const share of [0, 0.1, 0.5, 0.95, 1]) {
      matchesOracle(
        percentile((row: Row<number>) => row.value, share, { method: 'discrete' }),
        few,
        (rows) => sorted(rows).find((_, i, all) => (i + 1) / all.length >= share) ?? null,
        60,
      )
    }
    matchesOracle(
      median((row: Row<number>) => row.value),
      double,
      (rows) => {
        const all = sorted(rows)
        const middle = all.length >> 1
        if (all.length === 0) return null
        if (all.length % 2 === 1) return all[middle]!
        const [low, high] = [all[middle - 1]!, all[middle]!]
        return low === high ? low : low * 0.5 + high * 0.5
      },
    )
    const of = (share: number) => percentile((row: Row<number>) => row.value, share)
    const list = [10, 20, 30, 40].map((value, i) => ({ value, timestamp: i, split: 'a', turn: i, position: String(i) }))
    expect([0, 0.25, 0.5, 0.9, 1].map((share) => of(share).result(fold(of(share), list)))).toEqual([
      10, 17.5, 25, 37, 40,
    ])
  })

  it('mode', () => {
    matchesOracle(
      mode((row: Row<number | string>) => row.value),
      fc.constantFrom<number | string>(1, 2, 'a', 'b', '1'),
      (rows) => {
        const times = (value: number | string) => rows.filter((row) => row.value === value).length
        const [best] = [1, 2, '1', 'a', 'b'].sort((a, b) => times(b) - times(a))
        return rows.length === 0 ? null : best!
      },
    )
  })

  it('every and some', () => {
    matchesOracle(
      every((row: Row<boolean>) => row.value),
      fc.boolean(),
      (rows) => (rows.length === 0 ? null : rows.every(({ value }) => value)),
    )
    matchesOracle(
      some((row: Row<boolean>) => row.value),
      fc.boolean(),
      (rows) => (rows.length === 0 ? null : rows.some(({ value }) => value)),
    )
  })

  it('bits, as 32 of them without a sign', () => {
    const word = fc.integer({ min: 0, max: 2 ** 32 - 1 })
    const value = (row: Row<number>) => BigInt(row.value)
    const oracle = (rows: readonly Row<number>[], of: (a: bigint, b: bigint) => bigint) =>
      rows.length === 0 ? null : Number(rows.map(value).reduce(of))
    matchesOracle(
      bitAnd((row: Row<number>) => row.value),
      word,
      (rows) => oracle(rows, (a, b) => a & b),
    )
    matchesOracle(
      bitOr((row: Row<number>) => row.value),
      word,
      (rows) => oracle(rows, (a, b) => a | b),
    )
    matchesOracle(
      bitXor((row: Row<number>) => row.value),
      word,
      (rows) => oracle(rows, (a, b) => a ^ b),
    )
  })

  const inOrder = <V>(rows: readonly Row<V>[]): Row<V>[] =>
    [...rows].sort(
      (a, b) =>
        a.timestamp - b.timestamp ||
        (a.split < b.split ? -1 : a.split > b.split ? 1 : 0) ||
        (a.position < b.position ? -1 : 1),
    )

  it('stringJoin', () => {
    matchesOracle(
      stringJoin((row: Row<string>) => row.value, { separator: '; ', max: 5 }),
      fc.string({ maxLength: 2 }),
      (rows) =>
        rows.length === 0
          ? null
          : inOrder(rows)
              .slice(0, 5)
              .map(({ value }) => value)
              .join('; '),
    )
  })

  it.each(['largest', 'smallest'] as const)('topN, the %s first', (order) => {
    matchesOracle<number, string>(
      topN(
        3,
        (row: Row<number>) => row.value,
        (row) => row.position,
        { order },
      ),
      few,
      (rows) => {
        const sign = order === 'largest' ? -1 : 1
        return JSON.stringify(
          inOrder(rows)
            .sort((a, b) => sign * (a.value - b.value))
            .slice(0, 3)
            .map(({ position }) => position),
        )
      },
      200,
      JSON.stringify,
    )
  })

  it('where and struct are the folds within', () => {
    matchesOracle(
      where(
        ({ value }: Row<number>) => value > 0,
        sum(({ value }) => value),
      ),
      few,
      (rows) => rows.reduce((all, { value }) => all + Math.max(0, value), 0),
    )
    matchesOracle<number, string>(
      struct({
        rows: count<Row<number>>(),
        large: where(({ value }: Row<number>) => value > 1, count()),
        best: topN(
          1,
          (row: Row<number>) => row.value,
          (row) => row.value,
        ),
      }),
      few,
      (rows) =>
        JSON.stringify({
          rows: rows.length,
          large: rows.filter(({ value }) => value > 1).length,
          best: rows.length === 0 ? [] : [Math.max(...rows.map(({ value }) => value)) + 0],
        }),
      200,
      JSON.stringify,
    )
  })
})

describe('limits and options', () => {
  const row = (value: number) => ({ value, timestamp: value, split: 'a', turn: value, position: String(value) })

  it('more different values than max are null, in whatever order they come and go', () => {
    const of = median((r: { value: number }) => r.value, { max: 3 })
    const part = (values: readonly number[], weight: 1 | -1 = 1) => stored(of, fold(of, values.map(row), weight))
    expect(of.result(part([1, 2, 3, 3]))).toBe(2.5)
    expect(of.result(part([1, 2, 3, 4]))).toBeNull()
    // One that was taken back still counts as one that was there.
    const parts = [part([1, 2]), part([2], -1), part([3, 4])]
    const merged = (order: readonly number[]) => of.result(order.map((i) => parts[i]!).reduce((a, b) => of.merge(a, b)))
    for (const order of [
      [0, 1, 2],
      [2, 1, 0],
      [0, 2, 1],
    ])
      expect(merged(order)).toBeNull()
  })

  it.each<[string, () => unknown, RegExp]>([
    [
      'a percentage',
      () => percentile(() => 1, 95),
      /The share of percentile\(\) must be between 0 and 1; it is 95\. Give 0\.95 for the 95th percentile\./,
    ],
    ['a share that is none', () => percentile(() => 1, Number.NaN), /must be between 0 and 1; it is NaN\.$/],
    [
      'a method',
      () => median(() => 1, { method: 'nearest' as never }),
      /The method of median\(\) must be 'linear' or 'discrete'; it is "nearest"/,
    ],
    ['a max', () => mode(() => 1, { max: 0 }), /The max of mode\(\) must be a whole number from 1 to 1000000; it is 0/],
    [
      'a kind of variance',
      () => variance(() => 1, { of: 'all' as never }),
      /The option of of variance\(\) must be 'sample' or 'population'; it is "all"/,
    ],
    [
      'a separator',
      () => stringJoin(() => '', { separator: 1 as never }),
      /The separator of stringJoin\(\) must be a string; it is 1/,
    ],
    [
      'a number of rows',
      () =>
        topN(
          0,
          () => 1,
          () => 1,
        ),
      /The n of topN\(\) must be a whole number from 1 to 10000; it is 0/,
    ],
    [
      'an order',
      () =>
        topN(
          1,
          () => 1,
          () => 1,
          { order: 'up' as never },
        ),
      /The order of topN\(\) must be 'largest' or 'smallest'; it is "up"/,
    ],
    ['a fold', () => where(() => true, 1 as never), /where\(\) takes a fold, such as count\(\)/],
    ['folds', () => struct({}), /struct\(\) is given an object of folds/],
    ['a field of a struct', () => struct({ a: 1 as never }), /The field "a" of struct\(\) takes a fold/],
    ['an option', () => median(() => 1, { methods: 'linear' } as never), /methods/],
  ])('%s that cannot be is refused', (_, make, words) => {
    expect(make).toThrow(words)
  })

  it('a result that no double holds rejects its pane', () => {
    const spread = variance((r: { value: number }) => r.value)
    expect(outcome(() => spread.result(fold(spread, [row(1e300), row(-1e300)])))).toBe(REFUSED)
  })
})
