import { describe, expect, it } from 'vitest'
import {
  count,
  custom,
  kinesisSource,
  ndjson,
  outOfOrder,
  pipeline,
  type SinkNode,
  sum,
  tumbling,
  type WindowResult,
} from '../../lib/index.js'
import { raw, testDriver, WayError } from '../../lib/testing/index.js'
import { chain, legacy, type Order, order, orders, revenue } from './driver-pipelines.js'

const many = (from: number, n: number): Order[] =>
  Array.from({ length: n }, (_, i) => order(from + i, 1_000 * (((i * 7) % 5) + 3 * i), 'abc'[i % 3]))

/** A fold whose result depends on the order in which batches are merged. */
const firstMerged = custom({
  name: 'firstMerged',
  init: (): number[] => [],
  add: (ids: number[], one: Order) => [...ids, one.id],
  merge: (a: number[], b: number[]) => [...a, ...b],
  result: (ids: number[]) => ids.join(),
})
const unmergeable = pipeline('unmergeable', { deadLetter: ndjson('dead') }, (p) =>
  p
    .from(orders)
    .keyBy((one) => one.key)
    .window(tumbling('10s'))
    .aggregate('ids', { ids: firstMerged, n: count() })
    .to(ndjson('ids')),
)

async function failure(work: Promise<unknown>): Promise<WayError> {
  try {
    await work
  } catch (error) {
    expect(error).toBeInstanceOf(WayError)
    return error as WayError
  }
  throw new Error('everyWay() found no difference')
}

describe('everyWay', () => {
  it('invariants 1 to 10: two sources, late rows and a chain give the same rows in every way', async () => {
    const t = testDriver(chain)
    for (const split of [0, 1])
      t.source(orders)
        .split(split)
        .send(...many(100 * split, 12), order(50, 2_000), raw('{'))
    t.source(legacy).sendWith({ key: 'k' }, ...many(500, 5), raw(null))
    const { runs, injected } = await t.everyWay()
    expect(runs).toBe(10)
    expect(Object.keys(injected).length).toBeGreaterThan(15)
  })

  it('a driver goes on afterwards, and a trailing advance of the clock makes no difference', async () => {
    const t = testDriver(revenue)
    t.source(orders).send(...many(0, 6))
    t.advanceTime('10m')
    await t.everyWay(undefined, { runs: 2 })
    const before = await t.sink('revenue').rows()
    expect(before.length).toBeGreaterThan(3)
    t.source(orders).send(order(99, 100_000))
    t.endOfInput()
    expect(await t.sink('revenue').rows()).toHaveLength(before.length + 1)
  })

  it('finds a fold that depends on the order of merges, and shows the two records that are needed', async () => {
    const t = testDriver(unmergeable)
    for (const split of [0, 1])
      t.source(orders)
        .split(split)
        .send(...many(100 * split, 6))
    const error = await failure(t.everyWay(undefined, { runs: 30 }))
    expect(error.differences).toHaveLength(1)
    const [{ sink, key, window, plain, other }] = error.differences as [(typeof error.differences)[0]]
    expect([sink, window]).toEqual(['ids', { start: expect.any(Number), end: expect.any(Number) }])
    const ids = (text: string | undefined): string => JSON.parse(text!).value.ids
    expect(ids(plain).split(',')).toHaveLength(2)
    expect(ids(other)).toBe(ids(plain).split(',').reverse().join())
    expect(error.message).toContain('with 2 of 12 records:\n  orders shardId-000000000000  {"id":')
    expect(error.message).toContain(`sink "ids", key ${key}, window 1970-01-01 00:00`)
    expect(error.way[0]).toBe('records are read in other batches, and splits in another order')
    // No fault is needed for it.
    expect(error.way.join()).not.toMatch(/crash|lost/)
  })

  it('finds a step that remembers what it has seen: the same commands give other rows', async () => {
    const seen = new Set<string>()
    const once = pipeline('once', { deadLetter: ndjson('dead') }, (p) =>
      p
        .from(orders)
        .map((one, meta) => {
          const isRepeated = seen.has(meta.position)
          seen.add(meta.position)
          return { id: one.id, isRepeated }
        })
        .to(ndjson('out')),
    )
    const t = testDriver(once)
    t.source(orders).send(...many(0, 4))
    await expect(t.everyWay()).rejects.toThrow(
      /^The pipeline gives other rows each time it runs[\s\S]*sink "out", row orders\/shardId-000000000000/,
    )
  })

  it('names the fault without which the rows are the same', async () => {
    let attempts = 0
    const counted = kinesisSource('orders', {
      timestamp: (one: Order) => one.at,
      watermark: outOfOrder('2s'),
    })
    // Only an attempt that is repeated in the same run reads a record twice.
    let read = new Map<number, number>()
    const twice = pipeline('twice', { deadLetter: ndjson('dead') }, (p) =>
      p
        .from(counted)
        .map((one) => {
          if (one.id === 0 && (read.get(0) ?? 0) > 0 && (read.get(1) ?? 0) > 0) read = new Map()
          const times = (read.get(one.id) ?? 0) + 1
          read.set(one.id, times)
          attempts++
          return { ...one, amount: times > 1 ? 0 : one.amount }
        })
        .to(ndjson('out')),
    )
    const t = testDriver(twice)
    t.source('orders').send(order(0, 1_000, 'a', 5), order(1, 2_000, 'a', 7))
    const error = await failure(t.everyWay(undefined, { runs: 100 }))
    expect(attempts).toBeGreaterThan(10)
    expect(error.way.some((line) => /^[a-z-]+: /.test(line))).toBe(true)
  })

  it('checks the expectations of the test in every way, first in the plain run', async () => {
    type Ids = WindowResult<string, { ids: string; n: number }>
    const t = testDriver<{ ids: Ids }>(unmergeable)
    for (const split of [0, 1])
      t.source(orders)
        .split(split)
        .send(...many(100 * split, 6))
    const ways: number[] = []
    await t.everyWay((rows) => {
      ways.push(rows.ids.reduce((all, { value }) => all + value.n, 0))
    })
    expect(ways).toEqual(Array.from({ length: 11 }, () => 12))
    const error = await failure(
      t.everyWay((rows) => expect(rows.ids.map(({ value }) => value.ids)).toContain('0,100'), { runs: 30 }),
    )
    expect(error.differences).toEqual([])
    // The seed finds it again at once.
    const again = t.everyWay((rows) => expect(rows.ids.map(({ value }) => value.ids)).toContain('0,100'), {
      runs: 1,
      seed: error.seed,
    })
    expect((await failure(again)).message).toBe(error.message)
    expect((error.cause as Error).name).toBe('AssertionError')
    expect(error.message).toContain('expected [')
    // A wrong expectation fails as it is, before any way is tried.
    await expect(t.everyWay(() => expect(1).toBe(2))).rejects.toThrow(/^expected 1 to be 2/)
  })

  it('refuses a test in which the clock decides', async () => {
    const t = testDriver(revenue, { splits: { orders: 2 } })
    t.source(orders).split(0).send(order(1, 1_000))
    t.advanceTime('1m')
    t.source(orders).split(0).send(order(2, 50_000))
    t.advanceTime('30s')
    t.source(orders).split(1).send(order(3, 1_000))
    await expect(t.everyWay()).rejects.toThrow(
      /^everyWay\(\) processes the records at other times, but in this test the time decides: [\s\S]*sink "late", row/,
    )
    // Time that decides nothing may pass.
    const calm = testDriver(revenue)
    calm.source(orders).send(order(1, 1_000))
    calm.advanceTime('3m')
    calm.source(orders).send(order(2, 50_000))
    await calm.everyWay(undefined, { runs: 2 })
  })

  it('compares deletes too, and bigints', async () => {
    const out: SinkNode<any> = ndjson('out')
    const big = pipeline('big', { deadLetter: ndjson('dead') }, (p) =>
      p
        .from(orders)
        .keyBy((one) => one.key)
        .window(tumbling('10s'), { allowedLateness: '5s' })
        .aggregate('big', { total: sum((one) => one.amount) })
        .filter(({ value }) => value.total < 6)
        .map(({ value }) => ({ total: BigInt(value.total) }))
        .to(out),
    )
    const t = testDriver(big)
    t.source(orders).send(order(5, 1_000), order(6, 13_000), order(7, 2_000), order(8, 40_000))
    t.endOfInput()
    expect(await t.sink('out').changes()).toMatchObject([
      { op: '+', value: { total: 5n } },
      { op: '-', value: { total: 5n } },
    ])
    await t.everyWay(undefined, { runs: 3 })
  })

  it.each<[unknown, unknown, string]>([
    [5, undefined, 'everyWay() takes a function of the final rows; it got 5.'],
    [undefined, { runs: 0 }, 'runs of everyWay() is a whole number from 1; it is 0.'],
    [undefined, { seed: -1 }, 'seed of everyWay() is a whole number from 0; it is -1.'],
    [undefined, { seeds: 3 }, 'everyWay() has no option "seeds"; it has runs, seed.'],
  ])('refuses %o %o', async (check, options, message) => {
    await expect(testDriver(revenue).everyWay(check as never, options as never)).rejects.toThrow(message)
  })
})
