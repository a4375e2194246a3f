import { describe, expect, expectTypeOf, it } from 'vitest'
import {
  count,
  fileSource,
  kafkaSource,
  kinesisSource,
  ndjson,
  outOfOrder,
  pipeline,
  type Rejected,
  sum,
  text,
  tumbling,
  type WindowResult,
} from '../../lib/index.js'
import { raw, simulate } from '../../lib/testing/index.js'
import { draws } from '../draws.js'

interface Order {
  readonly id: number
  readonly at: number
  readonly amount: number
}
const options = { timestamp: (order: Order) => order.at, watermark: outOfOrder('2s') }
const revenue = pipeline('revenue', { deadLetter: ndjson('dead') }, (p) =>
  p
    .from(kinesisSource('orders', options), kafkaSource('legacy', options))
    .keyBy((order) => order.id % 3)
    .window(tumbling('10s'), { allowedLateness: '5s', accumulation: 'retracting', late: ndjson('late') })
    .aggregate('revenue', { orders: count(), total: sum((order) => order.amount) })
    .to(ndjson('revenue')),
)
const orders = (from: number, n: number): Order[] =>
  Array.from({ length: n }, (_, i) => ({ id: from + i, at: 1_000 * (((i * 7) % 5) + 3 * i), amount: i / 4 }))
const input = { orders: [orders(0, 20), orders(100, 12)], legacy: [orders(200, 15)] }

describe('simulate', () => {
  it("invariants 1 to 10: a user's pipeline gives the same rows whatever happens to it", async () => {
    const calm = await simulate(revenue, { input, faults: [] })
    expect(calm.violations).toEqual([])
    expect(calm.injected).toEqual({})
    expect(calm.rows.revenue!.length).toBeGreaterThan(10)
    const injected = new Set<string>()
    for (let seed = 1; seed <= draws(20, 60); seed++) {
      const wild = await simulate(revenue, { input, seed })
      expect(wild.violations, `seed ${seed}`).toEqual([])
      expect(wild.rows, `seed ${seed}`).toEqual(calm.rows)
      for (const kind of Object.keys(wild.injected)) injected.add(kind)
    }
    expect(injected.size).toBeGreaterThan(20)
  })

  it('rows have the types that are said of their sinks, and no sink is missing', async () => {
    type Revenue = WindowResult<number, { orders: number; total: number }>
    const { rows } = await simulate<{ revenue: Revenue; late: Rejected }>(revenue, { input, faults: [] })
    expectTypeOf(rows.revenue.map((row) => row.value.total)).toEqualTypeOf<number[]>()
    expectTypeOf(rows.late.map((row) => row.reason)).toEqualTypeOf<string[]>()
    expectTypeOf(rows.dead).toEqualTypeOf<readonly unknown[] | undefined>()
    // @ts-expect-error a field that no row has
    expect(rows.revenue.map((row) => row.value.sum)).not.toContainEqual(expect.anything())
    expect(rows.revenue.every((row) => row.value.orders > 0)).toBe(true)
    expect(Object.keys(rows).sort()).toEqual(['dead', 'late', 'revenue'])
  })

  it('the same seed gives the same run', async () => {
    const once = await simulate(revenue, { input, seed: 5 })
    expect(await simulate(revenue, { input, seed: 5 })).toEqual(once)
    expect((await simulate(revenue, { input, seed: 6 })).hash).not.toBe(once.hash)
  })

  it('finds a pipeline whose results hang on the attempt', async () => {
    let calls = 0
    const unsteady = pipeline('unsteady', { deadLetter: ndjson('dead') }, (p) =>
      p
        .from(kinesisSource('orders', options))
        .map((order) => ({ ...order, amount: ++calls }))
        .to(ndjson('out')),
    )
    const found = []
    for (let seed = 1; seed <= 20 && found.length === 0; seed++)
      found.push(...(await simulate(unsteady, { input: { orders: input.orders }, seed })).violations)
    expect(found[0]).toMatch(/invariant 8: out gets .* twice/)
  })

  it('a source without input is an empty one: what the others hold is closed at once', async () => {
    const one = [{ id: 1, at: 1_000, amount: 2 }]
    const full = await simulate(revenue, { input: { orders: [one], legacy: [[]] }, faults: [] })
    expect(full.rows.revenue).toMatchObject([{ key: 1, value: { orders: 1, total: 2 } }])
    for (const input of [{ orders: [one] }, { orders: [one], legacy: [] }]) {
      const calm = await simulate(revenue, { input, faults: [] })
      expect(calm).toEqual(full)
      expect(calm.invocations).toBeLessThan(10)
      for (let seed = 1; seed <= draws(6, 20); seed++) {
        const wild = await simulate(revenue, { input, seed })
        expect([seed, wild.violations, wild.rows]).toEqual([seed, [], calm.rows])
        expect(wild.invocations, `seed ${seed}`).toBeLessThan(200)
      }
    }
    for (const input of [{}, { orders: [] }, { legacy: [[], []] }]) {
      const none = await simulate(revenue, { input, faults: [] })
      expect([none.violations, none.rows]).toEqual([[], { revenue: [], late: [], dead: [] }])
      expect(none.invocations).toBeLessThan(10)
    }
  })

  it('feeds payloads as they are: what is no JSON, bytes, and none at all', async () => {
    const sources = [
      kinesisSource('orders', options),
      kafkaSource('legacy', options),
      fileSource('files', options),
    ] as const
    const given = [
      raw('{"id":'),
      raw(Uint8Array.of(0xff, 0xfe)),
      Buffer.from('{"id":4,"at":1000,"amount":1}'),
      { id: 5, at: 1_000, amount: 1 },
    ]
    for (const source of sources) {
      const each = pipeline('each', { deadLetter: ndjson('dead') }, (p) => p.from(source).to(ndjson('out')))
      const { rows, violations } = await simulate(each, { input: { [source.name]: [given] }, faults: [] })
      expect(violations).toEqual([])
      expect(rows.out).toMatchObject([{ id: 4 }, { id: 5 }])
      expect(rows.dead).toMatchObject([
        { reason: 'bad-json', payload: '{"id":' },
        { reason: 'bad-utf8', payload: '//4=' },
      ])
    }
    const none = pipeline('none', { deadLetter: ndjson('dead') }, (p) => p.from(sources[1]).to(ndjson('out')))
    const { rows } = await simulate(none, {
      input: { legacy: [[raw(null), { id: 5, at: 1_000, amount: 1 }]] },
      faults: [],
    })
    expect(rows).toMatchObject({ out: [{ id: 5 }], dead: [] })
  })

  it('rows that JSON cannot write are as sinks write them: a bigint is text', async () => {
    const source = kinesisSource('orders', options)
    const big = pipeline('big', { deadLetter: ndjson('dead') }, (p) =>
      p
        .from(source)
        .map((order) => ({ id: BigInt(order.id) }))
        .to(ndjson('out')),
    )
    const { rows, violations } = await simulate(big, { input: { orders: [orders(0, 2)] }, faults: [] })
    expect(violations).toEqual([])
    expect(rows.out).toEqual([{ id: '0' }, { id: '1' }])
  })

  it('text of another form than JSON goes to its decoder', async () => {
    const lines = kinesisSource('lines', {
      decode: text(),
      timestamp: (line: string) => Number(line.slice(0, 4)),
      watermark: outOfOrder('2s'),
    })
    const upper = pipeline('upper', { deadLetter: ndjson('dead') }, (p) =>
      p
        .from(lines)
        .map((line) => line.toUpperCase())
        .to(ndjson('out')),
    )
    const { rows } = await simulate(upper, { input: { lines: [[raw('1000 a'), raw('2000 "b')]] }, faults: [] })
    expect(rows.out).toEqual(['1000 A', '2000 "B'])
  })

  it.each<[unknown, string]>([
    [{ order: [] }, 'input names the source "order"; the sources of pipeline "revenue" are orders, legacy.'],
    [undefined, 'simulate() accepts input by source, such as { orders: [[value]] }; it got undefined.'],
    [
      { orders: [{ id: 1 }] },
      'input.orders must be a list of splits, each a list of values: [[first, second]] is one split with two values. It is a list that holds an object.',
    ],
    [
      { orders: 'all' },
      'input.orders must be a list of splits, each a list of values: [[first, second]] is one split with two values. It is "all".',
    ],
    [
      { orders: [[{ id: 1 }, undefined]] },
      'input.orders[0][1] cannot be written as JSON; it is undefined. Give a value that JSON can represent, or the payload with raw().',
    ],
    [
      { legacy: [[], [5n]] },
      'input.legacy[1][0] cannot be written as JSON (Do not know how to serialize a BigInt); it is 5n. Give a value that JSON can represent, or the payload with raw().',
    ],
    [
      { orders: [[raw(null)]] },
      "input.orders[0][0] has no payload, which is only allowed for a Kafka record. Give raw('').",
    ],
  ])('refuses input %o', async (given, message) => {
    await expect(simulate(revenue, { input: given as typeof input })).rejects.toThrow(message)
  })

  it('refuses a payload that is no text, no bytes and not null', () => {
    expect(() => raw(7 as never)).toThrow('raw() accepts text, a Uint8Array or null; it got 7.')
  })
})
