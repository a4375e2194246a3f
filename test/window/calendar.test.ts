import { describe, expect, it } from 'vitest'
import { EVENT_TIME_MAX } from '../../lib/base/index.js'
import { Calendar, type CalendarUnit, calendar } from '../../lib/window/index.js'

const ZONES = [
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  // The clocks go back from 01:00 to 00:00, and forward from 00:00 to 01:00.
  'America/Havana',
  'America/Sao_Paulo',
  // A day was left out.
  'Pacific/Apia',
  'Asia/Kathmandu',
  'Australia/Lord_Howe',
  'Africa/Cairo',
]

/** The date in a time zone, by a formatter of its own. */
function dateIn(timeZone: string): (time: number) => { year: number; month: number; day: number } {
  const format = new Intl.DateTimeFormat('en-CA', { timeZone, year: 'numeric', month: '2-digit', day: '2-digit' })
  return (time) => {
    const [year, month, day] = format.format(time).split('-').map(Number)
    return { year: year!, month: month!, day: day! }
  }
}

function nameOf(unit: CalendarUnit, weekStart: number, date: { year: number; month: number; day: number }): string {
  const { year, month, day } = date
  if (unit === 'year') return `${year}`
  if (unit === 'quarter') return `${year} ${Math.ceil(month / 3)}`
  if (unit === 'month') return `${year} ${month}`
  if (unit === 'day') return `${year} ${month} ${day}`
  // The first day of the week, found day by day.
  const first = new Date(Date.UTC(year, month - 1, day))
  while ((first.getUTCDay() || 7) !== weekStart) first.setUTCDate(first.getUTCDate() - 1)
  return first.toISOString().slice(0, 10)
}

const at = (text: string): number => Date.parse(text)

describe('calendar windows', () => {
  for (const timeZone of ZONES)
    it(`are the days, weeks, months, quarters and years of ${timeZone}`, () => {
      const date = dateIn(timeZone)
      for (const [unit, weekStart] of [
        ['day', 1],
        ['week', 1],
        ['week', 7],
        ['month', 1],
        ['quarter', 1],
        ['year', 1],
      ] as const) {
        const windows = new Calendar(calendar(unit, { timeZone, weekStart }))
        const name = (time: number): string => nameOf(unit, weekStart, date(time))
        let state = 7
        for (let i = 0; i < 60; i++) {
          state = (state * 1_103_515_245 + 12_345) % 2 ** 31
          // From 2009 to 2026: with the day that Apia left out, and the last changes of clocks in Sao Paulo.
          const time = at('2009-01-01') + Math.floor((state / 2 ** 31) * 17 * 365 * 86_400_000)
          const { start, end } = windows.at(time)
          expect(start).toBeLessThanOrEqual(time)
          expect(end).toBeGreaterThan(time)
          const mine = name(time)
          expect([name(start), name(end - 1)], `${unit} at ${time}`).toEqual([mine, mine])
          expect(name(start - 1)).not.toBe(mine)
          expect(name(end)).not.toBe(mine)
          expect(windows.at(end).start).toBe(end)
          expect(windows.at(start - 1).end).toBe(start)
        }
      }
    })

  it('have 23 and 25 hours where the clocks change', () => {
    const windows = new Calendar(calendar('day', { timeZone: 'Europe/Berlin' }))
    const hours = (time: string): number => {
      const { start, end } = windows.at(at(time))
      return (end - start) / 3_600_000
    }
    expect(hours('2026-03-28T12:00Z')).toBe(24)
    expect(hours('2026-03-29T12:00Z')).toBe(23)
    expect(hours('2026-10-25T12:00Z')).toBe(25)
    expect(windows.at(at('2026-03-29T12:00Z')).start).toBe(at('2026-03-28T23:00Z'))
  })

  it('hold instants before 1970 and before the year 1', () => {
    const windows = new Calendar(calendar('year', { timeZone: 'Europe/Berlin' }))
    const { start, end } = windows.at(at('1890-06-01T00:00Z'))
    expect([start <= at('1890-06-01'), end > at('1890-06-01')]).toEqual([true, true])
    const early = new Calendar(calendar('month')).at(at('-000001-03-15T00:00:00Z'))
    expect(new Date(early.start).toISOString()).toBe('-000001-03-01T00:00:00.000Z')
    expect(new Date(early.end).toISOString()).toBe('-000001-04-01T00:00:00.000Z')
  })

  it('invariant 1: hold every instant that a record may have, in every time zone', () => {
    for (const timeZone of ZONES)
      for (const unit of ['day', 'week', 'month', 'quarter', 'year'] as const) {
        const windows = new Calendar(calendar(unit, { timeZone }))
        for (let i = 0; i <= 24; i++) {
          // From one end of the range to the other: the first is in the year 121,617 BC.
          const time = Math.round((i / 12 - 1) * (EVENT_TIME_MAX - 1))
          const { start, end } = windows.at(time)
          expect([start <= time, time < end], `${unit} of ${timeZone} at ${time}`).toEqual([true, true])
          expect(end - start).toBeLessThanOrEqual(367 * 86_400_000)
          expect(windows.at(end).start).toBe(end)
          expect(windows.at(start - 1).end).toBe(start)
        }
      }
  })

  it.each([
    [() => calendar('hour' as never), `calendar() takes 'day', 'week', 'month', 'quarter' or 'year'; it got "hour".`],
    [
      () => calendar('day', { timeZone: 'Berlin' }),
      `timeZone of calendar() is a name such as 'Europe/Berlin' or 'UTC'; it is "Berlin".`,
    ],
    [
      () => calendar('week', { weekStart: 0 }),
      'weekStart of calendar() is a day from 1 (Monday) to 7 (Sunday); it is 0.',
    ],
    [() => calendar('day', { weekStart: 7 }), `weekStart of calendar() is for weeks only; the unit is 'day'.`],
  ])('refuse what is wrong', (make, message) => {
    expect(make).toThrow(message)
  })
})
