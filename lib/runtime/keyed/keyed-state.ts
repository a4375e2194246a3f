import { TIME_MAX, TIME_MIN } from '../../base/index.js'
import type { StepOf } from '../../keyed/index.js'
import type { Closed } from '../closed.js'
import type { Closing, ClosingPlace } from '../closing.js'
import type { GroupCursor } from '../group-cursor.js'
import type { KeyPlace } from '../key-order.js'
import type { SliceCache } from '../slice-cache.js'
import { type Counters, readCounters, writeCounters } from '../split-item.js'
import { Agenda } from './agenda.js'
import { Blocks, type Leaf } from './blocks.js'
import { KeyedClosing } from './close.js'
import { Behind, placeOf, type StateGroup } from './group.js'
import { bytesOf, isGone, type KeyRecord } from './key-record.js'
import { readSlots, type Slot, writeSlot } from './tail.js'
import { type Due, readWakes, retireWakes, writeWakes } from './wakes.js'

/** The heap of a key that is to be woken. */
const WOKEN_BYTES = 48

/**
 * The keyed state of a key group, as far as a container holds it (invariants 7, 8). The state at the cursor is: the
 * newest record of a key in the tail, or else its record in the blocks. The tail is the slots (base, seq]. A warm
 * container reads only the slots that others have written.
 */
export class KeyedState {
  readonly blocks: Blocks
  /** What this attempt has changed since the last settlement. */
  readonly changes = new Map<string, KeyRecord>()
  /** Whether an attempt is using it. */
  busy = false
  private readonly group: StateGroup
  private readonly step: StepOf
  private isHeld = false
  private seq = 0
  private base = 0
  private readonly tail = new Map<string, KeyRecord>()
  /** As stored. */
  private tailBytes = 0
  /** Heap of the tail, about. */
  private tailHeap = 0
  /** The slot after the tail, if an attempt wrote it from an earlier cursor. */
  private dead: Slot | undefined
  /** Keys of the tail and the changes that have work without rows, by slice. */
  private readonly own = new Agenda<string>()
  /** Hashes of keys in blocks that may have work without rows, by slice. */
  private readonly woken = new Agenda<number>()
  /** Times for which a wake has to be written before the cursor moves. */
  private again: Due[] = []
  /** Wakes that begin up to here are held. */
  private wakesTo = TIME_MIN
  /** Wakes that begin before this time have been used. */
  private floor = TIME_MIN

  constructor(group: StateGroup, step: StepOf) {
    this.group = group
    this.step = step
    this.blocks = new Blocks(group)
  }

  get bytes(): number {
    return this.isHeld ? this.blocks.bytes + this.tailHeap + this.woken.size * WOKEN_BYTES : 0
  }

  /** Drops blocks until the rest takes no more than this, if it can. */
  trim(bytesMax: number): void {
    this.blocks.trim(bytesMax - (this.bytes - this.blocks.bytes))
  }

  clear(): void {
    this.isHeld = false
    this.blocks.clear()
    this.forget()
  }

  private forget(): void {
    this.changes.clear()
    this.tail.clear()
    this.own.clear()
    this.woken.clear()
    this.again = []
    this.wakesTo = TIME_MIN
    this.dead = undefined
    this.tailBytes = 0
    this.tailHeap = 0
  }

  /**
   * Brings what is held up to the cursor. An attempt may have died after it wrote a slot, when only the cursor was left
   * to move: then the cursor is moved. Returns false if another attempt moved it.
   * @throws {Behind}
   */
  async sync(cursor: GroupCursor): Promise<boolean> {
    const { seq, base } = cursor
    this.changes.clear()
    this.floor = cursor.floor
    if (this.isHeld && base === this.base && seq === this.seq) return true
    const isNewer = this.isHeld && base === this.base && seq > this.seq
    if (!isNewer) {
      if (this.isHeld) this.blocks.forget()
      this.forget()
      this.isHeld = true
      this.seq = base
      this.base = base
    }
    const { slots, next } = await readSlots(this.group, this.seq, seq)
    for (const slot of slots) this.take(slot.records, slot.bytes)
    this.seq = seq
    this.dead = undefined
    if (next === undefined) return true
    if (next.from === cursor.text) {
      // guard: slot-taken-over
      const counted = next.counted === '' ? undefined : readCounters(JSON.parse(next.counted))
      if (!(await cursor.move(next.to, next.at, false, counted, next.seq, next.waits))) return false
      this.take(next.records, next.bytes)
      this.seq = next.seq
    } else if (next.from < cursor.text)
      this.dead = next // guard: dead-behind
    else throw new Behind()
    return true
  }

  /**
   * Closes slices with the rows of `cache`. With `upper`, the cache holds only the keys before it, so only these are
   * processed.
   */
  closing(cache: SliceCache, { from, at, upTo }: ClosingPlace, upper?: KeyPlace): Closing {
    const { widthMs } = this.group.operator.slices
    const after = from.hash === undefined ? from.slice : from.slice - widthMs
    const closing = new KeyedClosing(this.group, this.step, this, cache, after, upTo)
    return { next: (done) => closing.next(done), parts: (slice) => closing.parts(slice, from, at, upper) }
  }

  private take(records: readonly KeyRecord[], bytes: number): void {
    for (const record of records) {
      this.keep(record)
      this.remember(record)
    }
    this.tailBytes += bytes
  }

  private keep(record: KeyRecord): void {
    const before = this.tail.get(record.text)
    this.tailHeap += 2 * (bytesOf(record) - (before === undefined ? 0 : bytesOf(before)))
    this.tail.set(record.text, record)
  }

  private remember({ due, text }: KeyRecord): void {
    if (due !== undefined) this.own.add(this.group.operator.slices.sliceEnd(due), text)
  }

  /** Reads the wakes of slices up to this one. `after`: slices up to here are done. */
  async wakeUp(after: number, upTo: number): Promise<void> {
    const { slices } = this.group.operator
    const to = upTo >= TIME_MAX ? TIME_MAX : upTo - 1
    if (to <= this.wakesTo) return
    const from = this.wakesTo
    const found = await readWakes(this.group, from === TIME_MIN ? this.floor : from + 1, to)
    for (const wake of found) {
      for (const { time, hash } of wake.dues) {
        const slice = slices.sliceEnd(time)
        if (slice > after) this.woken.add(slice, hash)
      }
    }
    this.wakesTo = to
  }

  /** The first slice after this one in which a key has work without rows. */
  next(after: number): number | undefined {
    const own = this.own.next(after)
    const woken = this.woken.next(after)
    return own === undefined || (woken !== undefined && woken < own) ? woken : own
  }

  /** The keys of the tail and the changes that may have work in a slice. */
  *due(slice: number): Generator<KeyRecord> {
    for (const text of this.own.at(slice)) {
      const record = this.changes.get(text) ?? this.tail.get(text)
      if (record?.due !== undefined && this.group.operator.slices.sliceEnd(record.due) === slice) yield record
    }
  }

  /** The hashes of keys in blocks that may have work in a slice. */
  wokenAt(slice: number): ReadonlySet<number> {
    return this.woken.at(slice)
  }

  async load(hashes: Iterable<number>): Promise<void> {
    const { keyGroups } = this.group.operator
    const places: number[] = []
    for (const hash of hashes) places.push(placeOf(hash, keyGroups))
    await this.blocks.load(places, this.seq)
  }

  /** The record of a key. Its block must have been loaded. */
  record(text: string, hash: number): KeyRecord | undefined {
    const known = this.changes.get(text) ?? this.tail.get(text)
    if (known !== undefined) return isGone(known) ? undefined : known
    return this.blocks.leafOf(placeOf(hash, this.group.operator.keyGroups)).records.get(text)
  }

  /** Whether the state of a key is known without its block. */
  isRecent(text: string): boolean {
    return this.changes.has(text) || this.tail.has(text)
  }

  /** The keys in blocks with a hash, except those that the tail or the changes know better. */
  *asleep(hash: number): Generator<KeyRecord> {
    const { records } = this.blocks.leafOf(placeOf(hash, this.group.operator.keyGroups))
    for (const record of records.values()) if (record.hash === hash && !this.isRecent(record.text)) yield record
  }

  /** A key was woken before it has work: its wake has been used, so it gets another one before the cursor moves. */
  wakeAgain(time: number, hash: number): void {
    this.again.push({ time, hash })
    this.woken.add(this.group.operator.slices.sliceEnd(time), hash)
  }

  /** Takes over the changes of a part. */
  apply(records: readonly KeyRecord[]): void {
    for (const record of records) {
      this.changes.set(record.text, record)
      this.remember(record)
    }
  }

  /** Whether the tail has to be folded into blocks before there is another settlement. */
  get isLong(): boolean {
    const { tailBytes, stateSlots } = this.group.host.limits
    return this.tailBytes > tailBytes || this.seq - this.base >= stateSlots - 1 // guard: folds-in-time
  }

  /**
   * Writes what has changed, before the cursor moves. Returns the number of the last slot.
   * @throws {Behind} if another attempt was first
   */
  async settle(
    from: string,
    { cursor: to, at }: Pick<Closed, 'cursor' | 'at'>,
    waits: number,
    counted: Counters | undefined,
  ): Promise<number> {
    const { changes, dead } = this
    await writeWakes(this.group, this.again) // guard: wakes-again
    this.again = []
    if (changes.size === 0) return this.seq
    const records = [...changes.values()]
    const slot = {
      seq: this.seq + 1,
      from,
      to,
      at,
      counted: counted === undefined || counted.in === 0 ? '' : writeCounters(counted),
      waits,
      records,
    }
    this.tailBytes += await writeSlot(this.group, slot, dead)
    for (const record of records) this.keep(record)
    this.dead = undefined
    this.seq++
    changes.clear()
    return this.seq
  }

  /**
   * Folds the tail into blocks, so that its slots can be written again. `done`: slices up to here are done, wholly or
   * in part. Returns false if time ran out: what was written is of no harm, and the next attempt begins again.
   */
  async fold(cursor: GroupCursor, done: number, isDue: () => boolean): Promise<boolean> {
    const { operator, host } = this.group
    const { keyGroups } = operator
    const place = ({ hash }: KeyRecord): number => placeOf(hash, keyGroups)
    const records = [...this.tail.values()].sort((a, b) => place(a) - place(b))
    for (let at = 0; at < records.length; ) {
      if (isDue()) return false
      const some = records.slice(at, at + host.limits.stateKeys)
      await this.blocks.load(some.map(place), this.seq)
      // All changes of the last leaf are folded at once, because each leaf is written once.
      const last = place(some.at(-1)!)
      for (let next = at + some.length; next < records.length; next++) {
        if (!this.blocks.isSame(last, place(records[next]!))) break
        some.push(records[next]!)
      }
      if (!(await this.foldInto(some, done))) continue
      at += some.length
      this.blocks.trim(host.limits.advanceBytes / 4)
    }
    await this.moveBase(cursor, done)
    await this.blocks.list()
    return true
  }

  /** Writes the wakes and the blocks of some records, which are all that the tail has of their leaves. */
  private async foldInto(records: readonly KeyRecord[], done: number): Promise<boolean> {
    const { operator } = this.group
    const { slices, keyGroups } = operator
    const byLeaf = new Map<Leaf, KeyRecord[]>()
    const dues: Due[] = []
    for (const record of records) {
      const leaf = this.blocks.leafOf(placeOf(record.hash, keyGroups))
      // An earlier attempt has folded these changes before its time ran out. The block cannot be split a second time
      // after the same slot.
      if (leaf.asOf === this.seq) continue // guard: folded-once
      const { due } = record
      const stored = leaf.records.get(record.text)?.wake
      // A wake in a slice that is done, or partly done, has been used.
      const isKept = stored !== undefined && due !== undefined && stored <= due && slices.sliceEnd(stored) > done // guard: wake-kept
      if (due !== undefined && !isKept) dues.push({ time: due, hash: record.hash })
      const list = byLeaf.get(leaf) ?? []
      byLeaf.set(leaf, list)
      list.push({ ...record, wake: isKept ? stored : due })
    }
    await writeWakes(this.group, dues) // guard: wakes-before-blocks
    return await this.blocks.write([...byLeaf], this.seq)
  }

  private async moveBase(cursor: GroupCursor, done: number): Promise<void> {
    const { slices } = this.group.operator
    const before = done <= TIME_MIN ? TIME_MIN : done - slices.widthMs
    // They are read again: blocks may rely on wakes that other attempts have written since.
    const wakes = before === TIME_MIN ? [] : await readWakes(this.group, this.floor, before)
    await retireWakes(
      this.group,
      wakes.filter(({ last }) => last < before),
    )
    const left = wakes.filter(({ last }) => last >= before)
    const floor = Math.max(this.floor, Math.min(before, ...left.map(({ first }) => first))) // guard: wake-floor
    if (!(await cursor.moveBase(this.base, this.seq, floor))) throw new Behind()
    this.floor = floor
    this.base = this.seq
    this.tail.clear()
    this.tailBytes = 0
    this.tailHeap = 0
    this.own.clear()
    this.woken.clear()
    this.wakesTo = TIME_MIN
  }
}
