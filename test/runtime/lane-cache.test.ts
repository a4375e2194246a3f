import { describe, expect, it } from 'vitest'
import { plan } from '../../lib/pipeline/index.js'
import { LaneCache } from '../../lib/runtime/lane-cache.js'
import { counting } from './pipelines.js'

describe('invariant 7: what a container keeps of a lane', () => {
  const made = (): LaneCache => new LaneCache(plan(counting()).operators[0]!)

  it('is one stretch, which grows at both ends of what was read', () => {
    const cache = made()
    expect(cache.isEmpty).toBe(true)
    cache.extend(10, 30)
    cache.extend(10, 20)
    expect([cache.from, cache.to, cache.isEmpty]).toEqual([10, 30, false])
    cache.trim(20)
    expect([cache.from, cache.to]).toEqual([20, 30])
  })

  it('is nothing where the only bucket is open still, and an older stretch begins anew after that', () => {
    const cache = made()
    // One key group is up to date: nothing of the bucket that it read last is closed.
    cache.extend(40, 30)
    expect(cache.isEmpty).toBe(true)
    // Another is behind, and has read only one of the buckets that it needs.
    cache.extend(10, 10)
    expect([cache.from, cache.to]).toEqual([10, 10])
  })
})
