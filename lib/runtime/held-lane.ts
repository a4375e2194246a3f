import { TIME_MAX, TIME_MIN } from '../base/index.js'
import type { OperatorPlan } from '../pipeline/index.js'
import { type Cursor, doneBefore } from './cursor.js'
import { laneOf } from './fold.js'
import type { Host } from './host.js'
import type { LaneCache } from './lane-cache.js'
import { hold } from './load.js'

/** What a key group needs of its lane's cache. */
export class HeldLane {
  private readonly host: Host
  private readonly operator: OperatorPlan
  private readonly keyGroup: number
  private readonly cache: LaneCache

  constructor(host: Host, operator: OperatorPlan, keyGroup: number, cache: LaneCache) {
    this.host = host
    this.operator = operator
    this.keyGroup = keyGroup
    this.cache = cache
  }

  /**
   * The bucket of the slice that closes next. It must be read however small the limit is: without it the cursor cannot
   * move.
   */
  needed(from: Cursor): number {
    const { slices } = this.operator
    if (from.slice === TIME_MIN) return TIME_MIN
    return slices.bucketEnd(from.hash === undefined ? from.slice + slices.widthMs : from.slice)
  }

  /**
   * Makes the cache hold what closing the next slices reads. Returns the slice up to which it does, or undefined if
   * that does not fit into the heap. Every slice up to `frontier` is closed.
   */
  async hold(from: Cursor, needed: number, frontier: number): Promise<number | undefined> {
    const { slices } = this.operator
    const { host, operator, keyGroup, cache } = this
    const lane = laneOf(keyGroup, operator)
    const closed = doneBefore(from, operator)
    // A window that ends after the cursor may have begun one span before it. Older data that no such window contains
    // may already have been deleted.
    const lo = from.slice === TIME_MIN ? TIME_MIN : slices.bucketEnd(slices.neededFrom(closed, 0) + slices.widthMs)
    const hi = frontier === TIME_MAX ? TIME_MAX : slices.bucketEnd(frontier)
    const reached = await hold(host, operator, lane, cache, { lo, hi, frozen: frontier, needed })
    if (reached === undefined) return undefined
    const upTo = Math.min(frontier, reached)
    let hasLates = false
    for (const { end, lates } of cache.group(keyGroup).slices.values())
      hasLates ||= lates.size > 0 && end >= from.slice && end <= upTo
    // Late panes read windows that have already ended, as far back as the allowed lateness.
    if (hasLates && lo > TIME_MIN) {
      const back = slices.bucketEnd(slices.neededFrom(closed) + slices.widthMs)
      if (back >= lo) return upTo
      const again = await hold(host, operator, lane, cache, { lo: back, hi, frozen: frontier, needed })
      // With more to hold, the cache may not reach as far.
      return again === undefined ? undefined : Math.min(upTo, again)
    }
    return upTo
  }

  /** Lets go of what this key group does not need any more: only buckets that windows may read which are still open. */
  release(at: Cursor): void {
    const { slices } = this.operator
    const oldest = doneBefore(at, this.operator) - slices.backMs - slices.keepMs - slices.widthMs
    this.cache.release(this.keyGroup, slices.bucketEnd(Math.max(TIME_MIN, oldest)))
  }
}
