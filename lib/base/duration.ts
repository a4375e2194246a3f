import { ConfigError, shown } from './errors.js'

type Unit = 'ms' | 's' | 'm' | 'h' | 'd' | 'w'
type DurationText =
  | `${number}${Unit}`
  | `${number}${Unit}${number}${Unit}`
  | `${number}${Unit}${number}${Unit}${number}${Unit}`

/**
 * A length of time: `'250ms'`, `'5s'`, `'90m'`, `'1h30m'`, `'7d'`, `'2w'`, or milliseconds as a whole number. Text of a
 * configuration, whose value a compiler cannot see, becomes one by `duration(text)`.
 */
export type Duration = number | DurationText

const UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
}
const DURATION_MS_MAX = 400 * 86_400_000
const SHAPE = /^(?:\d+(?:ms|s|m|h|d|w))+$/

/**
 * Milliseconds of a duration.
 * @throws {ConfigError} `bad-duration`, naming what it is for, the value and the fix
 */
export function milliseconds(duration: number | string, what: string, min = 0): number {
  const ms = typeof duration === 'string' ? parse(duration) : duration
  if (typeof ms !== 'number' || !Number.isSafeInteger(ms)) {
    throw new ConfigError(
      'bad-duration',
      `${what} must be a duration such as '30s', '5m', '1h30m', or whole milliseconds; it is ${shown(duration)}.${typeof duration === 'string' && /\d *[A-Za-z]/.test(duration) ? ' Its units are ms, s, m, h, d and w, without signs and blanks.' : ''}`,
    )
  }
  if (ms < min || ms > DURATION_MS_MAX) {
    throw new ConfigError(
      'bad-duration',
      `${what} must lie between ${formatDuration(min)} and ${formatDuration(DURATION_MS_MAX)}; it is ${formatDuration(ms)}.`,
    )
  }
  return ms
}

/**
 * A text that holds a duration, of a configuration, say.
 * @throws {ConfigError} `bad-duration`
 * @example tumbling(duration(process.env.WINDOW ?? '5m'))
 */
export function duration(text: string): Duration {
  milliseconds(text, 'A duration')
  return text as Duration
}

/**
 * The same with a sign before it, which moves the other way.
 * @throws {ConfigError} `bad-duration`
 */
export function signedMilliseconds(duration: number | string, what: string): number {
  if (typeof duration === 'number') return Math.sign(duration) * milliseconds(Math.abs(duration), what)
  if (typeof duration !== 'string') return milliseconds(duration, what)
  const [, sign = '', size = duration] = /^([+-])(.*)$/.exec(duration) ?? []
  if (/^[A-Za-z]+(\/|$)/.test(size))
    throw new ConfigError(
      'bad-duration',
      `${what} must be a duration such as '-1h' or '5h30m'; it is ${shown(duration)}. Windows start by UTC: a zone with summer time has no one offset, so give that of the time of year that counts.`,
    )
  return (sign === '-' ? -1 : 1) * milliseconds(size, what)
}

function parse(text: string): number {
  if (!SHAPE.test(text)) return Number.NaN
  let ms = 0
  for (const [, count, unit] of text.matchAll(/(\d+)(ms|s|m|h|d|w)/g)) ms += Number(count) * UNITS[unit!]!
  return ms
}

/** The shortest exact text of a duration: `5400000` is `'1h30m'`. */
export function formatDuration(ms: number): string {
  if (!Number.isFinite(ms)) return String(ms)
  if (ms === 0) return '0s'
  let left = Math.abs(ms)
  let text = ms < 0 ? '-' : ''
  for (const unit of ['d', 'h', 'm', 's', 'ms']) {
    const count = Math.floor(left / UNITS[unit]!)
    if (count > 0) text += `${count}${unit}`
    left -= count * UNITS[unit]!
  }
  return text
}
