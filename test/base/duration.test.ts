import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ConfigError, formatDuration, milliseconds, signedMilliseconds } from '../../lib/base/index.js'

const DAY_MS = 86_400_000
const SHAPE = (given: string) =>
  `The gap must be a duration such as '30s', '5m', '1h30m', or whole milliseconds; it is ${given}.`
const UNITS = (given: string) => `${SHAPE(given)} The units are ms, s, m, h, d and w. Signs and spaces are not allowed.`
const RANGE = (given: string, min = '0s') => `The gap must be between ${min} and 400d; it is ${given}.`

describe('milliseconds', () => {
  it.each([
    ['250ms', 250],
    ['5s', 5_000],
    ['90m', 5_400_000],
    ['1h30m', 5_400_000],
    ['7d', 7 * DAY_MS],
    ['1w', 7 * DAY_MS],
    ['1w2d', 9 * DAY_MS],
    ['1d2h3m4s5ms', DAY_MS + 7_384_005],
    ['0s', 0],
    ['007s', 7_000],
    [0, 0],
    [1500, 1500],
    ['400d', 400 * DAY_MS],
  ])('reads %j as %d', (duration, ms) => {
    expect(milliseconds(duration, 'The gap')).toBe(ms)
  })

  it.each<[unknown, string, number?]>([
    ['', SHAPE('""')],
    ['5', SHAPE('"5"')],
    ['5 m', UNITS('"5 m"')],
    [' 5m', UNITS('" 5m"')],
    ['5m\n', UNITS('"5m\\n"')],
    ['-5m', UNITS('"-5m"')],
    ['1.5h', UNITS('"1.5h"')],
    ['5M', UNITS('"5M"')],
    ['1y', UNITS('"1y"')],
    ['5min', UNITS('"5min"')],
    ['+5m', UNITS('"+5m"')],
    ['٥m', SHAPE('"٥m"')],
    ['99999999999999999999d', UNITS('"99999999999999999999d"')],
    [1.5, SHAPE('1.5')],
    [Number.NaN, SHAPE('NaN')],
    [Number.POSITIVE_INFINITY, SHAPE('Infinity')],
    [2 ** 53, SHAPE('9007199254740992')],
    [5n, SHAPE('5n')],
    [null, SHAPE('null')],
    [undefined, SHAPE('undefined')],
    [{ s: 5 }, SHAPE('{"s":5}')],
    [Symbol('5m'), SHAPE('Symbol(5m)')],
    [-5, RANGE('-5ms')],
    ['401d', RANGE('401d')],
    [400 * DAY_MS + 1, RANGE('400d1ms')],
    ['99ms', RANGE('99ms', '100ms'), 100],
  ])('refuses %o', (duration, message, min) => {
    const read = () => milliseconds(duration as string, 'The gap', min)
    expect(read).toThrow(ConfigError)
    expect(read).toThrow(expect.objectContaining({ code: 'bad-duration', message }))
  })
})

describe('signedMilliseconds', () => {
  it.each([
    ['-1h', -3_600_000],
    ['+5h30m', 19_800_000],
    ['5h30m', 19_800_000],
    [-1500, -1500],
    [0, 0],
  ])('reads %j as %d', (duration, ms) => {
    expect(signedMilliseconds(duration, 'The offset')).toBe(ms)
  })

  it.each(['Europe/Berlin', 'UTC', 'CET'])('refuses the zone %s with words', (zone) => {
    const message = `The offset must be a duration such as '-1h' or '5h30m'; it is "${zone}". Windows are aligned to UTC. A time zone with daylight saving time has no single offset: give the offset that you need, such as '-5h'.`
    expect(() => signedMilliseconds(zone, 'The offset')).toThrow(
      expect.objectContaining({ code: 'bad-duration', message }),
    )
  })

  it.each<unknown>(['--1h', '-', '', null, undefined, Number.NaN])('refuses %j', (given) => {
    expect(() => signedMilliseconds(given as string, 'The offset')).toThrow(ConfigError)
  })
})

describe('formatDuration', () => {
  it.each([
    [0, '0s'],
    [-0, '0s'],
    [5_400_000, '1h30m'],
    [90_061_001, '1d1h1m1s1ms'],
    [-60_000, '-1m'],
    [Number.POSITIVE_INFINITY, 'Infinity'],
  ])('writes %d as %j', (ms, text) => {
    expect(formatDuration(ms)).toBe(text)
  })

  it('writes what milliseconds reads, for every duration', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 400 * DAY_MS }), (ms) => {
        expect(milliseconds(formatDuration(ms), 'It')).toBe(ms)
      }),
    )
  })
})
