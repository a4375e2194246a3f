import { describe, expect, it } from 'vitest'
import { SeededWorld, scriptedWorld } from './seeded-world.js'
import type { ServiceWorld } from './service-world.js'
import { simulatedStore } from './simulated-store.js'
import { SimulatedTable } from './table.js'

const key = { pk: 'p', sk: 'a' }

const three = { attemptsMax: 3, totalMs: 12_000 }

describe('the DynamoDB store', () => {
  it('ends with the last item of a range, whatever the answer says', async () => {
    const store = simulatedStore(new SimulatedTable(), scriptedWorld(1, 'ddb-last-key', 'ddb-last-key', 'ddb-last-key'))
    await store.insert(['a', 'b', 'c'].map((sk) => ({ pk: 'p', sk })))
    // The page was filled by c, which the range leaves out: c says where to go on.
    const range = { pk: 'p', from: 'a', to: 'c' }
    expect(await store.query({ ...range, limit: 3 })).toEqual({ items: ['a', 'b'].map((sk) => ({ pk: 'p', sk })) })
    expect(await store.query({ ...range, from: 'aa', limit: 1, after: 'b' })).toEqual({ items: [] })
    const { next, items } = await store.query({ ...range, descending: true, limit: 2 })
    expect([next, items]).toEqual(['b', [{ pk: 'p', sk: 'b' }]])
    // The first page held c alone, and a page without an item is none.
    expect((await store.query({ ...range, descending: true, limit: 1 })).items).toEqual([{ pk: 'p', sk: 'b' }])
  })

  it.each([
    ['an update', ['ddb-500-after', 'ddb-throttling', 'ddb-throttling'], {}],
    ['an insert', ['ddb-reset-after', 'ddb-throttling', 'ddb-throttling'], {}],
    ['an insert', ['ddb-member-500-after', 'ddb-member-throttled', 'ddb-throttling'], {}],
    ['an insert', ['ddb-timeout-after', 'ddb-throttling', 'ddb-conflict'], { partiql: false }],
    // The second attempt is refused, perhaps by the first; what stands is not to be learned.
    ['an insert', ['ddb-500-after', 'ddb-unprocessed-all', 'ddb-unprocessed-all', 'ddb-unprocessed-all'], {}],
  ] as const)(
    '%s of which an attempt got no answer is not said to have been throttled (%s)',
    async (call, faults, options) => {
      const table = new SimulatedTable()
      const make = (world: ServiceWorld) => simulatedStore(table, world, { ...options, retries: three })
      if (call === 'an update') await make(scriptedWorld(1)).insert([{ ...key, n: 0 }])
      const store = make(scriptedWorld(1, ...faults))
      const calling =
        call === 'an update'
          ? store.update({ key, set: { n: 1 }, when: [{ attribute: 'n', is: 'equal', value: 0 }] })
          : store.insert([{ ...key, n: 1 }])
      await expect(calling).rejects.toMatchObject({ name: 'RetryableError', code: 'unknown-outcome' })
      expect(table.item(key)?.n).toEqual({ N: '1' })
    },
  )

  it.each([true, false])('takes nothing for its own that is only like it (partiql: %s)', async (partiql) => {
    const table = new SimulatedTable()
    const failingOnce = () => simulatedStore(table, scriptedWorld(1, 'ddb-500-before'), { partiql })
    await simulatedStore(table, scriptedWorld(1)).insert([{ ...key, n: 1, more: 'x' }])
    expect(await failingOnce().insert([{ ...key, n: 1 }])).toEqual(['exists'])
    const update = { key, set: { n: 1 }, remove: ['more'], when: [{ attribute: 'n', is: 'equal', value: 0 }] } as const
    expect(await failingOnce().update(update)).toEqual({ applied: false, item: { ...key, n: 1, more: 'x' } })
  })

  it('waits by the pace that it is given', async () => {
    const world = new SeededWorld(1, { 'ddb-throttling': 1 })
    const store = simulatedStore(new SimulatedTable(), world.caller())
    await expect(store.get([key])).rejects.toThrow(/was throttled in 10 attempts over (\d{3,4}) ms/)
    const timeouts = new SeededWorld(1, { 'ddb-timeout-before': 1 })
    const other = simulatedStore(new SimulatedTable(), timeouts.caller())
    // The time is up before the tries are.
    await expect(other.get([key])).rejects.toThrow(/got no answer in [34] attempts over \d+ ms/)
  })
})
