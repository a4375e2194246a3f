import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { avg, collect, first, last, max, maxBy, min, minBy } from '../../lib/aggregate/index.js'
import { fold, matchesOracle, type Placed, stored } from './folding.js'
import { finite } from './rational.js'

type Comparable = number | string | null | undefined
type Row = Placed<Comparable>
const value = (row: Row) => row.value
const words = fc.constantFrom('', 'a', 'b', 'B', 'é', '\ud800', '10', '9')
const comparables: fc.Arbitrary<Comparable> = fc.oneof(
  finite,
  words,
  fc.integer({ min: -2, max: 2 }),
  fc.constant(null),
)

/** (timestamp, split, position), as one text that sorts so; turns have no part in it. */
const origin = ({ timestamp, split, position }: Placed<unknown>): string => `${timestamp + 500}|${split}|${position}`
const byOrigin = (a: Placed<unknown>, b: Placed<unknown>): number => (origin(a) < origin(b) ? -1 : 1)
/** What JSON keeps of a value. */
const kept = (x: unknown): any => (x === undefined ? null : JSON.parse(JSON.stringify(x)))

/** Numbers before strings. */
const rank = (x: number | string): [number, number | string] => (typeof x === 'string' ? [2, x] : [1, x + 0])
function compare(x: number | string, y: number | string, way: 1 | -1): number {
  const [a, b] = [rank(x), rank(y)]
  const order = a[0] - b[0] || (a[1] < b[1] ? -1 : a[1] > b[1] ? 1 : 0)
  return order * way
}
const present = (rows: readonly Row[]) =>
  rows.filter((row): row is Placed<number | string> => row.value !== null && row.value !== undefined)

function extremeOracle(way: 1 | -1) {
  return (rows: readonly Row[]): any => {
    const sorted = present(rows).sort((a, b) => compare(a.value, b.value, way) || byOrigin(a, b))
    const found = sorted[0]?.value
    return found === undefined ? null : typeof found === 'number' ? found + 0 : found
  }
}
function byOracle(way: 1 | -1) {
  return (rows: readonly Row[]): any => {
    const sorted = present(rows).sort((a, b) => compare(a.value, b.value, way) || byOrigin(a, b))
    return sorted[0]?.position ?? null
  }
}

describe('invariant 13: any cut and any merge tree give the oracle to the last bit', () => {
  it('min', () => matchesOracle(min(value), comparables, extremeOracle(1), 300))
  it('max', () => matchesOracle(max(value), comparables, extremeOracle(-1), 300))
  it('minBy', () =>
    matchesOracle(
      minBy(value, (row) => row.position),
      comparables,
      byOracle(1),
      300,
    ))
  it('maxBy', () =>
    matchesOracle(
      maxBy(value, (row) => row.position),
      comparables,
      byOracle(-1),
      300,
    ))
  it('first', () => {
    matchesOracle(first(value), comparables, (rows) => kept(present(rows).sort(byOrigin)[0]?.value))
  })
  it('last', () => {
    matchesOracle(last(value), comparables, (rows) => kept(present(rows).sort(byOrigin).at(-1)?.value))
  })
  it('collect', () => {
    const oracle = (rows: readonly Row[]) => present(rows).sort(byOrigin).slice(0, 4).map(value).map(kept)
    matchesOracle(collect(value, { max: 4 }), comparables, oracle)
  })
})

const at = (place: Partial<Placed<any>>): Placed<any> => ({
  value: null,
  turn: 0,
  timestamp: 0,
  split: 'a',
  position: '0',
  ...place,
})
const result = (aggregate: any, rows: Placed<any>[]): unknown =>
  aggregate.result(stored(aggregate, fold(aggregate, rows)))

describe('ties', () => {
  it('turns break none: a late row is as early as its timestamp', () => {
    const rows = [
      at({ value: 'on time', timestamp: 5, turn: 5 }),
      at({ value: 'late', timestamp: 3, turn: 9, position: '1' }),
    ]
    expect(result(first(value), rows)).toBe('late')
    expect(result(last(value), rows)).toBe('on time')
    expect(result(collect(value), rows)).toEqual(['late', 'on time'])
  })

  it('rows that a step made of one record keep their order: the first is first and the last is last', () => {
    const rows = ['x', 'y', 'z'].map((v) => at({ value: v }))
    expect(result(first(value), rows)).toBe('x')
    expect(result(last(value), rows)).toBe('z')
    expect(result(collect(value), rows)).toEqual(['x', 'y', 'z'])
    expect(
      result(
        minBy(() => 0, value),
        rows,
      ),
    ).toBe('x')
    expect(
      result(
        maxBy(() => 0, value),
        rows,
      ),
    ).toBe('x')
  })
})

describe('values', () => {
  it('nothing gives null, and an empty list', () => {
    for (const aggregate of [
      min(value),
      max(value),
      first(value),
      last(value),
      minBy(value, value),
      maxBy(value, value),
    ]) {
      expect(result(aggregate, [])).toBeNull()
    }
    expect(result(collect(value), [])).toEqual([])
  })

  it('a null takes no place of a bounded list', () => {
    const rows = [null, 'a', undefined, 'b', 'c'].map((v, i) => at({ value: v, position: String(i) }))
    expect(result(collect(value, { max: 2 }), rows)).toEqual(['a', 'b'])
  })

  it('invariant 13: kept values are what JSON keeps, before they are stored as after', () => {
    for (const make of [first, last, (of: any) => minBy(() => 1, of), (of: any) => collect(of)] as const) {
      for (const given of [-0, undefined, [undefined, null], { at: new Date(0), gone: undefined, zero: -0 }]) {
        const aggregate: any = make(() => given)
        const acc = fold(aggregate, [at({})])
        expect(aggregate.result(acc)).toStrictEqual(aggregate.result(stored(aggregate, acc)))
      }
    }
  })

  it('a kept object is a copy: what becomes of the row does not matter', () => {
    const row = { tags: ['a'] }
    const aggregate: any = first(() => row)
    const acc = fold(aggregate, [at({})])
    row.tags.push('b')
    expect(aggregate.result(acc)).toEqual({ tags: ['a'] })
  })
})

it('first, last, minBy, maxBy and collect keep a bigint as its digits, as rows are written', () => {
  const of = () => ({ id: 9007199254740993n })
  const kept = { id: '9007199254740993' }
  for (const aggregate of [first(of), last(of), minBy(() => 1, of), maxBy(() => 1, of)] as any[])
    expect(aggregate.result(fold(aggregate, [at({})]))).toEqual(kept)
  expect((collect(() => -9007199254740993n as any) as any).read(at({}))).toEqual({ value: '-9007199254740993' })
})

describe('inverse', () => {
  it('only folds that can take rows back say so', () => {
    expect([min(value), first(value), minBy(value, value), collect(value)].some((a) => a.invertible)).toBe(false)
    expect(avg(() => 1).invertible).toBe(true)
  })
})
