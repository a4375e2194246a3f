import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Aggregate, avg, count, stddev, sum } from '../../lib/aggregate/index.js'
import { cuts, fold, join, matchesOracle, type Placed, placed, stored } from './folding.js'
import { anyNumber, finite, maybeNumber, nearest, over, type Rational, rational, times, total } from './rational.js'

type Row = Placed<number | null | undefined>
const value = (row: Row) => row.value

const numbersOf = (rows: readonly Row[]): number[] => rows.map(value).filter((x) => x !== null && x !== undefined)
const exact = (numbers: readonly number[]): Rational => total(numbers.map(rational))

/** What a sum with NaN or an infinity in it is; undefined where all are finite. */
function odd(numbers: readonly number[]): number | undefined {
  const rest = numbers.filter((x) => !Number.isFinite(x))
  return rest.length === 0 ? undefined : rest.reduce((a, b) => a + b)
}

const sumOracle = (rows: readonly Row[]): number => odd(numbersOf(rows)) ?? nearest(exact(numbersOf(rows)))

function meanOracle(rows: readonly Row[]): number | null {
  const numbers = numbersOf(rows)
  return numbers.length === 0 ? null : (odd(numbers) ?? nearest(over(exact(numbers), numbers.length)))
}

/** The sum of (x - mean)^2 in rationals: the definition, not the formula of the code. */
function deviationOracle(free: number) {
  return (rows: readonly Row[]): number | null => {
    const numbers = numbersOf(rows)
    const n = numbers.length
    if (n - free <= 0) return null
    if (odd(numbers) !== undefined) return Number.NaN
    const mean = over(exact(numbers), n)
    const differences = numbers.map(rational).map((x) => total([x, { above: -mean.above, below: mean.below }]))
    return Math.sqrt(nearest(over(total(differences.map((d) => times(d, d))), n - free)))
  }
}

describe('law 13: any cut and any merge tree give the oracle to the last bit', () => {
  it('count', () => matchesOracle(count<Row>(), maybeNumber, (rows) => rows.length))

  it('count of a condition', () => {
    const counted: unknown[] = [0, '', 'a', true, Number.NaN]
    const values = fc.constantFrom<unknown>(...counted, false, null, undefined)
    const oracle = (rows: readonly Placed<unknown>[]) => rows.filter((row) => counted.includes(row.value)).length
    matchesOracle(
      count<Placed<unknown>>((row) => row.value),
      values,
      oracle,
    )
  })

  it('sum', () => matchesOracle(sum(value), maybeNumber, sumOracle, 400))
  it('avg', () => matchesOracle(avg(value), maybeNumber, meanOracle, 400))
  it('avg of numbers that are subnormal, where rounding twice shows', () => {
    matchesOracle(avg(value), fc.double({ min: -1e-308, max: 1e-308, noNaN: true }), meanOracle, 300)
    matchesOracle(
      avg(value),
      fc.integer({ min: -9, max: 9 }).map((n) => n * 5e-324),
      meanOracle,
      300,
    )
  })
  it('stddev of a sample', () => matchesOracle(stddev(value), maybeNumber, deviationOracle(1), 200))
  it.each([
    ['vanish', 1e-160, 1e-150],
    ['overflow', 1e150, 1e155],
  ])('stddev of numbers whose squares nearly %s', (_, low, high) => {
    matchesOracle(stddev(value), fc.double({ min: low, max: high, noNaN: true }), deviationOracle(1), 200)
  })
  it('stddev of a population', () => {
    matchesOracle(stddev(value, { of: 'population' }), maybeNumber, deviationOracle(0), 200)
  })
})

const rows = (...values: (number | null)[]): Row[] =>
  values.map((x, i) => ({ value: x, turn: i, timestamp: i, split: 'a', position: String(i) }))
const result = (aggregate: any, ...values: (number | null)[]): unknown =>
  aggregate.result(fold(aggregate, rows(...values)))

describe('values', () => {
  it.each<[string, any, number | null]>([
    ['sum of nothing', result(sum(value)), 0],
    ['sum of nulls', result(sum(value), null, null), 0],
    ['sum of tenths', result(sum(value), ...new Array<number>(10).fill(0.1)), 1],
    ['sum of what a double swallows', result(sum(value), 1e16, 1, -1e16), 1],
    ['sum past the safe integers', result(sum(value), 2 ** 53, 1, 1), 2 ** 53 + 2],
    ['sum that comes back from overflow', result(sum(value), 1e308, 1e308, -1e308), 1e308],
    ['sum that overflows', result(sum(value), 1e308, 1e308), Number.POSITIVE_INFINITY],
    ['sum of the smallest', result(sum(value), 5e-324, 5e-324), 1e-323],
    ['sum of minus zeros', result(sum(value), -0, -0), 0],
    ['sum of infinities that meet', result(sum(value), 1 / 0, -1 / 0), Number.NaN],
    ['avg of nothing', result(avg(value)), null],
    ['avg of nulls', result(avg(value), null), null],
    ['avg of the largest', result(avg(value), Number.MAX_VALUE, Number.MAX_VALUE), Number.MAX_VALUE],
    ['avg of minus zeros', result(avg(value), -0, -0), 0],
    ['avg that vanishes from below', result(avg(value), -5e-324, 0, 0), 0],
    ['stddev of one row', result(stddev(value), 5), null],
    ['stddev of one row, as a population', result(stddev(value, { of: 'population' }), 5), 0],
    ['stddev far from zero', result(stddev(value), 1e9 + 4, 1e9 + 7, 1e9 + 13, 1e9 + 16), Math.sqrt(30)],
    ['stddev of equal tenths', result(stddev(value), 0.1, 0.1, 0.1), 0],
  ])('%s', (_, got, wanted) => {
    expect(got).toBe(wanted)
  })
})

describe('taking back', () => {
  const inverses = { count: count<Row>(), sum: sum(value), avg: avg(value), stddev: stddev(value) }

  it.each(Object.entries(inverses))(
    'rows added and taken back leave %s as it was, whatever is merged',
    (_, aggregate: any) => {
      fc.assert(
        fc.property(placed(anyNumber, 6), placed(anyNumber, 6), cuts, (kept, passing, { merges }) => {
          const accs = [fold(aggregate, kept), fold(aggregate, passing), fold(aggregate, [...passing].reverse(), -1)]
          const joined = join(
            aggregate,
            accs.map((acc) => stored(aggregate, acc)),
            merges,
          )
          expect(aggregate.result(joined)).toBe(aggregate.result(fold(aggregate, kept)))
        }),
        { numRuns: 150 },
      )
    },
  )

  it('an accumulator goes on exactly after rows were taken back', () => {
    fc.assert(
      fc.property(placed(anyNumber, 5), placed(finite, 5), (passing, after) => {
        const aggregate = sum(value)
        let acc: any = aggregate.create()
        for (const row of passing) acc = aggregate.add(acc, row.value, 1, row)
        for (const row of passing) acc = aggregate.add(acc, row.value, -1, row)
        for (const row of after) acc = aggregate.add(acc, row.value, 1, row)
        expect(aggregate.result(acc)).toBe(sumOracle(after))
      }),
    )
  })
})

describe('law 14: reading refuses what is no number before anything is folded', () => {
  it.each<[unknown, string]>([
    ['5', 'string'],
    [true, 'boolean'],
    [5n, 'bigint'],
    [new Date(0), 'object'],
    [[5], 'an array'],
  ])('%o', (given, kind) => {
    for (const [name, make] of Object.entries({ sum, avg, stddev })) {
      const aggregate: Aggregate<object, unknown> = (make as typeof sum)(() => given as number)
      expect(() => aggregate.read({})).toThrow(
        expect.objectContaining({ name: 'TypeError', message: `${name}() folds numbers; its function gave ${kind}` }),
      )
    }
  })

  it('what the function throws goes to the caller', () => {
    const aggregate = sum<{ a?: { b: number } }>((row) => row.a!.b)
    expect(() => aggregate.read({})).toThrow(TypeError)
  })
})
