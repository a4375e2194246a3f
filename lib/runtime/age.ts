import { CLOCK_BOUND_MS } from '../base/index.js'

/**
 * How long ago a clock wrote a time, ms. Clocks differ: a time that lies ahead of this one's by more than a bound was
 * written by a clock that is wrong, and counts as long past, so that nothing waits for a time that may be years away
 * (invariant 11).
 */
export function ageMs(now: number, then: number): number {
  if (then > now + CLOCK_BOUND_MS) return Number.POSITIVE_INFINITY // guard: clock-bound
  return Math.max(0, now - then)
}
