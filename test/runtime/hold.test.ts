import { describe, expect, it } from 'vitest'
import { container } from '../../lib/handlers/bindings.js'
import { hold } from '../../lib/runtime/load.js'
import { fileEvent, Harness } from './harness.js'
import { at, counting } from './pipelines.js'

describe('invariants 7, 11: what a lane holds', () => {
  it('a cache with an open bucket alone is empty: it says nothing of the buckets before', async () => {
    const world = new Harness(counting(), { limits: { advanceBytes: 3_000 } })
    const { ingest } = world.container()
    // One split holds the watermark back.
    await ingest(fileEvent('readings', 'q', 0, [at(-100_000)]))
    for (let i = 0; i < 3; i++) {
      const values = Array.from({ length: 10 }, (_, key) => at(1_000 * i + 1, `k${key}`))
      await ingest(fileEvent('readings', 'p', 10 * i, values))
    }
    const { host } = await container(world.pipeline, world.bindings())()
    const operator = host.plan.stages[0]!.operators[0]!
    const [b0, b1, b2] = [1, 1_001, 2_001].map((s) => operator.slices.bucketEnd(1_000 * s)) as [number, number, number]
    const cache = host.lane(operator, 0)
    const frozen = b2 - operator.slices.bucketMs + operator.slices.widthMs
    await hold(host, operator, 0, cache, { lo: b2, hi: b2, frozen, needed: b2 })
    expect([cache.isEmpty, cache.open?.end]).toEqual([true, b2])
    // A key group that is far behind uses the lane: the heap is full before all of it is read.
    const reached = await hold(host, operator, 0, cache, { lo: b0, hi: b2, frozen, needed: b0 })
    expect(reached).toBe(b1 - operator.slices.bucketMs)
    expect(cache.to).toBe(reached)
  })
})
