import { describe, expect, it } from 'vitest'
import { cumulate, hopping, Slices, tumbling, type WindowSpec } from '../../lib/window/index.js'

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000
const day = Date.UTC(2024, 0, 2)
const clock = (ms: number): string => new Date(ms).toISOString().slice(11, 16)
const windows = (spec: WindowSpec, offsetMs: number, at: number): string[] =>
  new Slices(spec, offsetMs, 0).windowsOf(at).map(({ start, end }) => `[${clock(start)}, ${clock(end)})`)

describe('offsets, as Flink has them', () => {
  it.each([
    [0, '[00:00, 00:10)'],
    [-4, '[23:56, 00:06)'],
    [4, '[23:54, 00:04)'],
    [16, '[23:56, 00:06)'],
    [6, '[23:56, 00:06)'],
    [-16, '[23:54, 00:04)'],
    [-6, '[23:54, 00:04)'],
  ])('ten minutes with an offset of %d minutes hold 00:00:04 in %s', (minutes, window) => {
    expect(windows(tumbling('10m'), minutes * MINUTE_MS, day + 4_000)).toEqual([window])
  })

  it('are the same before 1970', () => {
    expect(windows(tumbling('10m'), -4 * MINUTE_MS, -DAY_MS + 4_000)).toEqual(['[23:56, 00:06)'])
  })
})

/** The bids of Flink's manual: minutes past 08:00 and prices. */
const bids = [
  [5, 4],
  [7, 2],
  [9, 5],
  [11, 3],
  [13, 1],
  [17, 6],
] as const

function sums(spec: WindowSpec): Record<string, number> {
  const totals: Record<string, number> = {}
  for (const [minute, price] of bids) {
    for (const window of windows(spec, 0, day + (480 + minute) * MINUTE_MS))
      totals[window] = (totals[window] ?? 0) + price
  }
  return totals
}

describe('bids, as Flink has them', () => {
  it('tumble', () => {
    expect(sums(tumbling('10m'))).toEqual({ '[08:00, 08:10)': 11, '[08:10, 08:20)': 10 })
  })

  it('hop', () => {
    expect(sums(hopping('10m', '5m'))).toEqual({
      '[08:00, 08:10)': 11,
      '[08:05, 08:15)': 15,
      '[08:10, 08:20)': 10,
      '[08:15, 08:25)': 6,
    })
  })

  it('cumulate', () => {
    expect(sums(cumulate('10m', '2m'))).toEqual({
      '[08:00, 08:06)': 4,
      '[08:00, 08:08)': 6,
      '[08:00, 08:10)': 11,
      '[08:10, 08:12)': 3,
      '[08:10, 08:14)': 4,
      '[08:10, 08:16)': 4,
      '[08:10, 08:18)': 10,
      '[08:10, 08:20)': 10,
    })
  })
})
