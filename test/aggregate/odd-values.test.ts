import { describe, expect, it } from 'vitest'
import * as aggregates from '../../lib/aggregate/index.js'
import { RecordRejection } from '../../lib/base/index.js'
import { exactText } from '../../lib/testing/exact-text.js'
import { checkAggregate } from '../../lib/testing/index.js'
import { FOLDS, VALUES, type ValueName } from './folds.js'

const names = Object.keys(VALUES) as ValueName[]
const place = { turn: 0, timestamp: 0, split: 'a', position: '0' }
const stored = (aggregate: aggregates.Aggregate<any, any>, acc: unknown) =>
  aggregate.decode(JSON.parse(JSON.stringify(aggregate.encode(acc))))

const INVERTIBLE = [
  'count',
  'sum',
  'sumDecimal',
  'avg',
  'stddev',
  'variance',
  'covariance',
  'correlation',
  'regression',
  'median',
  'percentile',
  'mode',
  'every',
  'some',
  'bitXor',
  'where',
  'struct',
]

describe.each(Object.entries(FOLDS))('%s', (_, { of, refusedBy = of, make, takes, leavesOut = [], result, empty }) => {
  const aggregate = make((name: ValueName) => VALUES[name])

  it.each(names)('invariant 14: takes %s, leaves it out or refuses it, before anything is folded', (name) => {
    const read = (): unknown => aggregate.read(name)
    if (takes.includes(name)) return expect(read()).not.toBeUndefined()
    if (leavesOut.includes(name)) return expect(read()).toBeUndefined()
    let thrown: unknown
    try {
      read()
    } catch (error) {
      thrown = error
    }
    expect(thrown).toBeInstanceOf(RecordRejection)
    const { code, message } = thrown as RecordRejection
    // An ordered custom one reads the row itself.
    if (name === 'a promise' && of !== 'custom')
      return expect([code, message]).toEqual(['step-threw', expect.stringContaining('() must be synchronous')])
    expect(code).toBe('bad-value')
    expect(message).toMatch(rule(refusedBy))
    if (of !== 'distinctCount' && /^(NaN|-?Infinity)$/.test(name)) expect(message).toMatch(` ${name}.`)
  })

  it('invariant 13: gives one result for what it takes and leaves out, however it is cut, stored and merged', () => {
    const rows = [...takes, ...leavesOut]
    checkAggregate(aggregate, rows)
    const fold = (list: readonly ValueName[]): unknown =>
      list.reduce((acc, name, i) => {
        const input = aggregate.read(name)
        const at = { ...place, position: String(i).padStart(2, '0') }
        return input === undefined ? acc : aggregate.add(acc, input, 1, at)
      }, aggregate.create())
    const printed = (acc: unknown): unknown => {
      const got = aggregate.result(acc)
      // What is printed is what was folded: nothing turns into null on the way out, and no zero is negative.
      expect(exactText(JSON.parse(JSON.stringify(got)))).toBe(exactText(got))
      return got
    }
    expect(printed(stored(aggregate, fold(rows)))).toEqual(result)
    expect(printed(stored(aggregate, fold(leavesOut)))).toEqual(empty)
    expect(printed(aggregate.create())).toEqual(empty)
  })

  it('takes back what it folded, or says that it cannot', () => {
    expect(aggregate.invertible).toBe(INVERTIBLE.includes(of))
    if (!aggregate.invertible) return
    for (const passing of takes) {
      const minus = stored(aggregate, aggregate.add(aggregate.create(), aggregate.read(passing), -1, place))
      const plus = stored(aggregate, aggregate.add(aggregate.create(), aggregate.read(passing), 1, place))
      expect(aggregate.result(aggregate.merge(minus, plus))).toEqual(empty)
    }
  })
})

const rule = (of: string): RegExp => {
  if (of === 'custom') return /^custom:all\(\) stores JSON values; its row is .+\.$/
  if (of === 'distinctCount')
    return /^distinctCount\(\) counts keys\. .+; this one is .+\. Return null to leave a row out\.$/
  return new RegExp(`^${of}\\(\\) .+; its function returned .+\\. Return null to leave a row out\\.$`)
}

describe('the table of folds', () => {
  it('has every aggregate there is', () => {
    const made = Object.entries(aggregates).flatMap(([name, value]) =>
      typeof value === 'function' && name !== 'named' ? [name] : [],
    )
    expect([...new Set(Object.values(FOLDS).map(({ of }) => of))].sort()).toEqual(made.sort())
  })
})

describe('custom', () => {
  const giving = (value: unknown) =>
    aggregates.custom({ name: 'c', init: () => 0, add: (a) => a, merge: (a) => a, result: () => value })

  it.each<[string, unknown]>([
    ['NaN', Number.NaN],
    ['-Infinity', [1, null, Number.NEGATIVE_INFINITY]],
    ['NaN', { a: { b: Number.NaN }, c: 5n }],
    ['an invalid Date', { at: new Date(Number.NaN) }],
  ])('a result that holds %s is refused, as it would print as null', (lost, value) => {
    const message = `custom:c must return what JSON can represent; this result contains ${lost}. Return null instead.`
    expect(() => giving(value).result(0)).toThrow(expect.objectContaining({ code: 'bad-value', message }))
  })

  const circle: Record<string, unknown> = { gone: null }
  circle.self = circle
  it.each([null, undefined, 'null', 5n, { a: null }, [new Date(0)], new Uint8Array(2), circle])(
    'any other result passes as it is',
    (value) => {
      expect(giving(value).result(0)).toBe(value)
    },
  )
})
