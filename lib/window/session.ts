import { ConfigError, checkFunction, type Duration, formatDuration, glimpse, milliseconds } from '../base/index.js'

/**
 * Windows of one key that follow its rows. Rows whose distance is at most the gap are in one session. `gapMs` is a
 * number, or a function of the row that returns a duration.
 */
export interface SessionSpec<T = any> {
  readonly kind: 'session'
  readonly gapMs: number | ((row: T) => Duration)
}

/** The shortest gap of a session, ms. */
const GAP_MS_MIN = 1

/**
 * Sessions of each key: a session ends when no row has come for the length of the gap. A row at exactly that distance
 * still belongs to it. Its window begins with its first row and ends one gap after its last row.
 *
 * The gap may depend on the row: then a session lasts until the latest of (time of a row + its gap).
 * @example session('30m')
 * @example session((visit: Visit) => (visit.isMobile ? '10m' : '30m'))
 */
export function session<T = any>(gap: Duration | ((row: T) => Duration)): SessionSpec<T> {
  if (typeof gap === 'function') {
    checkFunction('bad-window', 'The gap of session()', gap)
    return Object.freeze({ kind: 'session', gapMs: gap })
  }
  if (typeof gap === 'object')
    throw new ConfigError(
      'bad-window',
      `session() takes its gap alone: session('30m'), or a function of the row; it got ${glimpse(gap)}.`,
    )
  return Object.freeze({ kind: 'session', gapMs: milliseconds(gap, 'The gap of a session window', GAP_MS_MIN) })
}

/** A session window as text, as a user would write it. */
export function describeSession({ gapMs }: SessionSpec): string {
  return `session(${typeof gapMs === 'number' ? formatDuration(gapMs) : 'gap of the row'})`
}
