import { describe, expect, it } from 'vitest'
import { RecordRejection } from '../../lib/base/index.js'
import { epochMillis, epochSeconds } from '../../lib/time/index.js'

describe('stamps since the epoch', () => {
  it.each([
    [1_700_000_000, 1_700_000_000_000],
    [1_700_000_000.123, 1_700_000_000_123],
    [1_700_000_000.9999, 1_700_000_001_000],
    [0, 0],
    [-1.5, -1_500],
    [253_402_300_799, 253_402_300_799_000],
  ])('epochSeconds(%d) is %d ms', (stamp, ms) => {
    expect(epochSeconds(stamp)).toBe(ms)
  })

  it.each([
    [1_700_000_000_123, 1_700_000_000_123],
    [0.6, 1],
    [-1, -1],
  ])('epochMillis(%d) is %d ms', (stamp, ms) => {
    expect(epochMillis(stamp)).toBe(ms)
  })

  const DIGITS = 'Text of digits goes through Number() first, a date through iso().'
  const SECONDS = 'Milliseconds go through epochMillis().'
  const MILLIS = 'Microseconds are divided by 1,000 first.'
  it.each<[typeof epochSeconds, unknown, string, string]>([
    [epochSeconds, '1700000000', '"1700000000"', DIGITS],
    [epochSeconds, '2024-01-01T00:00:00Z', '"2024-01-01T00:00:00Z"', DIGITS],
    [epochSeconds, 1_700_000_000_000, '1700000000000', SECONDS],
    [epochSeconds, Number.NaN, 'NaN', SECONDS],
    [epochSeconds, undefined, 'undefined', SECONDS],
    [epochSeconds, null, 'null', SECONDS],
    [epochSeconds, 5n, '5n', SECONDS],
    [epochSeconds, new Date(0), 'a Date', SECONDS],
    [epochMillis, 1_700_000_000_000_000, '1700000000000000', MILLIS],
    [epochMillis, Number.POSITIVE_INFINITY, 'Infinity', MILLIS],
    [epochMillis, { ms: 5 }, 'an object', MILLIS],
    [epochMillis, 'x'.repeat(50), `"${'x'.repeat(40)}…"`, DIGITS],
  ])('%o refuses %o', (read, stamp, shown, hint) => {
    const message = `${read.name}() takes a number up to the year 9999; this one is ${shown}. ${hint}`
    expect(() => read(stamp as number)).toThrow(RecordRejection)
    expect(() => read(stamp as number)).toThrow(expect.objectContaining({ code: 'bad-timestamp', message }))
  })
})
