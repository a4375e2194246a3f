import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { avg, count, stddev, sum } from '../../lib/aggregate/index.js'
import { shown } from '../../lib/base/index.js'
import { cuts, fold, join, matchesOracle, outcome, type Placed, placed, REFUSED, stored } from './folding.js'
import { finite, maybeNumber, nearest, over, type Rational, rational, times, total } from './rational.js'

type Row = Placed<number | null | undefined>
const value = (row: Row) => row.value

const numbersOf = (rows: readonly Row[]): number[] => rows.map(value).filter((x) => x !== null && x !== undefined)
const exact = (numbers: readonly number[]): Rational => total(numbers.map(rational))

/** A result that JSON cannot hold is refused. */
const held = (result: number): number | typeof REFUSED => (Number.isFinite(result) ? result : REFUSED)

const sumOracle = (rows: readonly Row[]) => held(nearest(exact(numbersOf(rows))))

function meanOracle(rows: readonly Row[]): number | null {
  const numbers = numbersOf(rows)
  return numbers.length === 0 ? null : nearest(over(exact(numbers), numbers.length))
}

/** The sum of (x - mean)^2 in rationals: the definition, not the formula of the code. */
function deviationOracle(free: number) {
  return (rows: readonly Row[]): number | null | typeof REFUSED => {
    const numbers = numbersOf(rows)
    const n = numbers.length
    if (n - free <= 0) return null
    const mean = over(exact(numbers), n)
    const differences = numbers.map(rational).map((x) => total([x, { above: -mean.above, below: mean.below }]))
    return held(Math.sqrt(nearest(over(total(differences.map((d) => times(d, d))), n - free))))
  }
}

describe('invariant 13: any cut and any merge tree give the oracle to the last bit', () => {
  it('count', () => matchesOracle(count<Row>(), maybeNumber, (rows) => rows.length))

  it('count of a condition', () => {
    const counted: unknown[] = [0, -0, '', 'a', true, 5n, {}]
    const values = fc.constantFrom<unknown>(...counted, false, null, undefined)
    const oracle = (rows: readonly Placed<unknown>[]) => rows.filter((row) => counted.includes(row.value)).length
    matchesOracle(
      count<Placed<unknown>>((row) => row.value),
      values,
      oracle,
    )
  })

  it('sum', () => matchesOracle(sum(value), maybeNumber, sumOracle, 400))
  it('sum, null over nothing', () => {
    const oracle = (rows: readonly Row[]) => (numbersOf(rows).length === 0 ? null : sumOracle(rows))
    matchesOracle<Row['value'], number | null>(sum(value, { empty: null }), maybeNumber, oracle)
  })
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
  outcome(() => aggregate.result(fold(aggregate, rows(...values))))

describe('values', () => {
  it.each<[string, any, number | string | null]>([
    ['sum of nothing', result(sum(value)), 0],
    ['sum of nulls', result(sum(value), null, null), 0],
    ['sum of tenths', result(sum(value), ...new Array<number>(10).fill(0.1)), 1],
    ['sum of what a double swallows', result(sum(value), 1e16, 1, -1e16), 1],
    ['sum past the safe integers', result(sum(value), 2 ** 53, 1, 1), 2 ** 53 + 2],
    ['sum that comes back from overflow', result(sum(value), 1e308, 1e308, -1e308), 1e308],
    ['sum that overflows', result(sum(value), 1e308, 1e308), REFUSED],
    ['sum of the smallest', result(sum(value), 5e-324, 5e-324), 1e-323],
    ['sum of minus zeros', result(sum(value), -0, -0), 0],
    ['sum of nothing, as in SQL', result(sum(value, { empty: null })), null],
    ['sum of nulls, as in SQL', result(sum(value, { empty: null }), null), null],
    ['sum of zero, as in SQL', result(sum(value, { empty: null }), null, -0), 0],
    ['avg of nothing', result(avg(value)), null],
    ['avg of nulls', result(avg(value), null), null],
    ['avg of the largest', result(avg(value), Number.MAX_VALUE, Number.MAX_VALUE), Number.MAX_VALUE],
    ['avg of minus zeros', result(avg(value), -0, -0), 0],
    ['avg that vanishes from below', result(avg(value), -5e-324, 0, 0), 0],
    ['stddev that overflows', result(stddev(value), 1e300, -1e300), REFUSED],
    ['stddev of one row', result(stddev(value), 5), null],
    ['stddev of one row, as a population', result(stddev(value, { of: 'population' }), 5), 0],
    ['stddev far from zero', result(stddev(value), 1e9 + 4, 1e9 + 7, 1e9 + 13, 1e9 + 16), Math.sqrt(30)],
    ['stddev of equal tenths', result(stddev(value), 0.1, 0.1, 0.1), 0],
  ])('%s', (_, got, wanted) => {
    expect(got).toBe(wanted)
  })
})

it.each([1, undefined, '0', Number.NaN])('sum refuses %o for the sum of nothing', (empty) => {
  if (empty === undefined) return expect(result(sum(value, { empty }))).toBe(0)
  const message = `The option empty of sum() must be 0 or null; it is ${shown(empty)}.`
  const make = () => sum(value, { empty: empty as 0 })
  expect(make).toThrow(expect.objectContaining({ name: 'ConfigError', code: 'bad-aggregate', message }))
})

describe('taking back', () => {
  const inverses = {
    count: count<Row>(),
    sum: sum(value),
    'sum of SQL': sum(value, { empty: null }),
    avg: avg(value),
    stddev: stddev(value),
  }

  it.each(Object.entries(inverses))(
    'rows added and taken back leave %s as it was, whatever is merged',
    (_, aggregate: any) => {
      fc.assert(
        fc.property(placed(finite, 6), placed(finite, 6), cuts, (kept, passing, { merges }) => {
          const accs = [fold(aggregate, kept), fold(aggregate, passing), fold(aggregate, [...passing].reverse(), -1)]
          const joined = join(
            aggregate,
            accs.map((acc) => stored(aggregate, acc)),
            merges,
          )
          expect(outcome(() => aggregate.result(joined))).toBe(outcome(() => aggregate.result(fold(aggregate, kept))))
        }),
        { numRuns: 150 },
      )
    },
  )

  it('an accumulator goes on exactly after rows were taken back', () => {
    fc.assert(
      fc.property(placed(finite, 5), placed(finite, 5), (passing, after) => {
        const aggregate = sum(value)
        let acc: any = aggregate.create()
        for (const row of passing) acc = aggregate.add(acc, row.value, 1, row)
        for (const row of passing) acc = aggregate.add(acc, row.value, -1, row)
        for (const row of after) acc = aggregate.add(acc, row.value, 1, row)
        expect(outcome(() => aggregate.result(acc))).toBe(sumOracle(after))
      }),
    )
  })
})

describe('invariant 14: reading runs before anything is folded', () => {
  it('what the function throws goes to the caller', () => {
    const aggregate = sum<{ a?: { b: number } }>((row) => row.a!.b)
    expect(() => aggregate.read({})).toThrow(TypeError)
  })
})
