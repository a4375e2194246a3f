import { describe, expect, it } from 'vitest'
import { nextWidth } from '../../lib/runtime/key-range.js'

describe('invariant 11: how many hashes the next range of keys spans', () => {
  it('follows how much of the heap the last one took', () => {
    expect(nextWidth(1_000, 850, 1_000)).toBe(1_000)
    expect(nextWidth(1_000, 1_700, 1_000)).toBe(500)
  })

  it('grows wherever little was found: from a single hash it is at the end of all of them in a bounded number of ranges', () => {
    for (const bytesMax of [0.25, 1, 4_000, 64 * 1024 * 1024]) {
      let ranges = 0
      for (let width = 1; width < 2 ** 32 && ranges <= 32; width = nextWidth(width, 0, bytesMax)) ranges++
      expect(ranges).toBeLessThanOrEqual(32)
    }
  })
})
