import type { Rejected, WindowResult } from 'millrace'
import { raw, simulate } from 'millrace/testing'
import { expect, it } from 'vitest'
import pipeline, { type Order } from '../pipeline.js'

type Revenue = WindowResult<string, { total: number; orders: number }>

const order = (orderedAt: string, amount: number, status: Order['status'] = 'paid'): Order => ({
  orderedAt,
  customerId: 'c1',
  status,
  amount,
})
const input = {
  // Two shards.
  orders: [
    [order('2026-01-01T00:00:01Z', 10), order('2026-01-01T00:00:02Z', 5, 'open'), order('2026-01-01T00:06:00Z', 1)],
    [order('2026-01-01T00:00:03Z', 20)],
  ],
}

it('sums paid orders', async () => {
  const { rows } = await simulate<{ revenue: Revenue }>(pipeline, { input, faults: [] })
  expect(rows.revenue.map((row) => [row.key, row.value])).toEqual([
    ['c1', { total: 30, orders: 2 }],
    ['c1', { total: 1, orders: 1 }],
  ])
})

// Fifty runs may take longer than vitest's five seconds on a busy machine.
it('gives the same rows under injected faults', { timeout: 120_000 }, async () => {
  const calm = await simulate(pipeline, { input, faults: [] })
  for (let seed = 1; seed <= 50; seed++) expect((await simulate(pipeline, { input, seed })).rows).toEqual(calm.rows)
})

it('sends invalid orders to the dead letter', async () => {
  const { rows } = await simulate<{ 'dead-letter': Rejected }>(pipeline, {
    input: { orders: [[raw('{"orderedAt":'), order('yesterday', 1)]] },
    faults: [],
  })
  expect(rows['dead-letter'].map(({ reason }) => reason)).toEqual(['bad-json', 'bad-timestamp'])
})
