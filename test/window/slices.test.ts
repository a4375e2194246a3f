import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { duration } from '../../lib/base/index.js'
import { Slices, tumbling } from '../../lib/window/index.js'
import { allWindows, boundAfter, type Geometry, geometries, instants, slicesOf } from './naive.js'

const check = (test: (geometry: Geometry, slices: Slices, instant: number) => void, numRuns = 400) =>
  fc.assert(
    fc.property(geometries, instants, (geometry, instant) => test(geometry, slicesOf(geometry), instant)),
    { numRuns },
  )

describe('buckets', () => {
  it.each([
    [30_000, '1m', 1],
    [3_600_000, '1m', 30],
    [86_400_000, '1m', 720],
    [86_400_000, '1h', 12],
    [3_600_000, '10s', 180],
  ])(
    'rows up to %d ms ahead, in windows of %s: %d slices a bucket, so that few buckets are open',
    (openMs, size, inBucket) => {
      const slices = new Slices(tumbling(duration(size)), 0, 0, openMs)
      expect(slices.slicesPerBucket).toBe(inBucket)
      expect(openMs / slices.bucketMs).toBeLessThanOrEqual(2)
    },
  )
})

describe('windows', () => {
  it('windowsOf gives the windows that hold an instant, by ascending end', () => {
    check((geometry, slices, instant) => {
      const holding = allWindows(geometry).filter(({ start, end }) => start <= instant && instant < end)
      expect(slices.windowsOf(instant)).toEqual(holding.sort((a, b) => a.end - b.end))
      expect(slices.windowCount(instant)).toBe(holding.length)
    })
  })

  it('windowEnding gives the window that ends exactly there', () => {
    check((geometry, slices, instant) => {
      expect(slices.windowEnding(instant)).toEqual(allWindows(geometry).find(({ end }) => end === instant))
    })
  })

  it('windowEnding finds every window again by its end', () => {
    check((_, slices, instant) => {
      for (const window of slices.windowsOf(instant)) expect(slices.windowEnding(window.end)).toEqual(window)
    }, 200)
  })

  it('no window is longer than the span, and one is as long', () => {
    check((geometry, slices) => {
      const lengths = allWindows(geometry).map(({ start, end }) => end - start)
      expect(Math.max(...lengths)).toBe(slices.spanMs)
    }, 50)
  })
})

describe('slices', () => {
  it('every window is a union of slices', () => {
    check((geometry, slices) => {
      for (const { start, end } of allWindows(geometry)) {
        expect(slices.sliceEnd(start - 1)).toBe(start)
        expect(slices.sliceEnd(end - 1)).toBe(end)
      }
    }, 50)
  })

  it('sliceEnd is the first bound after an instant: an instant belongs to the slice that starts there', () => {
    check(({ offsetMs }, slices, instant) => {
      expect(slices.sliceEnd(instant)).toBe(boundAfter(slices.widthMs, offsetMs, instant))
    })
  })

  it('frontier is the highest bound at or below a watermark', () => {
    check(({ offsetMs }, slices, instant) => {
      expect(slices.frontier(instant)).toBe(boundAfter(slices.widthMs, offsetMs, instant) - slices.widthMs)
    })
  })

  it('a bucket holds whole slices: the one that ends with it and those before', () => {
    check(({ offsetMs }, slices, instant) => {
      const slice = slices.sliceEnd(instant)
      const bucketMs = slices.widthMs * slices.slicesPerBucket
      expect(slices.bucketMs).toBe(bucketMs)
      // The bucket that starts before the slice's end and does not end before it.
      expect(slices.bucketEnd(slice)).toBe(boundAfter(bucketMs, offsetMs, slice - 1))
    })
  })

  it.each([
    ['59s', 8],
    ['1m', 1],
    ['1h', 1],
  ])('slices of %s lie %d in a bucket', (size, inBucket) => {
    expect(new Slices(tumbling(duration(size)), 0, 0).slicesPerBucket).toBe(inBucket)
  })
})

describe('what a watermark leaves of the windows over an instant', () => {
  it('invariants 1, 10: expired, late and open ones by number, as each of them says', () => {
    check((_, slices, instant) => {
      for (const own of [instant - 700, instant, instant + 100, instant + 350, instant + 1_200, instant + 9_000]) {
        const windows = slices.windowsOf(instant)
        const standing = slices.standing(instant, own)
        const expired = windows.filter(({ end }) => !slices.counts(end, own))
        expect(standing.count).toBe(windows.length)
        expect(standing.expired).toBe(expired.length)
        expect(standing.late).toBe(windows.filter(({ end }) => slices.counts(end, own) && end <= own).length)
        for (const [n, window] of windows.entries()) expect(slices.windowAt(standing, n)).toEqual(window)
      }
    }, 200)
  })

  it('invariant 9: what lies before neededFrom is in no window that may still have a pane', () => {
    check((geometry, slices, instant) => {
      const closed = slices.frontier(instant)
      const open = (latenessMs: number) => allWindows(geometry).filter(({ end }) => end + latenessMs > closed)
      const earliest = (latenessMs: number): number => Math.min(closed, ...open(latenessMs).map(({ start }) => start))
      expect(slices.neededFrom(closed)).toBe(earliest(geometry.allowedLatenessMs))
      expect(slices.neededFrom(closed, 0)).toBe(earliest(0))
    })
  })
})

describe('lateness', () => {
  it('invariant 1: a record counts in a window until its watermark reaches end + allowed lateness', () => {
    const slices = new Slices(tumbling('10s'), 0, 2_000)
    expect([9_999, 10_000, 11_999, 12_000].map((own) => slices.counts(10_000, own))).toEqual([true, true, true, false])
  })

  it('lastPaneSlice is the last slice that a row still counting can travel in', () => {
    check((_, slices, instant) => {
      for (const { end } of slices.windowsOf(instant)) {
        let last = end
        // A row is carried by the slice of its turn, which is its watermark where that lies past the window.
        for (let own = end; slices.counts(end, own); own++) last = Math.max(last, slices.sliceEnd(own))
        expect(slices.lastPaneSlice(end)).toBe(last)
      }
    }, 30)
  })
})
