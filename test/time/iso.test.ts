import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { RecordRejection } from '../../lib/base/index.js'
import { iso, isoUtc } from '../../lib/time/index.js'

const two = (n: number): string => String(n).padStart(2, '0')
const between = (min: number, max: number) => fc.integer({ min, max })
const DAY_MS = 86_400_000

const dates = between(Date.UTC(100, 0, 1) / DAY_MS, Date.UTC(9999, 11, 31) / DAY_MS).map((day) =>
  new Date(day * DAY_MS).toISOString().slice(0, 10),
)
const clocks = fc
  .tuple(between(0, 23), between(0, 59), between(0, 59), fc.option(between(0, 999_999_999), { nil: undefined }))
  .chain(([h, m, s, fraction]) => {
    const digits = fraction === undefined ? '' : `.${String(fraction).padStart(9, '0')}`
    return between(2, 10).map((length) => `${two(h)}:${two(m)}:${two(s)}${digits.slice(0, length)}`)
  })
const offsets = fc.oneof(
  fc.constant('Z'),
  fc
    .tuple(fc.constantFrom('+', '-'), between(0, 23), between(0, 59))
    .map(([sign, h, m]) => `${sign}${two(h)}:${two(m)}`),
)

describe('iso', () => {
  it('agrees with Date.parse on times with an offset and a fraction, before 1970 too', () => {
    fc.assert(
      fc.property(dates, clocks, offsets, (date, clock, zone) => {
        const text = `${date}T${clock}${zone}`
        expect(iso(text)).toBe(Date.parse(text))
      }),
      { numRuns: 1000 },
    )
  })

  it('drops what is finer than a millisecond, towards the past', () => {
    expect(iso('1969-12-31T23:59:59.9999Z')).toBe(-1)
    expect(iso('1970-01-01T00:00:00.0009Z')).toBe(0)
  })

  it.each([
    ['2001-01-01T00:03:00Z', 978_307_380_000],
    ['2001-01-01 00:03:00Z', 978_307_380_000],
    ['2001-01-01T00:03:00z', 978_307_380_000],
    ['2001-01-01T00:03Z', 978_307_380_000],
    ['2001-01-01T02:03:00+02:00', 978_307_380_000],
    ['2001-01-01T02:03:00+0200', 978_307_380_000],
    ['2001-01-01T02:03:00+02', 978_307_380_000],
    ['2000-12-31T18:33:00-05:30', 978_307_380_000],
    ['2001-01-01T00:03:00-00:00', 978_307_380_000],
    ['2001-01-01T00:03:00.5Z', 978_307_380_500],
    ['2001-01-01T00:03:00,5Z', 978_307_380_500],
    ['2000-02-29T00:00:00Z', 951_782_400_000],
    ['0100-01-01T00:00:00Z', -59_011_459_200_000],
    ['2001-01-01Z', 978_307_200_000],
    ['2001-01-01+02:00', 978_300_000_000],
  ])('reads %j', (text, ms) => {
    expect(iso(text)).toBe(ms)
    expect(isoUtc(text)).toBe(ms)
  })
})

describe('isoUtc', () => {
  it('takes a time without a zone as UTC, and heeds one that is there', () => {
    fc.assert(
      fc.property(dates, clocks, offsets, fc.constantFrom('T', ' '), (date, clock, zone, mark) => {
        expect(isoUtc(`${date}${mark}${clock}`)).toBe(Date.parse(`${date}T${clock}Z`))
        expect(isoUtc(`${date}${mark}${clock}${zone}`)).toBe(Date.parse(`${date}T${clock}${zone}`))
      }),
    )
  })

  it('takes a date as its midnight', () => {
    expect(isoUtc('2001-01-01')).toBe(978_307_200_000)
  })
})

const SHAPE = 'an ISO 8601 time such as 2001-01-01T00:03:00Z'
const ZONE = "a time with its zone ('Z' or '+02:00'); isoUtc() takes a time without one as UTC"
const EXISTS = 'a date that exists, from the year 100 on'

describe('refusals', () => {
  it.each<[unknown, string]>([
    ['', SHAPE],
    ['yesterday', SHAPE],
    ['978307380000', SHAPE],
    ['2001-1-1T00:03:00Z', SHAPE],
    ['2001-01-01T0:03:00Z', SHAPE],
    ['2001-01-01T00:03:00.Z', SHAPE],
    ['2001-01-01T00:03:00.1234567890Z', SHAPE],
    ['2001-01-01T00:03:00 Z', SHAPE],
    ['2001-01-01T00:03:00Z ', SHAPE],
    ['2001-01-01T00:03:00Z\n', SHAPE],
    ['+002001-01-01T00:03:00Z', SHAPE],
    ['2001-W01-1', SHAPE],
    ['20010101T000300Z', SHAPE],
    ['Mon, 01 Jan 2001 00:03:00 GMT', SHAPE],
    ['2001-01-01T00:03:00UTC', SHAPE],
    ['٢٠٠١-٠١-٠١T٠٠:٠٣:٠٠Z', SHAPE],
    ['2001-02-30T00:00:00Z', EXISTS],
    ['2001-02-29T00:00:00Z', EXISTS],
    ['2001-00-10T00:00:00Z', EXISTS],
    ['2001-13-10T00:00:00Z', EXISTS],
    ['2001-01-00T00:00:00Z', EXISTS],
    ['2001-01-32T00:00:00Z', EXISTS],
    ['2001-01-01T24:00:00Z', EXISTS],
    ['2001-01-01T23:60:00Z', EXISTS],
    ['2001-06-30T23:59:60Z', EXISTS],
    ['0099-01-01T00:00:00Z', EXISTS],
    ['2001-01-01T00:00:00+24:00', SHAPE],
    ['2001-01-01T00:00:00+99:99', SHAPE],
    ['2001-01-01T00:00:00-02:60', SHAPE],
    [978_307_380_000, SHAPE],
    [null, SHAPE],
    [undefined, SHAPE],
    [new Date(0), SHAPE],
  ])('iso and isoUtc refuse %j', (text, wanted) => {
    const given = typeof text === 'string' ? JSON.stringify(text) : text instanceof Date ? 'a Date' : String(text)
    const rejection = expect.objectContaining({
      code: 'bad-timestamp',
      message: `A timestamp must be ${wanted}; this one is ${given}.`,
    })
    for (const read of [iso, isoUtc]) {
      expect(() => read(text as string)).toThrow(RecordRejection)
      expect(() => read(text as string)).toThrow(rejection)
    }
  })

  it.each(['2001-01-01', '2001-01-01T00:03:00', '2001-01-01 00:03:00', '2001-01-01T00:03:00.5'])(
    'iso refuses %j, which names no zone',
    (text) => {
      const message = `A timestamp must be ${ZONE}; this one is ${JSON.stringify(text)}.`
      expect(() => iso(text)).toThrow(expect.objectContaining({ code: 'bad-timestamp', message }))
    },
  )
})

describe('the fast path', () => {
  /** Times of three days, some of them with one character changed: most of those are no time at all. */
  const texts = fc
    .tuple(
      fc.constantFrom('2001-01-01', '2001-01-02', '1969-12-31', '2001-02-30'),
      fc.tuple(between(0, 24), between(0, 60), between(0, 60)),
      fc.option(fc.tuple(between(0, 19), fc.constantFrom('0', '9', ':', '-', ' ', 'T', 'Z', '/', '+', '\u0663'))),
    )
    .map(([day, [h, m, s], change]) => {
      const text = `${day}T${two(h)}:${two(m)}:${two(s)}Z`
      return change === null ? text : text.slice(0, change[0]) + change[1] + text.slice(change[0] + 1)
    })

  const SHAPED = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\dZ$/
  /** What a time means without any cache: fields that are in range and give the same text back. */
  function plain(text: string): number | undefined {
    if (!SHAPED.test(text)) return undefined
    const wanted = text.replace(' ', 'T')
    const at = new Date(wanted)
    return !Number.isNaN(at.getTime()) && at.toISOString() === wanted.replace('Z', '.000Z') ? at.getTime() : undefined
  }
  const tried = (text: string): number | undefined => {
    try {
      return iso(text)
    } catch (thrown) {
      expect(thrown).toBeInstanceOf(RecordRejection)
      return undefined
    }
  }

  it('gives the value of the text alone when days alternate and texts are malformed', () => {
    fc.assert(
      fc.property(fc.array(texts, { minLength: 2, maxLength: 12 }), (list) => {
        for (const text of list) if (text.length === 20) expect([text, tried(text)]).toEqual([text, expected(text)])
      }),
      { numRuns: 1000 },
    )
  })

  /** A changed character may also make an offset or a fraction, which the table above covers. */
  function expected(text: string): number | undefined {
    if (SHAPED.test(text) && Number(text.slice(0, 4)) >= 100) return plain(text)
    return /[+-]\d\d$|[+-]\d{4}$/.test(text.slice(10)) ? tried(text) : undefined
  }
})
