import { ConfigError, checkOptions, glimpse } from '../base/index.js'
import type { Interval } from './slices.js'

const UNITS = ['day', 'week', 'month', 'quarter', 'year'] as const
export type CalendarUnit = (typeof UNITS)[number]

/** Windows of a calendar in a time zone. */
export interface CalendarSpec {
  readonly kind: 'calendar'
  readonly unit: CalendarUnit
  readonly timeZone: string
  /** Of weeks: 1 for Monday, to 7 for Sunday. */
  readonly weekStart: number
}

export interface CalendarOptions {
  /** A name of the IANA time zone database, such as `Europe/Berlin`. Default `UTC`. */
  readonly timeZone?: string
  /** The first day of a week: 1 for Monday (the default, as in ISO 8601), to 7 for Sunday. */
  readonly weekStart?: number
}

/**
 * Days, weeks, months, quarters or years of a calendar in a time zone. A day on which the clocks change has 23 or 25
 * hours.
 * @example calendar('month', { timeZone: 'Europe/Berlin' })
 * @example calendar('week', { timeZone: 'America/New_York', weekStart: 7 })
 */
export function calendar(unit: CalendarUnit, options: CalendarOptions = {}): CalendarSpec {
  if (!UNITS.includes(unit))
    throw new ConfigError(
      'bad-window',
      `calendar() takes 'day', 'week', 'month', 'quarter' or 'year'; it got ${glimpse(unit)}.`,
    )
  checkOptions('calendar()', options, { timeZone: true, weekStart: true })
  const { timeZone = 'UTC', weekStart = 1 } = options
  try {
    new Intl.DateTimeFormat('en', { timeZone })
  } catch {
    throw new ConfigError(
      'bad-window',
      `timeZone of calendar() is a name such as 'Europe/Berlin' or 'UTC'; it is ${glimpse(timeZone)}.`,
    )
  }
  if (!Number.isInteger(weekStart) || weekStart < 1 || weekStart > 7)
    throw new ConfigError(
      'bad-window',
      `weekStart of calendar() is a day from 1 (Monday) to 7 (Sunday); it is ${glimpse(weekStart)}.`,
    )
  if (weekStart !== 1 && unit !== 'week')
    throw new ConfigError('bad-window', `weekStart of calendar() is for weeks only; the unit is '${unit}'.`)
  return Object.freeze({ kind: 'calendar', unit, timeZone, weekStart })
}

export function describeCalendar({ unit, timeZone, weekStart }: CalendarSpec): string {
  return `calendar(${unit}, ${timeZone}${weekStart === 1 ? '' : `, weeks from day ${weekStart}`})`
}

const DAY_MS = 86_400_000
const HOUR_MS = 3_600_000

/** Windows that are remembered. Rows that are out of order, or of several partitions, are of a few windows. */
const REMEMBERED = 16

/** Finds the window of a calendar that holds an instant. */
export class Calendar {
  private readonly spec: CalendarSpec
  private readonly parts: Intl.DateTimeFormat
  /** The windows that were found last, the newest first. */
  private readonly found: Interval[] = []

  constructor(spec: CalendarSpec) {
    this.spec = spec
    this.parts = new Intl.DateTimeFormat('en-u-ca-gregory-hc-h23', {
      timeZone: spec.timeZone,
      era: 'short',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    })
  }

  /** The window is half-open, in ms since the epoch. */
  at(time: number): Interval {
    for (const window of this.found) if (time >= window.start && time < window.end) return window
    const window = this.find(time)
    this.found.unshift(window)
    if (this.found.length > REMEMBERED) this.found.pop()
    return window
  }

  private find(time: number): Interval {
    // Days are counted on the local calendar, as if it were in UTC.
    const first = this.firstDay(Math.floor(this.local(time) / DAY_MS))
    // The time zone may skip midnight, or the instant may be before the change of a day's offset.
    let start = this.instant(first)
    let end = this.instant(this.following(first))
    if (time < start) {
      end = start
      start = this.instant(this.firstDay(first - 1))
    } else if (time >= end) {
      start = end
      end = this.instant(this.following(this.following(first)))
    }
    return { start, end }
  }

  /** Wall-clock time in the time zone, as ms since the epoch of a clock in UTC that shows the same. */
  private local(time: number): number {
    const { timeZone } = this.spec
    if (timeZone === 'UTC') return time
    const found: Record<string, string> = {}
    for (const { type, value } of this.parts.formatToParts(time)) found[type] = value
    const { era, year, month, day, hour, minute, second } = found
    const years = era === 'BC' ? 1 - Number(year) : Number(year)
    const date = new Date(0)
    date.setUTCFullYear(years, Number(month) - 1, Number(day))
    date.setUTCHours(Number(hour), Number(minute), Number(second), 0)
    return date.getTime() + (((time % 1000) + 1000) % 1000)
  }

  /**
   * The instant at which a local day begins. Where the clocks skip midnight, the day begins with the first instant that
   * exists.
   */
  private instant(day: number): number {
    const wanted = day * DAY_MS
    if (this.spec.timeZone === 'UTC') return wanted
    // Offsets are within 26 hours. The first instant whose local time is at or after midnight is looked for.
    let low = wanted - 26 * HOUR_MS
    let high = wanted + 26 * HOUR_MS
    const guess = wanted - (this.local(wanted) - wanted)
    if (this.local(guess) === wanted && this.local(guess - 1) < wanted) return guess
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2)
      if (this.local(middle) >= wanted) high = middle
      else low = middle
    }
    return high
  }

  /** The first day of the window that holds a day, both in days since the epoch. */
  private firstDay(day: number): number {
    const { unit, weekStart } = this.spec
    if (unit === 'day') return day
    // 1970-01-01 was a Thursday, which is day 4.
    if (unit === 'week') return day - ((((day + 4 - weekStart) % 7) + 7) % 7)
    const date = new Date(day * DAY_MS)
    const month = unit === 'year' ? 0 : unit === 'quarter' ? date.getUTCMonth() - (date.getUTCMonth() % 3) : undefined
    return dayOf(date.getUTCFullYear(), month ?? date.getUTCMonth())
  }

  /** The first day of the window after the one that begins with a day. */
  private following(first: number): number {
    const { unit } = this.spec
    if (unit === 'day') return first + 1
    if (unit === 'week') return first + 7
    const date = new Date(first * DAY_MS)
    const months = unit === 'month' ? 1 : unit === 'quarter' ? 3 : 12
    return dayOf(date.getUTCFullYear(), date.getUTCMonth() + months)
  }
}

function dayOf(year: number, month: number): number {
  const date = new Date(0)
  date.setUTCFullYear(year, month, 1)
  return Math.floor(date.getTime() / DAY_MS)
}
