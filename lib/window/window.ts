import {
  ConfigError,
  type Duration,
  formatDuration,
  milliseconds,
  SLICE_MS_MIN,
  WINDOWS_PER_RECORD_MAX,
} from '../base/index.js'

/**
 * A window function, as plain data. `stepMs` is the slide of a hopping window, the step of a cumulating one, or the
 * size of a tumbling one.
 */
export interface WindowSpec {
  readonly kind: 'tumbling' | 'hopping' | 'cumulate'
  readonly sizeMs: number
  readonly stepMs: number
}

/**
 * Consecutive windows of one size, without gaps.
 * @example tumbling('1h')
 */
export function tumbling(size: Duration): WindowSpec {
  const sizeMs = milliseconds(size, 'The size of a tumbling window', SLICE_MS_MIN)
  return Object.freeze({ kind: 'tumbling', sizeMs, stepMs: sizeMs })
}

/**
 * Windows of one size that start every `slide`. Each record falls into size / slide of them.
 * @example hopping('1h', '15m')
 */
export function hopping(size: Duration, slide: Duration): WindowSpec {
  const sizeMs = milliseconds(size, 'The size of a hopping window', SLICE_MS_MIN)
  const stepMs = milliseconds(slide, 'The slide of a hopping window', SLICE_MS_MIN)
  const grid = gcd(sizeMs, stepMs)
  if (grid < SLICE_MS_MIN) {
    throw new ConfigError(
      'bad-window',
      `The size and slide of a hopping window need a common divisor of at least ${formatDuration(SLICE_MS_MIN)}; ${formatDuration(sizeMs)} and ${formatDuration(stepMs)} have ${formatDuration(grid)}. Use rounder durations.`,
    )
  }
  checkCount('hopping', sizeMs, stepMs, 'slide')
  return Object.freeze({ kind: 'hopping', sizeMs, stepMs })
}

/**
 * Windows that start together every `size` and grow by `step` up to it: totals so far.
 * @example cumulate('1d', '1h')
 */
export function cumulate(size: Duration, step: Duration): WindowSpec {
  const sizeMs = milliseconds(size, 'The size of a cumulate window', SLICE_MS_MIN)
  const stepMs = milliseconds(step, 'The step of a cumulate window', SLICE_MS_MIN)
  if (sizeMs % stepMs !== 0) {
    const fits = Math.max(1, Math.round(sizeMs / stepMs)) * stepMs
    throw new ConfigError(
      'bad-window',
      `The size of a cumulate window must be a multiple of its step; ${formatDuration(sizeMs)} is not a multiple of ${formatDuration(stepMs)}. A size of ${formatDuration(fits)} would be.`,
    )
  }
  checkCount('cumulate', sizeMs, stepMs, 'step')
  return Object.freeze({ kind: 'cumulate', sizeMs, stepMs })
}

function checkCount(kind: string, sizeMs: number, stepMs: number, step: string): void {
  const count = Math.ceil(sizeMs / stepMs)
  if (count <= WINDOWS_PER_RECORD_MAX) return
  throw new ConfigError(
    'bad-window',
    `A record may fall into at most ${WINDOWS_PER_RECORD_MAX} windows; a ${kind} window of ${formatDuration(sizeMs)} with a ${step} of ${formatDuration(stepMs)} gives ${count}. Use a longer ${step}.`,
  )
}

export function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b)
}

/** A window function as text, as a user would write it. */
export function describeWindow(spec: WindowSpec): string {
  const size = formatDuration(spec.sizeMs)
  return spec.kind === 'tumbling' ? `tumbling(${size})` : `${spec.kind}(${size}, ${formatDuration(spec.stepMs)})`
}
