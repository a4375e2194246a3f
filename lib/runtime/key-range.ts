import { TIME_MAX, TIME_MIN } from '../base/index.js'
import type { OperatorPlan } from '../pipeline/index.js'
import { LinkCheck } from './chain.js'
import type { Cursor } from './cursor.js'
import { keyGroupOf, laneOf } from './fold.js'
import type { Host } from './host.js'
import { bucketFloor, FIRST_SEGMENT, parseSegmentSk } from './keys.js'
import { decode, eachSegment, laneBytes } from './load.js'
import { byHash } from './panes.js'
import { type Cell, type EntryReader, KnownKeys } from './segment.js'
import { SliceCache } from './slice-cache.js'

type Place = Pick<Cell, 'hash' | 'text'>

/** Some keys of a key group, in the order of their hashes, with what the slice that closes next reads of them. */
export interface KeyRange {
  readonly cache: SliceCache
  /** The slice that closes next, of all keys of the group; undefined where none does up to the frontier. */
  readonly slice: number | undefined
  /** The first key that is left out; undefined where all from the cursor on are here. */
  readonly upper: Place | undefined
}

/**
 * Reads a key group whose folds no heap holds at once: segment by segment, keeping the keys next to the cursor. Whenever they take more than they may, the upper
 * half of them is let go, and comes with a later range. So the memory of an advance hangs on no number of keys (law 11); what it costs is that a lane is read once
 * a range. Of at least `keysMin` keys nothing is let go.
 */
export async function readRange(
  host: Host,
  operator: OperatorPlan,
  keyGroup: number,
  from: Cursor,
  fromText: string | undefined,
  frontier: number,
  keysMin: number,
): Promise<KeyRange> {
  const { slices } = operator
  const lane = laneOf(keyGroup, operator)
  const reader = new RangeReader(operator, keyGroup, from, fromText)
  const links = new LinkCheck()
  const keys = new KnownKeys()
  const bytesMax = laneBytes(host)
  const closed = from.hash === undefined ? from.slice : from.slice - slices.widthMs
  // Whether late panes will be read is not known yet: their windows are read too.
  const back = slices.bucketEnd(slices.neededFrom(closed) + slices.widthMs)
  const first = from.slice === TIME_MIN ? FIRST_SEGMENT : bucketFloor(back)
  const hi = frontier === TIME_MAX ? TIME_MAX : slices.bucketEnd(frontier)
  await eachSegment(host, operator, lane, { from: first, hi }, async (item) => {
    if (parseSegmentSk(item.sk).bucketEnd > slices.bucketEnd(reader.next)) return false
    reader.begin()
    const weight = await decode(host, operator, item, links, keys, reader)
    reader.weigh(weight)
    if (reader.weight > bytesMax) reader.halve(keysMin)
    return true
  })
  const { cache, upper } = reader
  return { cache, upper, slice: reader.next <= frontier ? reader.next : undefined }
}

class RangeReader implements EntryReader {
  readonly cache: SliceCache
  /** The slice that closes next; `TIME_MAX` and beyond where none does. */
  next = TIME_MAX + 1
  weight = 0
  upper: Place | undefined
  private readonly operator: OperatorPlan
  private readonly keyGroup: number
  private readonly from: Cursor
  private readonly fromText: string | undefined
  private readonly seen = new Set<number>()
  private all = 0
  private taken = 0

  constructor(operator: OperatorPlan, keyGroup: number, from: Cursor, fromText: string | undefined) {
    this.operator = operator
    this.keyGroup = keyGroup
    this.from = from
    this.fromText = fromText
    this.cache = new SliceCache(operator)
  }

  begin(): void {
    this.all = 0
    this.taken = 0
  }

  /** What was taken of a segment weighs its share. */
  weigh(bytes: number): void {
    if (this.all > 0) this.weight += (bytes * this.taken) / this.all
  }

  cell: EntryReader['cell'] = (slice, key, text, hash, accs) => {
    this.all++
    if (keyGroupOf(hash, this.operator.keyGroups) !== this.keyGroup) return
    this.closes(slice)
    if (!this.wants(hash, text)) return
    this.taken++
    this.cache.addCell(slice, { key, text, hash, accs })
  }

  late: EntryReader['late'] = (carrier, own, first, key, text, hash, accs) => {
    this.all++
    if (keyGroupOf(hash, this.operator.keyGroups) !== this.keyGroup) return
    this.closes(own)
    if (carrier > this.after) this.next = Math.min(this.next, carrier)
    if (!this.wants(hash, text)) return
    this.taken++
    this.cache.addLate({ key, text, hash, accs, carrier, own, first })
  }

  /** Slices up to here are done. */
  private get after(): number {
    return this.from.hash === undefined ? this.from.slice : this.from.slice - 1
  }

  /** Rows of a slice close with the windows that hold it. */
  private closes(slice: number): void {
    if (this.seen.has(slice)) return
    this.seen.add(slice)
    const window = this.operator.slices.windowsOf(slice - 1).find(({ end }) => end > this.after)
    if (window !== undefined) this.next = Math.min(this.next, window.end)
  }

  private wants(hash: number, text: string): boolean {
    const { from, upper } = this
    if (upper !== undefined && (hash > upper.hash || (hash === upper.hash && text >= upper.text))) return false
    return !isDone(from, this.fromText, hash, text)
  }

  halve(keysMin: number): void {
    const places = new Map<string, Place>()
    for (const { cells, lates } of this.cache.slices.values()) {
      for (const cell of cells.values()) places.set(cell.text, cell)
      for (const [late] of lates.values()) places.set(late!.text, late!)
    }
    const keep = Math.max(keysMin, places.size >> 1)
    if (keep >= places.size) return
    const upper = [...places.values()].sort(byHash)[keep]!
    const isOut = (cell: Place): boolean => byHash(cell, upper) >= 0
    for (const { cells, lates } of this.cache.slices.values()) {
      for (const [text, cell] of cells) if (isOut(cell)) cells.delete(text)
      for (const [text, [late]] of lates) if (isOut(late!)) lates.delete(text)
    }
    this.upper = { hash: upper.hash, text: upper.text }
    this.weight *= keep / places.size
  }
}

/** Whether a cursor in the middle of a slice lies behind a key of it. `fromText` is the key that it stands at, where more keys of its hash follow. */
export function isDone({ hash, rank }: Cursor, fromText: string | undefined, keyHash: number, text: string): boolean {
  if (hash === undefined || keyHash > hash) return false
  return keyHash < hash || rank === undefined || text <= fromText!
}
