import { TIME_MAX, TIME_MIN } from '../base/index.js'
import type { OperatorPlan } from '../pipeline/index.js'
import { LinkCheck } from './chain.js'
import { type Cursor, doneBefore } from './cursor.js'
import { keyGroupOf, laneOf } from './fold.js'
import type { Host } from './host.js'
import { byHash, type KeyPlace, middleHash, middleKey } from './key-order.js'
import { bucketFloor, FIRST_SEGMENT, parseSegmentSk } from './keys.js'
import { decode, eachSegment, laneBytes } from './load.js'
import { type EntryReader, EVERY_KEY } from './segment.js'
import { SliceCache } from './slice-cache.js'

/** Some keys of a key group, in the order of their hashes, with the data that the next closing slice reads of them. */
export interface KeyRange {
  readonly cache: SliceCache
  /** The slice that closes next, over all keys of the group; undefined if none closes up to the frontier. */
  readonly slice: number | undefined
  /** The first key that is left out; undefined if all keys from the cursor on are included. */
  readonly upper: KeyPlace | undefined
  /** The number of hashes that the next range may span, estimated from the density of these keys. */
  readonly width: number
}

/**
 * The share of the heap limit that the next range is planned to fill. A range that slightly exceeds the limit loses
 * half of its keys.
 */
const FILL = 0.85

/** Where reading begins (the group's cursor), and up to where slices may close. */
interface RangePlace {
  readonly from: Cursor
  /** The key at the cursor, if more keys with the same hash follow. */
  readonly text: string | undefined
  readonly frontier: number
  /** The largest number of hashes to span, as the previous range determined it. */
  readonly width: number | undefined
}

/**
 * Reads a key group whose folds do not fit into the heap at once. It reads segment by segment, and keeps the keys next
 * to the cursor. Whenever those need too much memory, it drops the upper half of them, and a later range reads them
 * again. So the memory of an advance does not depend on the number of keys (invariant 11). The price is that the lane
 * is read once per range. At least `keysMin` keys are kept. Returns undefined if time ran out.
 */
export async function readRange(
  host: Host,
  operator: OperatorPlan,
  keyGroup: number,
  { from, text, frontier, width }: RangePlace,
  keysMin: number,
  isDue: () => boolean,
): Promise<KeyRange | undefined> {
  const { slices } = operator
  const lane = laneOf(keyGroup, operator)
  const reader = new RangeReader(operator, keyGroup, from, text)
  const [start, end] = hashesOf(keyGroup, operator, from)
  if (width !== undefined && start + width < end) reader.upper = { hash: start + width, text: '' }
  const links = new LinkCheck()
  const bytesMax = laneBytes(host, operator)
  const closed = doneBefore(from, operator)
  // Whether late panes will be read is not known yet, so their windows are read too.
  const back = slices.bucketEnd(slices.neededFrom(closed) + slices.widthMs)
  const first = from.slice === TIME_MIN ? FIRST_SEGMENT : bucketFloor(back)
  const hi = frontier === TIME_MAX ? TIME_MAX : slices.bucketEnd(frontier)
  let isCut = false
  await eachSegment(host, operator, lane, { from: first, hi }, async (item) => {
    isCut = isDue()
    if (isCut) return false
    if (parseSegmentSk(item.sk).bucketEnd > slices.bucketEnd(reader.next)) return false
    reader.weight += await decode(host, operator, item, links, EVERY_KEY, reader)
    if (reader.weight > Math.max(bytesMax, 2 * reader.least)) reader.halve(keysMin)
    return true
  })
  if (isCut) return undefined
  const { cache, upper, weight, next } = reader
  return {
    cache,
    upper,
    slice: next <= frontier ? next : undefined,
    width: upper === undefined ? 0 : nextWidth(upper.hash - start, weight, bytesMax),
  }
}

/**
 * The number of hashes that the next range may span. Keys may be dense here and sparse there. After a range with little
 * data the width grows, however many bytes each key takes.
 */
export function nextWidth(width: number, weight: number, bytesMax: number): number {
  const likely = Math.ceil((width * FILL * bytesMax) / Math.max(1, weight))
  return weight < bytesMax / 2 ? Math.max(likely, 2 * width) : likely // guard: range-grows
}

/** The range of a key group's hashes that are left to do: the first one, and the first one of the next group. */
function hashesOf(keyGroup: number, { keyGroups }: OperatorPlan, from: Cursor): [start: number, end: number] {
  const first = (of: number): number => Math.ceil((of * 0x1_0000_0000) / keyGroups)
  return [from.hash ?? first(keyGroup), first(keyGroup + 1)]
}

class RangeReader implements EntryReader {
  readonly cache: SliceCache
  /** The slice that closes next; greater than `TIME_MAX` if none does. */
  next = TIME_MAX + 1
  weight = 0
  /** The weight when no further keys could be dropped. */
  least = 0
  upper: KeyPlace | undefined
  private readonly operator: OperatorPlan
  private readonly keyGroup: number
  private readonly from: Cursor
  private readonly fromText: string | undefined
  private readonly seen = new Set<number>()

  constructor(operator: OperatorPlan, keyGroup: number, from: Cursor, fromText: string | undefined) {
    this.operator = operator
    this.keyGroup = keyGroup
    this.from = from
    this.fromText = fromText
    this.cache = new SliceCache(operator)
  }

  /** Most entries of a segment belong to other ranges, and their folds are not even decoded. */
  takes: NonNullable<EntryReader['takes']> = (slice, carrier, text, hash) => {
    if (keyGroupOf(hash, this.operator.keyGroups) !== this.keyGroup) return false
    this.closes(slice)
    const hasPane = carrier !== undefined && carrier > this.after && this.operator.slices.lagMs === 0
    if (hasPane) this.next = Math.min(this.next, carrier)
    return this.wants(hash, text)
  }

  cell: EntryReader['cell'] = (slice, key, text, hash, accs) => this.cache.addCell(slice, { key, text, hash, accs })

  late: EntryReader['late'] = (carrier, own, first, key, text, hash, accs) =>
    this.cache.addLate({ key, text, hash, accs, carrier, own, first })

  /** Slices up to here are done. */
  private get after(): number {
    return this.from.hash === undefined ? this.from.slice : this.from.slice - 1
  }

  /** The rows of a slice close with the windows that contain it. */
  private closes(slice: number): void {
    if (this.seen.has(slice)) return
    this.seen.add(slice)
    const [closing] = this.operator.slices.closings(slice, this.after)
    if (closing !== undefined) this.next = Math.min(this.next, closing)
  }

  private wants(hash: number, text: string): boolean {
    const { from, upper } = this
    if (upper !== undefined && (hash > upper.hash || (hash === upper.hash && text >= upper.text))) return false
    return !isDone(from, this.fromText, hash, text)
  }

  /** Drops the upper half of the keys. Keys with equal hashes are only separated if there are few different hashes. */
  halve(keysMin: number): void {
    const places: KeyPlace[] = []
    for (const { cells, lates } of this.cache.slices.values()) {
      for (const cell of cells.values()) places.push(cell)
      for (const [late] of lates.values()) places.push(late!)
    }
    const upper = middleHash(places, keysMin) ?? middleKey(places, keysMin)
    if (upper === undefined) {
      this.least = this.weight
      return
    }
    let gone = 0
    for (const { cells, lates } of this.cache.slices.values()) {
      for (const [text, cell] of cells) if (byHash(cell, upper) >= 0 && cells.delete(text)) gone++
      for (const [text, [late]] of lates) if (byHash(late!, upper) >= 0 && lates.delete(text)) gone++
    }
    this.upper = { hash: upper.hash, text: upper.text }
    this.weight *= 1 - gone / places.length
  }
}

/**
 * Whether a cursor in the middle of a slice has passed a key. `fromText` is the key at the cursor, if more keys with
 * the same hash follow.
 */
export function isDone({ hash, rank }: Cursor, fromText: string | undefined, keyHash: number, text: string): boolean {
  if (hash === undefined || keyHash > hash) return false
  return keyHash < hash || rank === undefined || text <= fromText!
}
