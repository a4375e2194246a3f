import type { Key } from '../base/index.js'
import { TIME_MAX } from '../base/index.js'
import type { OperatorPlan } from '../pipeline/index.js'
import { type Cell, type EntryReader, KnownKeys, type LateCell } from './segment.js'

/** What all splits have in one slice of one key group, merged. */
export interface SliceData {
  readonly end: number
  readonly cells: Map<string, Cell>
  /** Rows that travel in this slice but belong to earlier ones, by key. */
  readonly lates: Map<string, LateCell[]>
  bytes: number
}

/**
 * Closed slices of one key group that a warm container keeps. What is closed never changes (law 7), so a copy of it is never stale, whoever
 * moved the cursor since. `from` and `to` are the buckets of one gapless stretch that is held.
 */
export class SliceCache {
  readonly slices = new Map<number, SliceData>()
  readonly keys = new KnownKeys()
  from = TIME_MAX
  to = -TIME_MAX
  /** Settles when the attempt before has left the cache. */
  turn: Promise<void> = Promise.resolve()
  /** An attempt is at work on it. */
  busy = false
  bytes = 0
  private last: SliceData | undefined

  get isEmpty(): boolean {
    return this.from > this.to
  }

  slice(end: number): SliceData | undefined {
    return this.slices.get(end)
  }

  /** A reader that merges a segment's entries in. `weigh` is told of bytes first, so that the cache knows its size. */
  reader(operator: OperatorPlan): EntryReader {
    const { folds } = operator
    const mergeInto = (mine: any[], theirs: any[]): void => {
      for (let i = 0; i < folds.length; i++) mine[i] = folds[i]!.merge(mine[i], theirs[i])
    }
    return {
      cell: (slice, key: Key, text, hash, accs) => {
        const { cells } = this.at(slice)
        const cell = cells.get(text)
        if (cell === undefined) cells.set(text, { key, text, hash, accs })
        else mergeInto(cell.accs, accs)
      },
      late: (carrier, own, first, key: Key, text, hash, accs) => {
        const { lates } = this.at(carrier)
        const list = lates.get(text)
        const same = list?.find((late) => late.own === own && late.first === first)
        if (same !== undefined) mergeInto(same.accs, accs)
        else if (list === undefined) lates.set(text, [{ key, text, hash, accs, carrier, own, first }])
        else list.push({ key, text, hash, accs, carrier, own, first })
      },
    }
  }

  weigh(slice: number, bytes: number): void {
    this.at(slice).bytes += bytes
    this.bytes += bytes
  }

  private at(end: number): SliceData {
    // Entries of a segment come slice by slice.
    if (this.last?.end === end) return this.last
    let data = this.slices.get(end)
    if (data === undefined) {
      data = { end, cells: new Map(), lates: new Map(), bytes: 0 }
      this.slices.set(end, data)
    }
    this.last = data
    return data
  }

  /** Forgets slices for which `test` holds. */
  forget(test: (end: number) => boolean): void {
    this.last = undefined
    for (const [end, data] of this.slices) {
      if (!test(end)) continue
      this.bytes -= data.bytes
      this.slices.delete(end)
    }
  }

  clear(): void {
    this.last = undefined
    this.slices.clear()
    this.from = TIME_MAX
    this.to = -TIME_MAX
    this.bytes = 0
  }

  /** Keeps only what windows still open may read. */
  trim(oldestBucket: number, operator: OperatorPlan): void {
    if (this.isEmpty) return
    const { slices } = operator
    if (oldestBucket > this.from) {
      this.forget((end) => slices.bucketEnd(end) < oldestBucket)
      this.from = oldestBucket
      if (this.isEmpty) this.clear()
    }
  }
}
