import { SLICE_MS_MIN } from '../base/index.js'
import { gcd, type WindowSpec } from './window.js'

/** A half-open interval of event time, [start, end), in ms. */
export interface Interval {
  readonly start: number
  readonly end: number
}

/**
 * The state at a watermark of the windows that contain an instant. By ascending end: first the expired ones, then the
 * late ones, then the open ones.
 */
export interface WindowStanding {
  readonly count: number
  /** Windows whose end + allowed lateness is at or below the watermark: they no longer accept rows. */
  readonly expired: number
  /** Windows that have ended but still accept rows. */
  readonly late: number
  /** The end of the first of all these windows. */
  readonly firstEnd: number
}

const HOUR_MS = 3_600_000
const MINUTE_MS = 60_000
/** Slices in a bucket if slices are shorter than a minute. */
const NARROW_SLICES_PER_BUCKET = 8
/**
 * The open slices of an operator are in this many buckets, and one more. However widely the timestamps of a batch are
 * spread, it writes only a few segments.
 */
const OPEN_BUCKETS = 2
/** Round durations, in ms, up to the widest slice. */
const ROUND_MS: readonly number[] = [
  100,
  200,
  250,
  500,
  ...[1, 2, 5, 10, 15, 20, 30].map((s) => s * 1000),
  ...[1, 2, 5, 10, 15, 20, 30].map((m) => m * MINUTE_MS),
  HOUR_MS,
]

/** The widest step at which windows of this kind start and end. Every window is a union of such intervals. */
export function gridMs(spec: WindowSpec): number {
  return spec.kind === 'hopping' ? gcd(spec.sizeMs, spec.stepMs) : spec.stepMs
}

/**
 * The width of a slice: the grid of the windows, or, if the allowed lateness or an hour is shorter, the largest round
 * divisor of the grid up to that. Final values never depend on it. It only determines which late records share a pane.
 */
export function sliceMs(spec: WindowSpec, allowedLatenessMs: number): number {
  const grid = gridMs(spec)
  const limit = allowedLatenessMs > 0 ? Math.min(HOUR_MS, Math.max(SLICE_MS_MIN, allowedLatenessMs)) : HOUR_MS
  if (grid <= limit) return grid
  return ROUND_MS.findLast((ms) => ms <= limit && grid % ms === 0) ?? largestDivisor(grid, limit)
}

/** The longest round duration up to this one, and the shortest round duration if it is below all of them, ms. */
export function roundDownMs(ms: number): number {
  return ROUND_MS.findLast((round) => round <= ms) ?? ROUND_MS[0]!
}

/**
 * The largest divisor of the grid within the limits, or the grid itself if there is none. Divisors come in pairs, so
 * the square root of the grid bounds the loop (invariant 11): 186,000 iterations for 400 days.
 */
function largestDivisor(grid: number, limit: number): number {
  let largest = 0
  for (let divisor = 1; divisor * divisor <= grid; divisor++) {
    if (grid % divisor !== 0) continue
    for (const width of [divisor, grid / divisor])
      if (width >= SLICE_MS_MIN && width <= limit && width > largest) largest = width
  }
  return largest === 0 ? grid : largest
}

/**
 * The geometry of one operator's windows: slices, buckets and the windows over them. It is pure integer arithmetic. An
 * instant belongs to the last slice that starts at or before it.
 */
export class Slices {
  readonly widthMs: number
  /** The length of the longest window, ms. */
  readonly spanMs: number
  readonly slicesPerBucket: number
  readonly bucketMs: number
  /** Approximately how far above its own watermark a split has rows, ms. */
  readonly openMs: number
  readonly spec: WindowSpec
  readonly offsetMs: number
  readonly allowedLatenessMs: number
  /** How long after its end a window has its only pane, in whole slices, ms. 0 if it has a pane at its end. */
  readonly lagMs: number

  /**
   * A key with a row this long before the end of a window, or less, has a result of that window, even if the window is
   * empty, ms. 0 if empty windows give no results.
   */
  readonly horizonMs: number

  /**
   * `openMs`: approximately how far above its own watermark a split has rows. `isFinal`: a window has one pane, when
   * its lateness is over.
   */
  constructor(
    spec: WindowSpec,
    offsetMs: number,
    allowedLatenessMs: number,
    openMs = 0,
    isFinal = false,
    horizonMs = 0,
  ) {
    this.horizonMs = horizonMs
    this.spec = spec
    this.offsetMs = offsetMs
    this.allowedLatenessMs = allowedLatenessMs
    this.widthMs = sliceMs(spec, allowedLatenessMs)
    this.spanMs = spec.sizeMs
    this.openMs = openMs
    this.slicesPerBucket = Math.max(
      this.widthMs >= MINUTE_MS ? 1 : NARROW_SLICES_PER_BUCKET,
      Math.ceil(openMs / this.widthMs / OPEN_BUCKETS),
    )
    this.bucketMs = this.widthMs * this.slicesPerBucket
    this.lagMs = isFinal ? Math.ceil(allowedLatenessMs / this.widthMs) * this.widthMs : 0
  }

  /** How long after it was written a row may be read, if event time follows the clock, ms. */
  get readMs(): number {
    return this.backMs + this.keepMs + this.openMs + this.bucketMs
  }

  /** How far before the end of a window its panes read, ms. */
  get backMs(): number {
    return Math.max(this.spanMs, this.horizonMs)
  }

  /** How long after its end a window may still have a pane, ms. */
  get keepMs(): number {
    return Math.max(this.allowedLatenessMs, this.lagMs)
  }

  /** The end of the slice that contains the instant. */
  sliceEnd(time: number): number {
    return (Math.floor((time - this.offsetMs) / this.widthMs) + 1) * this.widthMs + this.offsetMs
  }

  /** The highest slice end at or below the watermark: every slice up to it is closed. */
  frontier(watermark: number): number {
    return Math.floor((watermark - this.offsetMs) / this.widthMs) * this.widthMs + this.offsetMs
  }

  /** The end of the bucket that contains the slice with this end. */
  bucketEnd(sliceEnd: number): number {
    return Math.ceil((sliceEnd - this.offsetMs) / this.bucketMs) * this.bucketMs + this.offsetMs
  }

  /** How many windows contain an instant. */
  windowCount(time: number): number {
    const { kind, sizeMs, stepMs } = this.spec
    if (kind === 'tumbling') return 1
    const into = modulo(time - this.offsetMs, kind === 'hopping' ? stepMs : sizeMs)
    if (kind === 'cumulate') return sizeMs / stepMs - Math.floor(into / stepMs)
    return into < sizeMs ? Math.floor((sizeMs - into - 1) / stepMs) + 1 : 0
  }

  /** The windows that hold an instant, by ascending end. */
  windowsOf(time: number): Interval[] {
    const { kind, sizeMs, stepMs } = this.spec
    const windows: Interval[] = []
    if (kind === 'cumulate') {
      const start = time - modulo(time - this.offsetMs, sizeMs)
      for (let end = start + stepMs; end <= start + sizeMs; end += stepMs) if (end > time) windows.push({ start, end })
      return windows
    }
    const latest = time - modulo(time - this.offsetMs, stepMs)
    for (let start = latest; start > time - sizeMs; start -= stepMs) windows.push({ start, end: start + sizeMs })
    return windows.reverse()
  }

  /**
   * At an effective own watermark, how many of the windows that contain an instant no longer accept rows, and how many
   * have ended but still accept rows.
   */
  standing(time: number, own: number): WindowStanding {
    const { kind, sizeMs, stepMs } = this.spec
    const count = this.windowCount(time)
    // The windows that contain an instant are one step apart, starting with the one that ends first.
    const latest = time - modulo(time - this.offsetMs, kind === 'cumulate' ? sizeMs : stepMs)
    const firstEnd =
      kind === 'cumulate' ? latest + (sizeMs / stepMs - count + 1) * stepMs : latest - (count - 1) * stepMs + sizeMs
    const endedBy = (watermark: number): number =>
      Math.max(0, Math.min(count, Math.floor((watermark - firstEnd) / stepMs) + 1))
    const expired = endedBy(own - this.allowedLatenessMs)
    return { count, expired, late: endedBy(own) - expired, firstEnd }
  }

  /** The n-th of the windows that `standing` describes, by ascending end. */
  windowAt({ firstEnd }: WindowStanding, n: number): Interval {
    const { kind, sizeMs, stepMs } = this.spec
    const end = firstEnd + n * stepMs
    return { start: kind === 'cumulate' ? end - 1 - modulo(end - 1 - this.offsetMs, sizeMs) : end - sizeMs, end }
  }

  /** The window that ends exactly here, if there is one. */
  windowEnding(end: number): Interval | undefined {
    const { kind, sizeMs, stepMs } = this.spec
    if (kind === 'cumulate') {
      if (modulo(end - this.offsetMs, stepMs) !== 0) return undefined
      return { start: end - 1 - modulo(end - 1 - this.offsetMs, sizeMs), end }
    }
    const start = end - sizeMs
    return modulo(start - this.offsetMs, stepMs) === 0 ? { start, end } : undefined
  }

  /**
   * The start of the earliest window that may still have a pane once every slice up to this one is closed. Rows before
   * it are not read again; all rows from it on may be. Without late rows, only windows that have not ended have another
   * pane.
   */
  neededFrom(closed: number, latenessMs = this.allowedLatenessMs): number {
    const { kind, sizeMs, stepMs } = this.spec
    const grid = kind === 'hopping' ? sizeMs : 0
    // The first window end above the closed slices, minus the allowed lateness.
    const ended = closed - Math.max(latenessMs, this.lagMs)
    const end = (Math.floor((ended - grid - this.offsetMs) / stepMs) + 1) * stepMs + grid + this.offsetMs
    const start = kind === 'cumulate' ? end - 1 - modulo(end - 1 - this.offsetMs, sizeMs) : end - sizeMs
    // If windows have gaps, late rows are in slices that no window contains.
    return Math.min(start, closed, this.horizonMs === 0 ? closed : this.frontier(end - this.horizonMs))
  }

  /**
   * The times at which the windows with an on-time pane because of rows in a slice close, if later than `after`.
   * Ascending, and computed lazily.
   */
  *closings(sliceEnd: number, after: number): Generator<number> {
    for (const { end } of this.windowsOf(sliceEnd - 1)) if (end + this.lagMs > after) yield end + this.lagMs
    if (this.horizonMs === 0) return
    const { kind, sizeMs, stepMs } = this.spec
    const grid = (kind === 'hopping' ? sizeMs : 0) + this.offsetMs
    const last = this.lastWindowEnd(sliceEnd)
    for (
      let end = Math.ceil((Math.max(last + 1, after - this.lagMs + 1) - grid) / stepMs) * stepMs + grid;
      end < sliceEnd + this.horizonMs;
      end += stepMs
    )
      yield end + this.lagMs
  }

  /** The end of the last window that contains rows of a slice, or the last instant of the slice if no window does. */
  private lastWindowEnd(sliceEnd: number): number {
    return this.windowsOf(sliceEnd - 1).at(-1)?.end ?? sliceEnd - 1
  }

  /**
   * The end of the last window that contains an instant. If windows have gaps, the end of the last window that starts
   * before it.
   */
  lastEnd(time: number): number {
    const { kind, sizeMs, stepMs } = this.spec
    return time - modulo(time - this.offsetMs, kind === 'cumulate' ? sizeMs : stepMs) + sizeMs
  }

  /**
   * Whether a record counts in a window: if the end + allowed lateness of the window is above the effective own
   * watermark.
   */
  counts(windowEnd: number, own: number): boolean {
    return windowEnd + this.allowedLatenessMs > own
  }

  /** The last slice at whose closing the window may still have a pane. */
  lastPaneSlice(windowEnd: number): number {
    return this.sliceEnd(windowEnd + this.allowedLatenessMs - 1)
  }
}

/** A remainder that is never negative, so that windows before 1970 start at the right times too. */
function modulo(a: number, b: number): number {
  const rest = a % b
  return rest < 0 ? rest + b : rest
}
