import { glimpse, RecordRejection } from '../base/index.js'

/** Matches every accepted format. It only selects the error message: valid times are parsed without it. */
const SHAPE =
  /^\d{4}-\d\d-\d\d(?:[Tt ]\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?)?([Zz]|[+-](?:[01]\d|2[0-3])(?::?[0-5]\d)?)?$/

const ZERO = 48
/**
 * The value of two characters that are not both digits. It is larger than every field and every year, so one comparison
 * detects both errors.
 */
const NONE = 10_000
const [DASH, COLON, PLUS, DOT, COMMA, SPACE] = [0x2d, 0x3a, 0x2b, 0x2e, 0x2c, 0x20]
const [UPPER_T, LOWER_T, UPPER_Z, LOWER_Z] = [0x54, 0x74, 0x5a, 0x7a]
const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000
const DAY_MS = 86_400_000
const FRACTION_DIGITS_MAX = 9
const DAYS_OF_MONTH = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

/**
 * Converts an ISO 8601 time with a time zone, such as `toISOString()` writes, to milliseconds since the epoch.
 * Fractions of a millisecond are dropped. It is faster than `Date.parse`, and strict: the time zone is required.
 * @throws {RecordRejection} `bad-timestamp`
 * @example iso('2001-01-01T00:03:00Z')
 */
export function iso(text: string): number {
  return read(text, true)
}

/**
 * Like `iso`, but a time without a time zone is taken as UTC.
 * @example isoUtc('2001-01-01 00:03:00')
 */
export function isoUtc(text: string): number {
  return read(text, false)
}

function read(text: string, isZoned: boolean): number {
  const ms = typeof text === 'string' ? parse(text, isZoned) : Number.NaN
  if (Number.isNaN(ms)) throw refusal(text, isZoned)
  return ms
}

/** The time of a text, or NaN. Reads each character once, from left to right, and allocates nothing. */
function parse(text: string, isZoned: boolean): number {
  const end = text.length
  if (text.charCodeAt(4) !== DASH || text.charCodeAt(7) !== DASH) return Number.NaN
  let ms = day(two(text, 0) * 100 + two(text, 2), two(text, 5), two(text, 8))
  let at = 10
  const mark = text.charCodeAt(10)
  if (mark === UPPER_T || mark === SPACE || mark === LOWER_T) {
    const hours = two(text, 11)
    const minutes = two(text, 14)
    if (hours > 23 || minutes > 59 || text.charCodeAt(13) !== COLON) return Number.NaN
    ms += hours * HOUR_MS + minutes * MINUTE_MS
    at = 16
    if (text.charCodeAt(16) === COLON) {
      const seconds = two(text, 17)
      if (seconds > 59) return Number.NaN
      ms += seconds * 1000
      at = 19
      const point = text.charCodeAt(19)
      if (point === DOT || point === COMMA) {
        at = 20
        // The unit of the fourth digit is 0, so further digits add nothing.
        for (let unit = 100, digit = one(text, at); digit !== NONE; digit = one(text, ++at)) {
          ms += digit * unit
          unit = (unit / 10) | 0
        }
        if (at === 20 || at > 20 + FRACTION_DIGITS_MAX) return Number.NaN
      }
    }
  }
  if (at === end) return isZoned ? Number.NaN : ms
  return ms - offset(text, at, end)
}

/** The digit as a number, or NONE. Past the end the character code is NaN, which also gives NONE. */
function one(text: string, at: number): number {
  const digit = text.charCodeAt(at) - ZERO
  return digit >= 0 && digit <= 9 ? digit : NONE
}

/** Two digits as a number, or NONE. */
function two(text: string, at: number): number {
  const tens = text.charCodeAt(at) - ZERO
  const ones = text.charCodeAt(at + 1) - ZERO
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : NONE
}

/** Midnight of a date in the Gregorian calendar, ms. NaN for a date that does not exist. */
function day(year: number, month: number, date: number): number {
  if (year < 100 || year > 9999 || month < 1 || month > 12 || date < 1) return Number.NaN
  const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
  if (date > (month === 2 && isLeap ? 29 : DAYS_OF_MONTH[month - 1]!)) return Number.NaN
  // If years begin in March, the leap day is their last day, so the days before a month need no table. 719,468 days
  // precede 1970.
  const shifted = month > 2 ? year : year - 1
  const ofYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + date - 1
  const leapDays = Math.floor(shifted / 4) - Math.floor(shifted / 100) + Math.floor(shifted / 400)
  return (shifted * 365 + leapDays + ofYear - 719_468) * DAY_MS
}

/**
 * The offset of a time zone from UTC, ms: `Z`, `+02`, `+0200` or `+02:00`, up to the end of the text. NaN for anything
 * else.
 */
function offset(text: string, at: number, end: number): number {
  const sign = text.charCodeAt(at)
  if (sign === UPPER_Z || sign === LOWER_Z) return at + 1 === end ? 0 : Number.NaN
  if (sign !== PLUS && sign !== DASH) return Number.NaN
  const hours = two(text, at + 1)
  const isBare = at + 3 === end
  const minutesAt = text.charCodeAt(at + 3) === COLON ? at + 4 : at + 3
  const minutes = isBare ? 0 : two(text, minutesAt)
  if (hours > 23 || minutes > 59 || (!isBare && minutesAt + 2 !== end)) return Number.NaN
  const ms = hours * HOUR_MS + minutes * MINUTE_MS
  return sign === DASH ? -ms : ms
}

function refusal(text: unknown, isZoned: boolean): RecordRejection {
  const found = typeof text === 'string' ? SHAPE.exec(text) : null
  if (found === null) return bad(text, 'an ISO 8601 time such as 2001-01-01T00:03:00Z')
  return isZoned && found[1] === undefined
    ? bad(text, "a time with its zone ('Z' or '+02:00'); isoUtc() accepts a time without one as UTC")
    : bad(text, 'a date that exists, from the year 100 on')
}

/**
 * The message shows the beginning of the value. The message goes to the dead letter of the user, who owns the value and
 * needs it to find the fault.
 */
function bad(text: unknown, wanted: string): RecordRejection {
  return new RecordRejection('bad-timestamp', `A timestamp must be ${wanted}; this one is ${glimpse(text)}.`)
}
