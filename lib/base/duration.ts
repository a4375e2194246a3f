import { ConfigError, shown } from './errors.js'

type Unit = 'ms' | 's' | 'm' | 'h' | 'd' | 'w'
type DurationText =
  | `${number}${Unit}`
  | `${number}${Unit}${number}${Unit}`
  | `${number}${Unit}${number}${Unit}${number}${Unit}`

/**
 * A length of time: `'250ms'`, `'5s'`, `'90m'`, `'1h30m'`, `'7d'`, `'2w'`, or milliseconds as a whole number. Use
 * `duration(text)` for text that the compiler cannot check, such as a configuration value.
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
 * Converts a duration to milliseconds. `what` names its use and begins the error message.
 * @throws {ConfigError} `bad-duration`, with the use, the value and the fix
 */
export function milliseconds(duration: number | string, what: string, min = 0): number {
  const ms = typeof duration === 'string' ? parse(duration) : duration
  if (typeof ms !== 'number' || !Number.isSafeInteger(ms)) {
    throw new ConfigError(
      'bad-duration',
      `${what} must be a duration such as '30s', '5m', '1h30m', or whole milliseconds; it is ${shown(duration)}.${typeof duration === 'string' && /\d *[A-Za-z]/.test(duration) ? ' The units are ms, s, m, h, d and w. Signs and spaces are not allowed.' : ''}`,
    )
  }
  if (ms < min || ms > DURATION_MS_MAX) {
    throw new ConfigError(
      'bad-duration',
      `${what} must be between ${formatDuration(min)} and ${formatDuration(DURATION_MS_MAX)}; it is ${formatDuration(ms)}.`,
    )
  }
  return ms
}

/**
 * Checks text that holds a duration, such as a configuration value.
 * @throws {ConfigError} `bad-duration`
 * @example tumbling(duration(process.env.WINDOW ?? '5m'))
 */
export function duration(text: string): Duration {
  milliseconds(text, 'A duration')
  return text as Duration
}

/**
 * Converts a duration to milliseconds. The text may start with a sign: `'-1h'` is negative.
 * @throws {ConfigError} `bad-duration`
 */
export function signedMilliseconds(duration: number | string, what: string): number {
  if (typeof duration === 'number') return Math.sign(duration) * milliseconds(Math.abs(duration), what)
  if (typeof duration !== 'string') return milliseconds(duration, what)
  const [, sign = '', size = duration] = /^([+-])(.*)$/.exec(duration) ?? []
  if (/^[A-Za-z]+(\/|$)/.test(size))
    throw new ConfigError(
      'bad-duration',
      `${what} must be a duration such as '-1h' or '5h30m'; it is ${shown(duration)}. Windows are aligned to UTC. A time zone with daylight saving time has no single offset: give the offset that you need, such as '-5h'.`,
    )
  return (sign === '-' ? -1 : 1) * milliseconds(size, what)
}

function parse(text: string): number {
  if (!SHAPE.test(text)) return Number.NaN
  let ms = 0
  for (const [, count, unit] of text.matchAll(/(\d+)(ms|s|m|h|d|w)/g)) ms += Number(count) * UNITS[unit!]!
  return ms
}

/** The shortest exact text of a duration: `5400000` gives `'1h30m'`. */
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
