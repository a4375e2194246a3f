import { TIME_MAX } from '../base/index.js'
import type { OperatorPlan } from '../pipeline/index.js'
import { keyGroupOf, laneOf } from './fold.js'
import { type EntryReader, KnownKeys } from './segment.js'
import { SliceCache } from './slice-cache.js'

/** A bucket of which some slices are open still: how far each chain of it was read. */
export interface OpenBucket {
  readonly end: number
  readonly chains: Map<string, string>
  readonly bytes: number
}

/**
 * What a warm container keeps of one lane: the slices of its key groups, each decoded once, whoever closes them. `from`
 * and `to` are the buckets of one gapless stretch of which all slices are closed; `open` is the bucket after it, of
 * which only what is new is read again.
 */
export class LaneCache {
  readonly groups = new Map<number, SliceCache>()
  readonly keys = new KnownKeys()
  from = TIME_MAX
  to = -TIME_MAX
  open: OpenBucket | undefined
  /** Settles when the attempt before has left the cache. */
  turn: Promise<void> = Promise.resolve()
  /** An attempt is at work on it. */
  busy = false
  private readonly operator: OperatorPlan
  /** The oldest bucket that a key group may still read, of those that were at work here. */
  private readonly needs = new Map<number, number>()
  /** Heap by bucket. */
  private readonly weights = new Map<number, number>()

  constructor(operator: OperatorPlan) {
    this.operator = operator
  }

  get isEmpty(): boolean {
    return this.from > this.to
  }

  get bytes(): number {
    let sum = 0
    for (const bytes of this.weights.values()) sum += bytes
    return sum
  }

  /** All from `lo` to `to` is here, and so is what was before. Where `to` lies before `lo` nothing of it may stay. */
  extend(lo: number, to: number): void {
    if (this.isEmpty) {
      this.from = lo
      // An empty one holds nothing, wherever it ended once.
      this.to = to // guard: empty-cache-anew
    } else this.to = Math.max(this.to, to)
  }

  group(keyGroup: number): SliceCache {
    let group = this.groups.get(keyGroup)
    if (group === undefined) {
      group = new SliceCache(this.operator)
      this.groups.set(keyGroup, group)
    }
    return group
  }

  weigh(bucket: number, bytes: number): void {
    this.weights.set(bucket, (this.weights.get(bucket) ?? 0) + bytes)
  }

  /** A reader that deals a segment's entries to the key groups. */
  reader(): EntryReader {
    const { keyGroups } = this.operator
    return {
      cell: (slice, key, text, hash, accs) =>
        this.group(keyGroupOf(hash, keyGroups)).addCell(slice, { key, text, hash, accs }),
      late: (carrier, own, first, key, text, hash, accs) =>
        this.group(keyGroupOf(hash, keyGroups)).addLate({ key, text, hash, accs, carrier, own, first }),
    }
  }

  /** Forgets the buckets, by their ends, for which `test` holds. */
  forget(test: (bucket: number) => boolean): void {
    const { slices } = this.operator
    for (const group of this.groups.values()) group.forget((end) => test(slices.bucketEnd(end)))
    for (const bucket of this.weights.keys()) if (test(bucket)) this.weights.delete(bucket)
    if (this.open !== undefined && test(this.open.end)) this.open = undefined
  }

  clear(): void {
    this.groups.clear()
    this.weights.clear()
    this.open = undefined
    this.from = TIME_MAX
    this.to = -TIME_MAX
  }

  /** Forgets what lies before a bucket. Who needs it still reads it again. */
  trim(oldestBucket: number): void {
    if (this.isEmpty || oldestBucket <= this.from) return
    this.forget((bucket) => bucket < oldestBucket)
    this.from = oldestBucket
    if (this.isEmpty) this.clear()
  }

  /** A key group needs nothing before this bucket any more. What none of the lane needs is forgotten. */
  release(keyGroup: number, oldestBucket: number): void {
    const { keyGroups, lanes } = this.operator
    this.needs.set(keyGroup, oldestBucket)
    const lane = laneOf(keyGroup, this.operator)
    const firstOf = (of: number): number => Math.ceil((of * keyGroups) / lanes)
    if (this.needs.size === firstOf(lane + 1) - firstOf(lane)) this.trim(Math.min(...this.needs.values()))
  }
}
