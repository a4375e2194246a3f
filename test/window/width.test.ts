import { describe, expect, it } from 'vitest'
import { ConfigError, duration, formatDuration, milliseconds } from '../../lib/base/index.js'
import {
  cumulate,
  describeWindow,
  gridMs,
  hopping,
  Slices,
  sliceMs,
  tumbling,
  type WindowSpec,
} from '../../lib/window/index.js'

/** Design, section 1, "slice": the grid, or a round divisor of it not above the allowed lateness or an hour. */
describe('the width of a slice', () => {
  it.each([
    // The grid itself, where neither an hour nor the lateness is shorter.
    ['100ms', '0s', '100ms'],
    ['700ms', '0s', '700ms'],
    ['5m', '0s', '5m'],
    ['1h', '0s', '1h'],
    ['5m', '5m', '5m'],
    ['5m', '1d', '5m'],
    // No wider than an hour.
    ['1d', '0s', '1h'],
    ['1d', '2h', '1h'],
    ['90m', '0s', '30m'],
    ['100m', '0s', '20m'],
    ['7d', '0s', '1h'],
    // No wider than the lateness.
    ['1h', '1m', '1m'],
    ['5m', '1m', '1m'],
    ['5m', '90s', '1m'],
    ['5m', '59s', '30s'],
    ['1h', '7s', '5s'],
    ['7m', '1m', '1m'],
    ['77s', '30s', '1s'],
    ['1d', '1s', '1s'],
    ['1s', '300ms', '250ms'],
    ['10s', '100ms', '100ms'],
    // A lateness under the narrowest slice counts as that.
    ['1d', '50ms', '100ms'],
    ['1s', '1ms', '100ms'],
    // No round duration divides the grid: its largest divisor.
    ['1150ms', '500ms', '230ms'],
    ['1001ms', '500ms', '143ms'],
    ['3h1ms', '0s', '13s723ms'],
    // Nothing divides it: the grid.
    ['1s9ms', '500ms', '1s9ms'],
  ])('a grid of %s with a lateness of %s has slices of %s', (grid, lateness, width) => {
    const spec = tumbling(duration(grid))
    expect(formatDuration(sliceMs(spec, milliseconds(lateness, 'lateness')))).toBe(width)
    expect(new Slices(spec, 0, milliseconds(lateness, 'lateness')).widthMs).toBe(milliseconds(width, 'width'))
  })

  it.each<[WindowSpec, string]>([
    [tumbling('5m'), '5m'],
    [hopping('1h', '15m'), '15m'],
    [hopping('10m', '4m'), '2m'],
    [hopping('5m', '9m'), '1m'],
    [cumulate('1d', '1h'), '1h'],
  ])('the grid of %j is %s', (spec, grid) => {
    expect(formatDuration(gridMs(spec))).toBe(grid)
  })

  it('invariant 11: is found in bounded time for the longest grids, which no round duration divides', () => {
    const gridMs = 400 * 86_400_000 - 1
    const cpuOf = (work: () => void): number => {
      const before = process.cpuUsage()
      work()
      const { user, system } = process.cpuUsage(before)
      return user + system
    }
    const found = cpuOf(() => expect(sliceMs(tumbling(gridMs), 0)).toBe(gridMs))
    // Its root, 186,000 turns, takes less than twenty million of them on this machine, whatever that is. The grid
    // itself has 35 billion.
    let divisors = 0
    const turns = cpuOf(() => {
      for (let turn = 1; turn < 20_000_000; turn++) if (gridMs % turn === 0) divisors++
    })
    expect(divisors).toBeGreaterThan(0)
    expect(found).toBeLessThan(turns)
  })
})

const LEAST = (what: string, given: string) => `${what} must be between 100ms and 400d; it is ${given}.`

describe('refusals', () => {
  it.each<[() => WindowSpec, string, string]>([
    [() => tumbling('99ms'), 'bad-duration', LEAST('The size of a tumbling window', '99ms')],
    [() => tumbling(0), 'bad-duration', LEAST('The size of a tumbling window', '0s')],
    [() => tumbling('401d'), 'bad-duration', LEAST('The size of a tumbling window', '401d')],
    [
      () => tumbling('an hour' as never),
      'bad-duration',
      `The size of a tumbling window must be a duration such as '30s', '5m', '1h30m', or whole milliseconds; it is "an hour".`,
    ],
    [() => hopping('50ms', '1s'), 'bad-duration', LEAST('The size of a hopping window', '50ms')],
    [() => hopping('1s', '50ms'), 'bad-duration', LEAST('The slide of a hopping window', '50ms')],
    [
      () => hopping('150ms', '100ms'),
      'bad-window',
      'The size and slide of a hopping window need a common divisor of at least 100ms; 150ms and 100ms have 50ms. Use rounder durations.',
    ],
    [
      () => hopping('400d', '1m'),
      'bad-window',
      'A record may fall into at most 10000 windows; a hopping window of 400d with a slide of 1m gives 576000. Use a longer slide.',
    ],
    [() => cumulate('10ms', '1s'), 'bad-duration', LEAST('The size of a cumulate window', '10ms')],
    [() => cumulate('1s', '10ms'), 'bad-duration', LEAST('The step of a cumulate window', '10ms')],
    [
      () => cumulate('1h', '7m'),
      'bad-window',
      'The size of a cumulate window must be a multiple of its step; 1h is not a multiple of 7m. A size of 1h3m would be.',
    ],
    [
      () => cumulate('1m', '1h'),
      'bad-window',
      'The size of a cumulate window must be a multiple of its step; 1m is not a multiple of 1h. A size of 1h would be.',
    ],
    [
      () => cumulate('400d', '1m'),
      'bad-window',
      'A record may fall into at most 10000 windows; a cumulate window of 400d with a step of 1m gives 576000. Use a longer step.',
    ],
  ])('%#', (make, code, message) => {
    expect(make).toThrow(ConfigError)
    expect(make).toThrow(expect.objectContaining({ code, message }))
  })
})

describe('window functions', () => {
  it('are frozen data', () => {
    expect(hopping('1h', '15m')).toEqual({ kind: 'hopping', sizeMs: 3_600_000, stepMs: 900_000 })
    for (const spec of [tumbling('1s'), hopping('1s', '1s'), cumulate('1s', '1s')])
      expect(Object.isFrozen(spec)).toBe(true)
  })

  it('may skip time, when they hop further than they are long', () => {
    const slices = new Slices(hopping('1s', '5s'), 0, 0)
    expect(slices.windowsOf(500)).toEqual([{ start: 0, end: 1_000 }])
    expect(slices.windowsOf(1_000)).toEqual([])
    expect(slices.windowEnding(5_000)).toBeUndefined()
  })

  it.each([
    [tumbling('90m'), 'tumbling(1h30m)'],
    [hopping('1h', '15m'), 'hopping(1h, 15m)'],
    [cumulate('1d', '1h'), 'cumulate(1d, 1h)'],
  ])('describe themselves: %j', (spec, text) => {
    expect(describeWindow(spec)).toBe(text)
  })
})
