import { DEADLINE_RESERVE_MS, TIME_MAX, TIME_MIN } from '../base/index.js'
import type { OperatorPlan, StagePlan } from '../pipeline/index.js'
import type { Item } from '../ports/index.js'
import { Closed } from './closed.js'
import { type Closing, windowClosing } from './closing.js'
import { type Cursor, doneBefore, doneThrough, doneUpTo } from './cursor.js'
import { addPartRow, runEmissions } from './emission.js'
import { laneOf } from './fold.js'
import { freshCursor, GroupCursor } from './group-cursor.js'
import { HeldLane } from './held-lane.js'
import type { Deadline, Host } from './host.js'
import { joinNext } from './join.js'
import type { KeyPlace } from './key-order.js'
import { type KeyRange, readRange } from './key-range.js'
import type { KeyedPart } from './keyed/close.js'
import { Behind } from './keyed/group.js'
import type { KeyedState } from './keyed/keyed-state.js'
import { groupKey, keyGroupSplit, splitKey, splitName, watermarkKey } from './keys.js'
import type { LaneCache } from './lane-cache.js'
import { aliveUntil, markStage, refuseExpired } from './life.js'
import { type Mark, readMarks } from './marks.js'
import { PartBuffer } from './outputs.js'
import type { Part } from './parts.js'
import { passOn } from './pass-on.js'
import { register } from './registration.js'
import { SliceCache } from './slice-cache.js'
import { readSplit, type SplitState } from './split-item.js'
import { readWatermark } from './watermark-item.js'

/**
 * The result of an advance: everything that is closed is done, time ran out, or another attempt has claimed the key
 * group.
 */
export type AdvanceOutcome = 'done' | 'deadline' | 'claimed'

/**
 * Closes the slices of one key group up to the published watermark. Any number of attempts may run at once: each is a
 * pure function of frozen chains (invariant 7), and the cursor moves only from where it was read (invariant 8). The
 * claim only avoids duplicate work.
 */
export async function advance(
  host: Host,
  operator: OperatorPlan,
  keyGroup: number,
  deadline: Deadline,
): Promise<AdvanceOutcome> {
  const cache = host.lane(operator, laneOf(keyGroup, operator))
  const state = operator.logic === undefined ? undefined : await host.keyed(operator, keyGroup)
  // In one container, the attempts for a lane's key groups share the lane's cache, so they run one after another.
  const before = cache.turn
  let done: () => void = () => undefined
  cache.turn = new Promise((resolve) => {
    done = resolve
  })
  await before // guard: one-advance-a-cache
  cache.busy = true
  if (state !== undefined) state.busy = true
  try {
    return await new Advance(host, operator, keyGroup, cache, state, deadline).run()
  } catch (error) {
    cache.clear() // guard: failed-cache-forgotten
    state?.clear() // guard: failed-state-forgotten
    if (error instanceof Behind) return 'claimed'
    throw error
  } finally {
    cache.busy = false
    if (state !== undefined) state.busy = false
    host.trimCaches()
    done()
  }
}

class Advance {
  private readonly host: Host
  private readonly operator: OperatorPlan
  private readonly keyGroup: number
  private readonly cache: LaneCache
  private readonly lane: HeldLane
  private readonly deadline: Deadline
  private readonly next: StagePlan | undefined
  /** The key group as a split of the next stage. */
  private readonly splitName: string
  private split: SplitState | undefined
  private marks: readonly Mark[] = []
  private kept: number | undefined
  private readonly cursor: GroupCursor
  /** Every slice up to here is closed. */
  private frontier = TIME_MIN
  /** The bucket that, together with the data it reads, does not fit into the heap. */
  private tooMuch: number | undefined
  /** The state of an operator that keeps some for each key. */
  private readonly state: KeyedState | undefined
  /** How long the last range of keys took to read, in ms. */
  private readMs = 0
  /** How many hashes the next range may span. */
  private width: number | undefined

  constructor(
    host: Host,
    operator: OperatorPlan,
    keyGroup: number,
    cache: LaneCache,
    state: KeyedState | undefined,
    deadline: Deadline,
  ) {
    this.host = host
    this.operator = operator
    this.keyGroup = keyGroup
    this.cache = cache
    this.lane = new HeldLane(host, operator, keyGroup, cache)
    this.deadline = deadline
    this.cursor = new GroupCursor(host, groupKey(host.prefix, operator.name, keyGroup))
    this.next = host.stageAfter(operator.name)
    this.state = state
    this.splitName = splitName(operator.name, keyGroupSplit(keyGroup))
  }

  async run(): Promise<AdvanceOutcome> {
    const published = await this.load()
    const { slices } = this.operator
    if (published === TIME_MIN) return 'done'
    this.frontier = published === TIME_MAX ? TIME_MAX : slices.frontier(published)
    if (this.isDone(this.cursor.place)) return 'done'
    if (!(await this.cursor.claim())) return 'claimed'
    try {
      // guard: key-group-joins
      if (this.next !== undefined) this.split = await joinNext(this.host, this.next, this.operator, this.keyGroup)
      const outcome = await this.closeAll()
      if (outcome === 'deadline') await this.cursor.unclaim()
      return outcome
    } catch (error) {
      // The next attempt need not wait for the claim of an attempt that failed. The claim of an attempt that died
      // expires.
      await this.cursor.unclaim().catch(() => undefined)
      throw error
    }
  }

  private isDone(at: Cursor): boolean {
    return at.slice >= this.frontier && at.hash === undefined
  }

  private async closeAll(): Promise<AdvanceOutcome> {
    // guard: state-as-at-cursor
    if (this.state !== undefined && !(await this.state.sync(this.cursor))) return 'claimed'
    // An attempt that stopped in the middle of a slice had much to do, so the rest of that slice is read on its own.
    const { place } = this.cursor
    if (place.hash !== undefined && this.cache.isEmpty) this.tooMuch = this.lane.needed(place)
    for (;;) {
      const from = this.cursor.place
      if (this.isDone(from)) return 'done'
      if (this.state?.isLong === true && !(await this.fold())) return 'deadline'
      if (this.isDue()) return 'deadline'
      const closed = doneBefore(from, this.operator)
      refuseExpired(
        this.host,
        this.operator,
        this.keyGroup,
        aliveUntil(this.host, this.operator, this.marks, closed, this.kept),
      )
      const needed = this.lane.needed(from)
      const upTo = needed === this.tooMuch ? undefined : await this.lane.hold(from, needed, this.frontier)
      if (upTo === undefined) this.tooMuch = needed
      const outcome =
        upTo === undefined ? await this.closeRange(from) : await this.close(from, upTo, this.cache.group(this.keyGroup))
      if (outcome !== 'moved') return outcome
      this.lane.release(this.cursor.place)
    }
  }

  /** Reads the cursor, the watermark and the split of the next stage in one strongly consistent read (invariant 12). */
  private async load(): Promise<number> {
    const { host, operator, next } = this
    const { store } = host.services
    const group = groupKey(host.prefix, operator.name, this.keyGroup)
    const keys = [group, watermarkKey(host.prefix, operator.stage)]
    if (next !== undefined)
      keys.push(splitKey(host.prefix, next, this.splitName), watermarkKey(host.prefix, next.index))
    let [item, watermark, split, nextWatermark] = await store.get(keys)
    if (item === undefined) {
      // guard: cursor-once
      await store.insert([{ ...group, ...freshCursor() }])
      ;[item] = await store.get([group])
    }
    if (next !== undefined && split === undefined) {
      await register(host, next)
      ;[split, nextWatermark] = await store.get(keys.slice(2))
    }
    this.cursor.read(item as Item)
    if (next !== undefined) {
      this.split = readSplit(split as Item, next.operators.length)
      await markStage(host, next, nextWatermark)
    }
    this.marks = readMarks(watermark)
    this.kept = (item as Item).kept as number | undefined
    return readWatermark(watermark).published
  }

  /** Closes the next slice for as many keys as fit into the heap (invariant 11). */
  private async closeRange(from: Cursor): Promise<'moved' | AdvanceOutcome> {
    const { host, operator, keyGroup, frontier } = this
    this.cache.clear()
    host.services.metrics.add('KeyRanges', 1, 'Count')
    for (let keysMin = 2 * host.limits.partRows; ; keysMin *= 2) {
      const left = this.deadline.remainingMs()
      if (left - this.readMs < DEADLINE_RESERVE_MS) return 'deadline'
      const place = { from, text: this.cursor.at, frontier, width: from.hash === undefined ? undefined : this.width }
      const range = await readRange(host, operator, keyGroup, place, keysMin, () => this.isDue())
      this.readMs = left - this.deadline.remainingMs()
      if (range === undefined) {
        // The range that was read is lost. If one read takes longer than an invocation, this key group never
        // progresses.
        host.services.logger.warn('not enough time to read a range of keys', { operator: operator.name, keyGroup })
        return 'deadline'
      }
      const timers = this.state === undefined ? undefined : await this.withoutRows(from, range.slice)
      if (timers !== undefined) return timers
      if (range.slice === undefined) return await this.settle(new Closed(doneThrough(frontier), frontier))
      if (range.upper === undefined) {
        // In the middle of a slice, the keys before the cursor were left out. Later slices need those keys.
        // guard: rest-of-slice-alone
        const upTo = from.hash === undefined ? operator.slices.bucketEnd(range.slice) : range.slice
        return await this.close(from, Math.min(frontier, upTo), range.cache)
      }
      const outcome = await this.closeKeys(from, range.slice, range)
      this.width = outcome === 'short' ? undefined : range.width
      if (outcome !== 'short') return outcome
    }
  }

  /** Closes the slices before this one in which keys have work without rows. Undefined if there are none. */
  private async withoutRows(from: Cursor, slice = TIME_MAX + 1): Promise<'moved' | AdvanceOutcome | undefined> {
    const { operator, frontier } = this
    const { widthMs } = operator.slices
    const upTo = Math.min(frontier, slice - widthMs)
    const done = doneBefore(from, operator)
    if (upTo <= done) return undefined
    const nothing = new SliceCache(operator)
    const isWithin = from.hash !== undefined && from.slice <= upTo
    const hasWork = isWithin || (await this.closing(from, upTo, nothing).next(done)) !== undefined
    return hasWork ? await this.close(from, upTo, nothing) : undefined
  }

  private closing(from: Cursor, upTo: number, cache: SliceCache, upper?: KeyPlace): Closing {
    const { operator, state, host } = this
    const place = { from, at: this.cursor.at, upTo }
    return state === undefined
      ? windowClosing(operator, cache, place, host.limits.partRows)
      : state.closing(cache, place, upper)
  }

  /** Folds the changes of keyed state into blocks. Returns false if time ran out. */
  private async fold(): Promise<boolean> {
    return await this.state!.fold(this.cursor, this.cursor.place.slice, () => this.isDue())
  }

  /** Adds a part to what was closed. Returns an outcome if closing has to stop after it. */
  private async take(
    closed: Closed,
    slice: number,
    part: Part | KeyedPart,
    rank?: number,
    isLast?: boolean,
  ): Promise<AdvanceOutcome | undefined> {
    closed.take(this.operator, slice, part, rank, isLast)
    if ('changes' in part) this.state!.apply(part.changes)
    if (!closed.isFull(this.host.limits) && !this.isDue()) return undefined
    if ((await this.settle(closed)) === 'claimed') return 'claimed'
    if (this.isDue() || (this.state?.isLong === true && !(await this.fold()))) return 'deadline'
    return undefined
  }

  /** Closes every slice in (from, upTo], one part at a time. */
  private async close(from: Cursor, upTo: number, cache: SliceCache): Promise<'moved' | AdvanceOutcome> {
    const { operator } = this
    const before = this.cursor.text
    const closed = new Closed(before, from.slice)
    const closing = this.closing(from, upTo, cache)
    const done = doneBefore(from, operator)
    for (let slice = await closing.next(done); slice !== undefined; slice = await closing.next(slice)) {
      for await (const part of closing.parts(slice)) {
        const outcome = await this.take(closed, slice, part)
        if (outcome !== undefined) return outcome
      }
    }
    // The last part may already have moved the cursor this far.
    if (this.cursor.text === doneThrough(upTo) && this.cursor.text > before) return 'moved'
    closed.reach(doneThrough(upTo), upTo)
    return await this.settle(closed)
  }

  /** Closes one slice for a range of keys, in whole parts. Returns `short` if the range holds no whole part. */
  private async closeKeys(
    from: Cursor,
    slice: number,
    { cache, upper }: KeyRange,
  ): Promise<'moved' | 'short' | AdvanceOutcome> {
    const { operator } = this
    const closing = this.closing(from, slice, cache, upper)
    const closed = new Closed(this.cursor.text, slice - operator.slices.widthMs)
    const before = this.cursor.text
    let hasPanes = false
    if (this.state !== undefined) await this.state.wakeUp(slice - operator.slices.widthMs, slice)
    for await (const part of closing.parts(slice)) {
      hasPanes = true
      // It is not known here which keys follow in this part. The part is completed with a later range.
      if (!part.isFull) break
      const isWithin = part.last && part.lastHash === upper!.hash
      const outcome = await this.take(closed, slice, part, isWithin ? part.ownRank : part.lastRank, false)
      if (outcome !== undefined) return outcome
    }
    if (!hasPanes && upper!.hash > (from.slice === slice ? (from.hash ?? -1) : -1) + 1)
      closed.reach(doneUpTo(slice, upper!.hash - 1), slice - operator.slices.widthMs)
    if (closed.cursor === this.cursor.text) return this.cursor.text === before ? 'short' : 'moved'
    return await this.settle(closed)
  }

  private isDue(): boolean {
    return this.deadline.remainingMs() < DEADLINE_RESERVE_MS
  }

  /**
   * Emits, then writes the next stage's segments and split, then moves the cursor (invariant 8). Returns `claimed` if
   * another attempt has moved the cursor.
   */
  private async settle(closed: Closed): Promise<'moved' | 'claimed'> {
    const { emissions, failed, cursor: upTo, at } = closed
    const { host, operator, next, split } = this
    const { fold, parts, counted } = runEmissions(host, operator, next, emissions, split)
    for (const { row, part, sink } of failed) addPartRow(parts, sink ?? host.plan.pipeline.deadLetter, part, row)
    const buffer = new PartBuffer()
    for (const [sink, byPart] of parts) {
      for (const [part, rows] of byPart) buffer.add(sink, { kind: 'operator', operator: operator.name, part, rows })
    }
    await buffer.flush(host) // guard: emit-before-cursor
    if (next !== undefined && split !== undefined && split.position < upTo)
      this.split = await passOn(host, operator, next, split, closed, fold) // guard: pass-on-before-cursor
    const isLast = upTo === doneThrough(this.frontier)
    const { cursor, state } = this
    const waits = Math.max(cursor.waits, closed.waits)
    const seq = state === undefined ? 0 : await state.settle(cursor.text, closed, waits, counted) // guard: slot-before-cursor
    if (!(await cursor.move(upTo, at, isLast, counted, seq, waits))) {
      state?.clear()
      return 'claimed'
    }
    closed.clear()
    return 'moved'
  }
}
