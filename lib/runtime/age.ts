import { CLOCK_BOUND_MS } from '../base/index.js'

/**
 * How long ago a clock wrote a time, in ms. Clocks differ. A time that is further ahead of this clock than a bound was
 * written by a wrong clock. It counts as long past, so that nothing waits for a time that may be years away (invariant
 * 11).
 */
export function ageMs(now: number, then: number): number {
  if (then > now + CLOCK_BOUND_MS) return Number.POSITIVE_INFINITY // guard: clock-bound
  return Math.max(0, now - then)
}
