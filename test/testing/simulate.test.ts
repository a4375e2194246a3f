import { describe, expect, it } from 'vitest'
import { count, kafkaSource, kinesisSource, ndjson, outOfOrder, pipeline, sum, tumbling } from '../../lib/index.js'
import { simulate } from '../../lib/testing/index.js'

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
  it("laws 1 to 10: a user's pipeline gives the same rows whatever happens to it", async () => {
    const calm = await simulate(revenue, { input, faults: [] })
    expect(calm.violations).toEqual([])
    expect(calm.injected).toEqual({})
    expect(calm.rows.revenue!.length).toBeGreaterThan(10)
    const injected = new Set<string>()
    for (let seed = 1; seed <= 60; seed++) {
      const wild = await simulate(revenue, { input, seed })
      expect(wild.violations, `seed ${seed}`).toEqual([])
      expect(wild.rows, `seed ${seed}`).toEqual(calm.rows)
      for (const kind of Object.keys(wild.injected)) injected.add(kind)
    }
    expect(injected.size).toBeGreaterThan(20)
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
    expect(found[0]).toMatch(/law 8: out gets .* twice/)
  })

  it('refuses input of a source that is not there', async () => {
    await expect(simulate(revenue, { input: { order: [] } })).rejects.toThrow(
      'input names the source "order"; pipeline "revenue" has orders, legacy.',
    )
  })
})
