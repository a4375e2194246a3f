import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { OpenWindow } from '../../lib/keyed/windows/open-window.js'
import { WindowList } from '../../lib/keyed/windows/window-list.js'

/** Intervals whose starts and ends both ascend, of which no two touch if `apart`. */
const intervals = (apart: boolean) =>
  fc.array(fc.tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 })), { maxLength: 12 }).map((steps) => {
    let at = 0
    return steps.map(([gap, length]) => {
      const start = at + (apart ? gap + 1 : 1)
      at = apart ? start + length : start
      return { start, end: apart ? at : start + 20 }
    })
  })

const opened = ({ start, end }: { start: number; end: number }): OpenWindow => new OpenWindow(start, end, [], 1)

describe('the windows of a key', () => {
  it('finds, adds and removes what a plain list does', () => {
    fc.assert(
      fc.property(fc.boolean(), fc.boolean().chain(intervals), fc.nat(90), fc.nat(9), (_, all, start, length) => {
        const windows = all.map(opened)
        const list = new WindowList([])
        for (const window of [...windows].sort((a, b) => (a.start % 7) - (b.start % 7))) list.add(window)
        expect(list.items).toEqual(windows)
        const end = start + length
        const touching = windows.filter((window) => window.start <= end && start <= window.end)
        expect(list.touching(start, end)).toEqual(touching)
        for (const window of windows) expect(list.sameAs(window.start, window.end)).toEqual([window])
        expect(list.sameAs(start, end)).toEqual(windows.filter((one) => one.start === start && one.end === end))
        for (const window of windows.slice(0, length)) window.isOver = true
        expect(list.open).toBe(windows[length])
        if (touching.length > 0) list.remove(touching)
        expect(list.items).toEqual(windows.filter((window) => !touching.includes(window)))
      }),
      { seed: 1 },
    )
  })

  it('invariant 11: looks at few of many windows', () => {
    let looks = 0
    const counted = (at: number): OpenWindow =>
      Object.defineProperty(opened({ start: 3 * at, end: 0 }), 'end', {
        get: () => {
          looks++
          return 3 * at + 1
        },
      })
    const list = new WindowList(Array.from({ length: 100_000 }, (_, at) => counted(at)))
    expect(list.touching(150_000, 150_001)).toHaveLength(1)
    list.add(opened({ start: 150_002, end: 150_002 }))
    list.remove(list.touching(3_000, 3_001))
    expect(list.items).toHaveLength(100_000)
    expect(looks).toBeLessThan(200)
  })
})
