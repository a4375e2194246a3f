import { describe, expect, it } from 'vitest'
import { RecordRejection } from '../../lib/base/index.js'
import { epochMicros, epochMillis, epochNanos, epochSeconds } from '../../lib/time/index.js'

const MS = 1_700_000_000_123
const AS_TEXT = '2023-11-14T22:13:20'

describe('stamps since the epoch', () => {
  it.each<[typeof epochSeconds, number | bigint, number]>([
    [epochSeconds, 1_700_000_000, 1_700_000_000_000],
    [epochSeconds, 1_700_000_000.123, MS],
    [epochSeconds, 1_700_000_000.9999, 1_700_000_001_000],
    [epochSeconds, 1_700_000_000n, 1_700_000_000_000],
    [epochSeconds, 0, 0],
    [epochSeconds, -1.5, -1_500],
    [epochSeconds, 253_402_300_799, 253_402_300_799_000],
    [epochMillis, MS, MS],
    [epochMillis, BigInt(MS), MS],
    [epochMillis, 0.6, 1],
    [epochMillis, -1, -1],
    [epochMillis, 253_402_300_799_999, 253_402_300_799_999],
    // The bounds of what would be a time of our days in seconds.
    [epochMillis, 946_684_799, 946_684_799],
    [epochMillis, 4_102_444_800, 4_102_444_800],
    [epochMicros, MS * 1_000, MS],
    [epochMicros, MS * 1_000 + 999, MS],
    [epochMicros, BigInt(MS) * 1_000n + 999n, MS],
    [epochMicros, 0, 0],
    [epochMicros, -1, -1],
    [epochMicros, -1n, -1],
    [epochMicros, -1_000n, -1],
    [epochMicros, 60_000, 60],
    [epochNanos, BigInt(MS) * 1_000_000n, MS],
    [epochNanos, BigInt(MS) * 1_000_000n + 999_999n, MS],
    [epochNanos, -1n, -1],
    [epochNanos, -1_000_000n, -1],
    [epochNanos, 0, 0],
    [epochNanos, 5_000_000_000, 5_000],
  ])('%o of %o', (read, stamp, ms) => {
    expect(read(stamp)).toBe(ms)
  })

  it('a number of nanoseconds is never a millisecond early, though no double holds it', () => {
    for (let ms = MS; ms < MS + 2_000; ms++) {
      expect(epochNanos(ms * 1_000_000)).toBe(ms)
      expect(epochMicros(ms * 1_000)).toBe(ms)
    }
  })

  const DIGITS = ' Convert text of digits with Number() or BigInt() first, and a date with iso().'
  const SECONDS = ` In seconds it is ${AS_TEXT}.000Z: use epochSeconds().`
  const MILLIS = ` In milliseconds it is ${AS_TEXT}.123Z: use epochMillis().`
  const MICROS = ` In microseconds it is ${AS_TEXT}.123Z: use epochMicros().`
  const NANOS = ` In nanoseconds it is ${AS_TEXT}.123Z: use epochNanos().`
  const UNIT_OF = new Map([
    [epochSeconds, 'seconds'],
    [epochMillis, 'milliseconds'],
    [epochMicros, 'microseconds'],
    [epochNanos, 'nanoseconds'],
  ])
  it.each<[typeof epochSeconds, unknown, string, string]>([
    [epochSeconds, '1700000000', '"1700000000"', DIGITS],
    [epochSeconds, '2024-01-01T00:00:00Z', '"2024-01-01T00:00:00Z"', DIGITS],
    [epochMillis, 'x'.repeat(50), `"${'x'.repeat(40)}…"`, DIGITS],
    [epochNanos, '1700000000123000000', '"1700000000123000000"', DIGITS],
    [epochSeconds, Number.NaN, 'NaN', ''],
    [epochSeconds, undefined, 'undefined', ''],
    [epochSeconds, null, 'null', ''],
    [epochSeconds, new Date(0), 'a Date', ''],
    [epochMillis, Number.POSITIVE_INFINITY, 'Infinity', ''],
    [epochMillis, { ms: 5 }, 'an object', ''],
    [epochNanos, 1e30, '1e+30', ''],
    [epochNanos, 10n ** 30n, `${10n ** 30n}n`, ''],
    // Too large: the unit is a finer one.
    [epochSeconds, MS, '1700000000123', MILLIS],
    [epochSeconds, BigInt(MS), '1700000000123n', MILLIS],
    [epochSeconds, MS * 1e3, '1700000000123000', MICROS],
    [epochSeconds, MS * 1e6, '1700000000123000000', NANOS],
    [epochMillis, MS * 1e3, '1700000000123000', MICROS],
    [epochMillis, MS * 1e6, '1700000000123000000', NANOS],
    [epochMicros, MS * 1e6, '1700000000123000000', NANOS],
    [epochMicros, BigInt(MS) * 1_000_000n, '1700000000123000000n', NANOS],
    // So small that it is a time of January 1970, and one of our days in a coarser unit.
    [epochMillis, 1_700_000_000, '1700000000', SECONDS],
    [epochMicros, 1_700_000_000, '1700000000', SECONDS],
    [epochNanos, 1_700_000_000, '1700000000', SECONDS],
    [epochNanos, 1_700_000_000n, '1700000000n', SECONDS],
    [epochMicros, MS, '1700000000123', MILLIS],
    [epochNanos, MS, '1700000000123', MILLIS],
    [epochNanos, MS * 1e3, '1700000000123000', MICROS],
  ])('%o refuses %o', (read, stamp, shown, hint) => {
    const message = `${read.name}() takes ${UNIT_OF.get(read)} since the epoch, a number up to the year 9999; this one is ${shown}.${hint}`
    expect(() => read(stamp as number)).toThrow(RecordRejection)
    expect(() => read(stamp as number)).toThrow(expect.objectContaining({ code: 'bad-timestamp', message }))
  })
})
