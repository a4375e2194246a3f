import { TIME_MAX } from '../base/index.js'
import type { OperatorPlan } from '../pipeline/index.js'
import { keyGroupOf, laneOf } from './fold.js'
import { type EntryReader, KnownKeys } from './segment.js'
import { SliceCache } from './slice-cache.js'

/** A bucket some of whose slices are still open, with the position up to which each of its chains was read. */
export interface OpenBucket {
  readonly end: number
  readonly chains: Map<string, string>
  readonly bytes: number
}

/**
 * What a warm container keeps of one lane: the slices of its key groups. Each slice is decoded once, whichever key
 * group closes it. `from` and `to` delimit a gapless range of buckets whose slices are all closed. `open` is the bucket
 * after it; only its new segments are read again.
 */
export class LaneCache {
  readonly groups = new Map<number, SliceCache>()
  readonly keys = new KnownKeys()
  from = TIME_MAX
  to = -TIME_MAX
  open: OpenBucket | undefined
  /** Settles when the previous attempt has finished with the cache. */
  turn: Promise<void> = Promise.resolve()
  /** Whether an attempt is using the cache. */
  busy = false
  private readonly operator: OperatorPlan
  /** For each key group that was worked on here: the oldest bucket that it may still read. */
  private readonly needs = new Map<number, number>()
  /** Heap in bytes, by bucket. */
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

  /**
   * Records that everything from `lo` to `to` is cached, in addition to what was cached before. If `to` is before `lo`,
   * nothing of the range may stay.
   */
  extend(lo: number, to: number): void {
    if (this.isEmpty) {
      this.from = lo
      // An empty cache holds nothing, whatever its `to` was before.
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

  /** Returns a reader that distributes a segment's entries to the key groups. */
  reader(): EntryReader {
    const { keyGroups } = this.operator
    return {
      cell: (slice, key, text, hash, accs) =>
        this.group(keyGroupOf(hash, keyGroups)).addCell(slice, { key, text, hash, accs }),
      late: (carrier, own, first, key, text, hash, accs) =>
        this.group(keyGroupOf(hash, keyGroups)).addLate({ key, text, hash, accs, carrier, own, first }),
    }
  }

  /** Drops the buckets for whose end `test` returns true. */
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

  /** Drops everything before a bucket. A key group that still needs it reads it again. */
  trim(oldestBucket: number): void {
    if (this.isEmpty || oldestBucket <= this.from) return
    this.forget((bucket) => bucket < oldestBucket)
    this.from = oldestBucket
    if (this.isEmpty) this.clear()
  }

  /**
   * Notes that a key group needs nothing before this bucket any more, and drops what no key group of the lane needs.
   */
  release(keyGroup: number, oldestBucket: number): void {
    const { keyGroups, lanes } = this.operator
    this.needs.set(keyGroup, oldestBucket)
    const lane = laneOf(keyGroup, this.operator)
    const firstOf = (of: number): number => Math.ceil((of * keyGroups) / lanes)
    if (this.needs.size === firstOf(lane + 1) - firstOf(lane)) this.trim(Math.min(...this.needs.values()))
  }
}
