import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { RecordRejection } from '../../lib/base/index.js'
import { iso, isoUtc } from '../../lib/time/index.js'
import { draws } from '../draws.js'

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
    ['2001-01-01t00:03:00z', 978_307_380_000],
    ['2001-01-01T00:03:00.000Z', 978_307_380_000],
    ['2001-01-01T00:03:00.123456Z', 978_307_380_123],
    ['2001-01-01 00:03:00.123456789Z', 978_307_380_123],
    ['2001-01-01T02:03:00.123456+02:00', 978_307_380_123],
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

describe('every common form', () => {
  const FORMS = ['T', 't', ' '].flatMap((mark) =>
    ['00:03:00', '00:03:00.123', '00:03:00.123456', '00:03:00.123456789', '00:03'].flatMap((clock) =>
      ['Z', 'z', '+02:00', '-0530', '+02'].map((zone) => `2001-01-01${mark}${clock}${zone}`),
    ),
  )
  it.each(FORMS)('%j goes through no regular expression and no Date', (text) => {
    const slow = [
      vi.spyOn(RegExp.prototype, 'exec'),
      vi.spyOn(RegExp.prototype, 'test'),
      vi.spyOn(Date, 'UTC'),
      vi.spyOn(Date, 'parse'),
    ]
    const calls = (): number => slow.reduce((sum, { mock }) => sum + mock.calls.length, 0)
    const before = calls()
    const read = [iso(text), isoUtc(text)]
    const made = calls() - before
    for (const spy of slow) spy.mockRestore()
    expect(made).toBe(0)
    expect(new Set(read).size).toBe(1)
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
const ZONE = "a time with its zone ('Z' or '+02:00'); isoUtc() accepts a time without one as UTC"
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

describe('beside a regular expression and Date', () => {
  const FORM =
    /^(\d{4}-\d\d-\d\d)(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?)?(?:([Zz])|([+-])([01]\d|2[0-3])(?::?([0-5]\d))?)?$/

  /** What a text means, by other means: undefined where it means nothing, 'zone' where only its zone is missing. */
  function plain(text: string): number | 'zone' | undefined {
    const found = FORM.exec(text)
    if (found === null) return undefined
    const [
      ,
      date,
      hour = '00',
      minute = '00',
      second = '00',
      fraction = '',
      utc,
      sign,
      offsetHours,
      offsetMinutes = '00',
    ] = found
    const wanted = `${date}T${hour}:${minute}:${second}.${fraction.slice(0, 3).padEnd(3, '0')}Z`
    const at = new Date(wanted)
    if (Number.isNaN(at.getTime()) || at.toISOString() !== wanted || Number(text.slice(0, 4)) < 100) return undefined
    if (sign !== undefined)
      return at.getTime() - Number(`${sign}1`) * (Number(offsetHours) * 60 + Number(offsetMinutes)) * 60_000
    return utc === undefined ? 'zone' : at.getTime()
  }

  const tried = (read: (text: string) => number, text: string): number | undefined => {
    try {
      return read(text)
    } catch (thrown) {
      expect(thrown).toBeInstanceOf(RecordRejection)
      return undefined
    }
  }
  const check = (text: string): void => {
    const wanted = plain(text)
    const [zoned, utc] = [tried(iso, text), tried(isoUtc, text)]
    if (wanted === 'zone')
      expect([text, zoned, utc]).toEqual([text, undefined, plain(`${text}Z`) ?? plain(`${text}T00:00Z`)])
    else expect([text, zoned, utc]).toEqual([text, wanted, wanted])
  }

  const days = fc.oneof(
    dates,
    fc.constantFrom('2001-02-29', '2000-02-29', '1900-02-29', '2001-04-31', '2001-13-01', '0099-12-31'),
  )
  const anyClock = fc.oneof(
    clocks,
    clocks.map((clock) => clock.slice(0, 5)),
    clocks.map((clock) => clock.replace('.', ',')),
    fc.tuple(between(0, 29), between(0, 69), between(0, 69)).map(([h, m, s]) => `${two(h)}:${two(m)}:${two(s)}`),
  )
  const zones = fc.oneof(
    fc.constantFrom('Z', 'z', '', 'UTC', '+2', '+24:00', '-02:60', '+02:', '+020', '+02:000'),
    offsets,
    offsets.map((zone) => zone.replace(':', '')),
    offsets.map((zone) => zone.slice(0, 3)),
  )
  const whole = fc
    .tuple(days, fc.constantFrom('T', 't', ' ', '', 'x'), fc.option(anyClock, { nil: '' }), zones)
    .map((parts) => parts.join(''))
  /** A text with up to three characters changed, inserted or taken out. */
  const edits = fc.array(
    fc.tuple(
      fc.nat(40),
      between(0, 1),
      fc.constantFrom('', '0', '9', '3', ':', '-', '+', ' ', 'T', 'Z', '.', '/', '\u0663', '\n'),
    ),
    { maxLength: 3 },
  )
  const edited = fc
    .tuple(whole, edits)
    .map(([text, list]) =>
      list.reduce((now, [at, taken, given]) => now.slice(0, at) + given + now.slice(at + taken), text),
    )

  it('takes the same texts, with the same times, and refuses the others', () => {
    const seen = { taken: 0, refused: 0 }
    fc.assert(
      fc.property(whole, edited, (text, changed) => {
        for (const given of [text, changed]) {
          seen[plain(given) === undefined ? 'refused' : 'taken']++
          check(given)
        }
      }),
      { numRuns: draws(1_000, 20_000) },
    )
    expect(seen.taken).toBeGreaterThan(200)
    expect(seen.refused).toBeGreaterThan(200)
  })

  it('reads every day of the 400 years after which the calendar repeats', () => {
    const first = Date.UTC(1800, 0, 1)
    const wrong = Array.from({ length: 146_097 }, (_, day) => first + day * DAY_MS + day).filter(
      (at) => iso(new Date(at).toISOString()) !== at,
    )
    expect(wrong).toEqual([])
  })
})
