import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Aggregate, collect, custom, distinctCount } from '../../lib/aggregate/index.js'
import { ConfigError, encodeKey, type Key } from '../../lib/base/index.js'
import { cuts, fold, foldCut, matchesOracle, type Placed, placed, stored } from './folding.js'

const value = <V>(row: Placed<V>): V => row.value
const keys = fc.constantFrom<Key | undefined>('a', 'b', '', 1, '1', 1n, true, 0, -0, ['a'], ['a', 1], null, undefined)

describe('distinctCount', () => {
  const distinct = (rows: readonly Placed<Key | undefined>[]) =>
    new Set(rows.flatMap((row) => (row.value === null || row.value === undefined ? [] : encodeKey(row.value)))).size

  it('invariant 13: any cut and any merge tree give the number of different keys', () => {
    matchesOracle(distinctCount<Placed<Key | undefined>>(value), keys, distinct)
  })

  it('invariant 13: or null once there are more than max, however they came', () => {
    matchesOracle(distinctCount<Placed<Key | undefined>>(value, { max: 3 }), keys, (rows) => {
      const number = distinct(rows)
      return number > 3 ? null : number
    })
  })
})

describe('custom', () => {
  interface Range {
    low: number | null
    high: number | null
  }
  const wider = (a: Range, b: Range): Range => ({
    low: a.low === null ? b.low : b.low === null ? a.low : Math.min(a.low, b.low),
    high: a.high === null ? b.high : b.high === null ? a.high : Math.max(a.high, b.high),
  })
  const range = custom({
    name: 'range',
    init: (): Range => ({ low: null, high: null }),
    add: (acc, row: Placed<number>) => wider(acc, { low: row.value, high: row.value }),
    merge: wider,
    result: ({ low, high }) => (low === null ? null : high! - low),
  })

  it('invariant 13: any cut and any merge tree give one result', () => {
    matchesOracle(range, fc.integer({ min: -99, max: 99 }), (rows) => {
      const values = rows.map(value)
      return values.length === 0 ? null : Math.max(...values) - Math.min(...values)
    })
  })

  it('is fragile, because its add is code of the user', () => {
    expect(range).toMatchObject({ kind: 'custom:range', options: {}, fragile: true, ordered: false, invertible: false })
    expect(Object.isFrozen(range)).toBe(true)
  })
})

describe('custom, ordered', () => {
  /** Neither associative nor commutative: it only makes sense in order. */
  const path = custom({
    name: 'path',
    init: () => '',
    add: (acc, row: Placed<string>) => (acc.length > 5 ? `(${acc.length})${row.value}` : acc + row.value),
    result: (acc) => acc,
    ordered: true,
  })
  const eventOrder = (a: Placed<unknown>, b: Placed<unknown>): number => {
    const [x, y] = [a, b].map((p) => [p.turn + 500, p.timestamp + 500, p.split, p.position].join('|'))
    return x! < y! ? -1 : 1
  }
  const inOrder = (rows: readonly Placed<string>[]): string =>
    [...rows]
      .sort(eventOrder)
      .reduce((acc, row) => (acc.length > 5 ? `(${acc.length})${row.value}` : acc + row.value), '')

  it('invariant 13: rows are added in the order (turn, timestamp, split, position), however they came', () => {
    matchesOracle(path, fc.constantFrom('a', 'b', 'c'), inOrder)
  })

  it('adds a row when its window closes, so reading and folding run none of the user’s code', () => {
    const fails = custom({
      name: 'fails',
      init: () => 0,
      add: () => {
        throw new Error('no')
      },
      result: (acc) => acc,
      ordered: true,
    })
    expect(fails).toMatchObject({ kind: 'custom:fails', options: { ordered: true }, fragile: false, ordered: true })
    fc.assert(
      fc.property(placed(fc.integer()), cuts, (rows, cut) => {
        if (rows.length > 0) expect(() => foldCut(fails, rows, cut)).toThrow('no')
      }),
      { numRuns: 10 },
    )
  })

  it('invariant 13: sees rows as JSON keeps them, stored or not; invariant 14: refuses those it cannot keep', () => {
    const seen = custom<any, string, string>({
      name: 'seen',
      init: () => '',
      add: (acc, row) => `${acc}${typeof row.value.at}`,
      result: (acc) => acc,
      ordered: true,
    })
    const row = { value: { at: new Date(0) }, turn: 0, timestamp: 0, split: 'a', position: '0' }
    const acc = fold(seen, [row])
    expect([seen.result(acc), seen.result(stored(seen as Aggregate<any, any>, acc))]).toEqual(['string', 'string'])
    const circle: Record<string, unknown> = {}
    circle.self = circle
    const message = 'custom:seen() stores JSON values; its row is an object that JSON cannot represent.'
    expect(() => seen.read({ value: circle })).toThrow(expect.objectContaining({ code: 'bad-value', message }))
  })
})

const whole = { name: 'x', init: () => 0, add: (a: number) => a, merge: (a: number) => a, result: (a: number) => a }

describe('refusals', () => {
  it.each<[string, () => unknown, string]>([
    [
      'no name',
      () => custom({ ...whole, name: '' }),
      'A custom aggregate needs a name: it is part of the fingerprint.',
    ],
    [
      'nothing at all',
      () => custom(undefined as never),
      'A custom aggregate needs a name: it is part of the fingerprint.',
    ],
    [
      'no merge',
      () => custom({ ...whole, merge: undefined }),
      'The custom aggregate "x" needs merge, or ordered: true to be folded in order when its window closes.',
    ],
    [
      'no init',
      () => custom({ ...whole, init: undefined as never }),
      'init of the custom aggregate "x" must be a function; it is undefined.',
    ],
    [
      'an accumulator for init',
      () => custom({ ...whole, init: 0 as never }),
      'init of the custom aggregate "x" must be a function; it is number.',
    ],
    [
      'no add',
      () => custom({ ...whole, add: undefined as never }),
      'add of the custom aggregate "x" must be a function; it is undefined.',
    ],
    [
      'no result',
      () => custom({ ...whole, result: undefined as never }),
      'result of the custom aggregate "x" must be a function; it is undefined.',
    ],
    [
      'max of 0',
      () => collect(() => 1, { max: 0 }),
      'The max of collect() must be a whole number from 1 to 1000000; it is 0.',
    ],
    [
      'max of 1.5',
      () => collect(() => 1, { max: 1.5 }),
      'The max of collect() must be a whole number from 1 to 1000000; it is 1.5.',
    ],
    [
      'max past the limit',
      () => distinctCount(() => 'a', { max: 1_000_001 }),
      'The max of distinctCount() must be a whole number from 1 to 1000000; it is 1000001.',
    ],
  ])('%s', (_, make, message) => {
    expect(make).toThrow(ConfigError)
    expect(make).toThrow(expect.objectContaining({ code: 'bad-aggregate', message }))
  })
})
