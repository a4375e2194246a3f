import { assert, DEADLINE_RESERVE_MS, GROUPS_AT_ONCE, TIME_MAX, TIME_MIN } from '../base/index.js'
import type { OperatorPlan, StagePlan } from '../pipeline/index.js'
import type { Item } from '../ports/index.js'
import { writeSegments } from './chain.js'
import { checkpoint } from './checkpoint.js'
import { type Cursor, doneThrough, doneUpTo, readCursor } from './cursor.js'
import { addEmissions, addPartRow, type Emission, type FailedEmission, runEmissions } from './emission.js'
import type { Deadline, Host } from './host.js'
import { groupKey, keyGroupSplit, splitKey, splitName, watermarkKey } from './keys.js'
import { ensure } from './load.js'
import { PartBuffer, writeSplitRows } from './outputs.js'
import { closingSlices, panesOf } from './panes.js'
import { type Part, partsOf } from './parts.js'
import { register } from './registration.js'
import { checkSeal, sealOf } from './seal.js'
import type { SliceCache } from './slice-cache.js'
import { readSplit, type SplitState } from './split-item.js'
import { advanceWatermark, readWatermark } from './watermark.js'

/** Moves a stage's watermark, then advances its operators as far as it allows, then the stages after them, while time remains. */
export async function advanceStage(host: Host, stage: StagePlan, deadline: Deadline): Promise<void> {
  const published = await advanceWatermark(host, stage)
  if (published === TIME_MIN) return
  for (const operator of stage.operators) {
    const groups = Array.from({ length: operator.keyGroups }, (_, keyGroup) => keyGroup)
    for (let at = 0; at < groups.length; at += GROUPS_AT_ONCE) {
      await Promise.all(
        groups.slice(at, at + GROUPS_AT_ONCE).map((keyGroup) => advanceOrPass(host, operator, keyGroup, deadline)),
      )
    }
  }
  for (const next of host.plan.stages) {
    if (next.inputs.some((input) => input.kind === 'operator' && input.operator.stage === stage.index))
      await advanceStage(host, next, deadline)
  }
}

/** Inline while the deadline allows, else by the queue, else by the next tick. */
async function advanceOrPass(host: Host, operator: OperatorPlan, keyGroup: number, deadline: Deadline): Promise<void> {
  const outcome = await advance(host, operator, keyGroup, deadline)
  if (outcome === 'deadline') await host.services.queue?.advance({ operator: operator.name, keyGroup })
}

/** What became of an advance: all that is closed is done, time ran out, or another attempt has claimed the key group. */
export type AdvanceOutcome = 'done' | 'deadline' | 'claimed'

/**
 * Closes the slices of one key group up to the published watermark. Any number of these may run at once: each is a pure function of frozen
 * chains (law 7), and the cursor moves only from where it was read (law 8). The claim merely spares double work.
 */
export async function advance(
  host: Host,
  operator: OperatorPlan,
  keyGroup: number,
  deadline: Deadline,
): Promise<AdvanceOutcome> {
  const cache = host.cache(operator.name, keyGroup)
  // In one container the attempts of a key group share its cache, so they run one after another.
  const before = cache.turn
  let done: () => void = () => undefined
  cache.turn = new Promise((resolve) => {
    done = resolve
  })
  await before // guard: one-advance-a-cache
  cache.busy = true
  try {
    return await new Advance(host, operator, keyGroup, cache, deadline).run()
  } catch (error) {
    cache.clear() // guard: failed-cache-forgotten
    throw error
  } finally {
    cache.busy = false
    host.trimCaches()
    done()
  }
}

class Advance {
  private readonly host: Host
  private readonly operator: OperatorPlan
  private readonly keyGroup: number
  private readonly cache: SliceCache
  private readonly deadline: Deadline
  private readonly next: StagePlan | undefined
  /** The key group as a split of the next stage. */
  private readonly splitName: string
  private split: SplitState | undefined
  /** The cursor's text as it stands in the table. */
  private cursor = ''
  /** Every slice up to here is closed. */
  private frontier = TIME_MIN
  /** When this attempt's claim runs out. */
  private claimedUntil = 0

  constructor(host: Host, operator: OperatorPlan, keyGroup: number, cache: SliceCache, deadline: Deadline) {
    this.host = host
    this.operator = operator
    this.keyGroup = keyGroup
    this.cache = cache
    this.deadline = deadline
    this.next = host.stageAfter(operator.name)
    this.splitName = splitName(operator.name, keyGroupSplit(keyGroup))
  }

  async run(): Promise<AdvanceOutcome> {
    const published = await this.load()
    const { slices } = this.operator
    if (published === TIME_MIN) return 'done'
    this.frontier = published === TIME_MAX ? TIME_MAX : slices.frontier(published)
    if (this.isDone(readCursor(this.cursor))) return 'done'
    if (!(await this.claim())) return 'claimed'
    try {
      const outcome = await this.closeAll()
      if (outcome === 'deadline') await this.release()
      return outcome
    } catch (error) {
      // Whoever comes next need not wait for the claim of an attempt that failed; one that died leaves it to its end.
      await this.release().catch(() => undefined)
      throw error
    }
  }

  private isDone(at: Cursor): boolean {
    return at.slice >= this.frontier && at.hash === undefined
  }

  private async closeAll(): Promise<AdvanceOutcome> {
    const { slices } = this.operator
    for (;;) {
      const from = readCursor(this.cursor)
      if (this.isDone(from)) return 'done'
      if (this.deadline.remainingMs() < DEADLINE_RESERVE_MS) return 'deadline'
      const upTo = await this.held(from)
      const outcome = await this.close(from, upTo)
      if (outcome !== 'moved') return outcome
      this.cache.trim(
        slices.bucketEnd(Math.max(TIME_MIN, upTo - slices.spanMs - slices.allowedLatenessMs - slices.widthMs)),
        this.operator,
      )
    }
  }

  /** Reads the cursor, the watermark and the split of the next stage, strongly and at once (law 12). */
  private async load(): Promise<number> {
    const { host, operator, next } = this
    const { store } = host.services
    const group = groupKey(host.prefix, operator.name, this.keyGroup)
    const keys = [group, watermarkKey(host.prefix, operator.stage)]
    if (next !== undefined) keys.push(splitKey(host.prefix, next.index, this.splitName))
    let [item, watermark, split] = await store.get(keys)
    if (item === undefined) {
      // guard: cursor-once
      await store.insert([{ ...group, cursor: '', cursorSeal: sealOf('cursor', '') }])
      ;[item] = await store.get([group])
    }
    if (next !== undefined && split === undefined) {
      await register(host, next)
      ;[split] = await store.get([splitKey(host.prefix, next.index, this.splitName)])
    }
    this.cursor = (item as Item).cursor as string
    // guard: cursor-seal
    checkSeal(item as Item, 'cursorSeal', sealOf('cursor', this.cursor), `the cursor of ${operator.name}`)
    if (next !== undefined) this.split = readSplit(split as Item, next.operators.length)
    return readWatermark(watermark).published
  }

  /** Until it runs out, no other attempt starts on this key group: a courtesy, never a guard. */
  private async claim(): Promise<boolean> {
    const { store, clock, timeoutMs } = this.host.services
    const now = clock.now()
    this.claimedUntil = now + timeoutMs
    const verdict = await store.update({
      key: groupKey(this.host.prefix, this.operator.name, this.keyGroup),
      set: { until: this.claimedUntil },
      when: [
        { attribute: 'cursor', is: 'equal', value: this.cursor }, // guard: claim-cursor
        { attribute: 'until', is: 'below', value: now }, // guard: claim-until
      ],
    })
    return verdict.applied
  }

  private async release(): Promise<void> {
    await this.host.services.store.update({
      key: groupKey(this.host.prefix, this.operator.name, this.keyGroup),
      set: { until: 0 },
      when: [
        { attribute: 'cursor', is: 'equal', value: this.cursor }, // guard: release-cursor
        { attribute: 'until', is: 'equal', value: this.claimedUntil }, // guard: release-own
      ],
    })
  }

  /** Makes the cache hold what closing the next slices reads. Returns how far it does. */
  private async held(from: Cursor): Promise<number> {
    const { slices } = this.operator
    const { host, operator, keyGroup, cache, frontier } = this
    // A window that ends after the cursor may have begun a span before it.
    const oldest = from.slice === TIME_MIN ? TIME_MIN : slices.bucketEnd(from.slice - slices.spanMs + slices.widthMs)
    const newest = frontier === TIME_MAX ? TIME_MAX : slices.bucketEnd(frontier)
    // However little may be read at once, the slice that closes next must be held: else the cursor would never move, or move back.
    const needed =
      from.slice === TIME_MIN
        ? TIME_MIN
        : slices.bucketEnd(from.hash === undefined ? from.slice + slices.widthMs : from.slice)
    const reached = await ensure(host, operator, keyGroup, cache, oldest, newest, frontier, needed)
    const upTo = Math.min(frontier, reached)
    let first = Number.POSITIVE_INFINITY
    for (const data of cache.slices.values())
      if (data.lates.size > 0 && data.end >= from.slice && data.end <= upTo) first = Math.min(first, data.end)
    // A late pane reads its window from the start: up to a span and the allowed lateness before the slice that its rows travel in.
    if (first < Number.POSITIVE_INFINITY && oldest > TIME_MIN) {
      const back = slices.bucketEnd(first - slices.spanMs - slices.allowedLatenessMs - slices.widthMs)
      // It reads on at least as far as the first did: what that one read is kept, or is a single bucket.
      if (back < oldest) await ensure(host, operator, keyGroup, cache, back, newest, frontier, needed)
    }
    return upTo
  }

  /** Closes every slice in (from, upTo], a part at a time. */
  private async close(from: Cursor, upTo: number): Promise<'moved' | AdvanceOutcome> {
    const { operator, cache } = this
    const closing = closingSlices(
      operator,
      cache.slices.values(),
      from.hash === undefined ? from.slice : from.slice - 1,
      upTo,
    )
    let emissions: Emission[] = []
    let failed: FailedEmission[] = []
    for (const slice of closing) {
      const drafts = panesOf(operator, slice, (end) => cache.slice(end))
      for (const part of partsOf(operator, this.keyGroup, slice, drafts, this.host.limits.partRows)) {
        if (slice === from.slice && from.hash !== undefined && part.lastHash <= from.hash) continue
        this.collect(slice, part, emissions, failed)
        if (emissions.length < this.host.limits.sinkRows) continue
        if (
          !(await this.flush(
            emissions,
            failed,
            part.last ? doneThrough(slice) : doneUpTo(slice, part.lastHash),
            part.last ? slice : slice - operator.slices.widthMs,
          ))
        )
          return 'claimed'
        emissions = []
        failed = []
        if (this.deadline.remainingMs() < DEADLINE_RESERVE_MS) return 'deadline'
      }
    }
    return (await this.flush(emissions, failed, doneThrough(upTo), upTo)) ? 'moved' : 'claimed'
  }

  private collect(slice: number, part: Part, emissions: Emission[], failed: FailedEmission[]): void {
    let key = ''
    let n = 0
    for (const draft of part.drafts) {
      if (draft.cell.text !== key) {
        key = draft.cell.text
        n = 0
      }
      addEmissions(this.operator, slice, draft, part.name, n, emissions, failed)
      n += 2
    }
  }

  /** Emit, then the next stage's segments and split, then the cursor (law 8). False: another attempt has moved it. */
  private async flush(
    emissions: readonly Emission[],
    failed: readonly FailedEmission[],
    upTo: string,
    own: number,
  ): Promise<boolean> {
    const { host, operator, next, split } = this
    const { fold, parts } = runEmissions(host, operator, next, emissions, split?.position ?? '')
    for (const { row, part } of failed) addPartRow(parts, host.plan.pipeline.deadLetter, part, row)
    const buffer = new PartBuffer()
    for (const [sink, byPart] of parts) {
      for (const [part, rows] of byPart) buffer.add(sink, { kind: 'operator', operator: operator.name, part, rows })
    }
    await buffer.flush(host) // guard: emit-before-cursor
    if (next !== undefined && split !== undefined && split.position < upTo)
      await this.passOn(next, split, fold, emissions, upTo, own) // guard: pass-on-before-cursor
    return await this.moveCursor(upTo, upTo === doneThrough(this.frontier))
  }

  private async passOn(
    next: StagePlan,
    split: SplitState,
    fold: ReturnType<typeof runEmissions>['fold'],
    emissions: readonly Emission[],
    upTo: string,
    own: number,
  ): Promise<void> {
    const { host, operator } = this
    await writeSplitRows(host, split.name, split.position, upTo, fold.sinkRows) // guard: pass-on-rows-first
    const again = (keep: Parameters<typeof runEmissions>[5]) =>
      runEmissions(host, operator, next, emissions, split.position, keep).fold
    // guard: pass-on-segments-before-split
    const tails = await writeSegments(host, next, split.name, split.position, upTo, split.tails, fold, again)
    const top = emissions.reduce((highest, emission) => Math.max(highest, emission.timestamp), split.top)
    const done = await checkpoint(host, next, split, {
      to: upTo,
      own,
      top,
      counters: fold.counters,
      tails,
    })
    this.split = done.split
  }

  /** The claim goes with the last move, and is prolonged by all others. */
  private async moveCursor(to: string, done: boolean): Promise<boolean> {
    const { store, clock, timeoutMs } = this.host.services
    assert(to >= this.cursor, `the cursor of ${this.operator.name} grows (law 9): from ${this.cursor} to ${to}`)
    this.claimedUntil = done ? 0 : clock.now() + timeoutMs
    const verdict = await store.update({
      key: groupKey(this.host.prefix, this.operator.name, this.keyGroup),
      set: { cursor: to, cursorSeal: sealOf('cursor', to), until: this.claimedUntil },
      when: [{ attribute: 'cursor', is: 'equal', value: this.cursor }], // guard: cursor-as-read
    })
    if (verdict.applied) this.cursor = to
    return verdict.applied
  }
}
