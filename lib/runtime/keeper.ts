import {
  DEADLINE_RESERVE_MS,
  KEPT_AT_ONCE,
  KEPT_PER_TICK,
  STORE_GET_MAX,
  TIME_MAX,
  TIME_MIN,
  together,
} from '../base/index.js'
import type { OperatorPlan, StagePlan } from '../pipeline/index.js'
import type { Item, ItemKey } from '../ports/index.js'
import { partKeys } from './chain.js'
import { laneOf } from './fold.js'
import { freshCursor, GroupCursor } from './group-cursor.js'
import type { Deadline, Host } from './host.js'
import { bucketFloor, FIRST_SEGMENT, groupKey, lanePks } from './keys.js'
import { aliveUntil, markStage } from './life.js'
import { type Mark, readMarks, segmentLifeMs } from './marks.js'

/** A segment is renewed if it has lost at least this fraction (one part in `RENEWED_PARTS`) of the spare life. */
const RENEWED_PARTS = 8

/**
 * Keeps state that waits to be read longer than segments live (invariant 9): the windows of a paused pipeline, or
 * windows that no record closes. When the first of a lane's unread segments come near the end of their life, the life
 * of all of them is extended, a bounded number per tick. Once all are extended, their key groups record it. Returns
 * false if some are left for the next tick.
 */
export async function keepState(
  host: Host,
  stage: StagePlan,
  watermark: Item | undefined,
  deadline: Deadline,
): Promise<boolean> {
  await markStage(host, stage, watermark)
  const marks = readMarks(watermark)
  let isWhole = true
  for (const operator of stage.operators)
    for (let lane = 0; lane < operator.lanes; lane++) {
      if (deadline.remainingMs() < DEADLINE_RESERVE_MS) return false
      isWhole = (await keepLane(host, operator, lane, marks, deadline)) && isWhole
    }
  return isWhole
}

/** Returns false if some are left for the next tick. */
async function keepLane(
  host: Host,
  operator: OperatorPlan,
  lane: number,
  marks: readonly Mark[],
  deadline: Deadline,
): Promise<boolean> {
  const { clock, logger, metrics, store } = host.services
  const { slices } = operator
  const groups = await readGroups(host, operator, lane)
  let closed = TIME_MAX
  let kept = Number.POSITIVE_INFINITY
  for (const { item, at } of groups) {
    // The cursor is damaged. The key group's advance reports what is wrong with it.
    if (at === undefined) return true
    const { slice, hash } = at.place
    closed = Math.min(closed, hash === undefined ? slice : slice - slices.widthMs)
    kept = Math.min(kept, (item?.kept as number | undefined) ?? Number.NEGATIVE_INFINITY)
  }
  if (closed >= TIME_MAX) return true
  const now = clock.now()
  const until = aliveUntil(host, operator, marks, closed, kept)
  const from =
    closed === TIME_MIN ? FIRST_SEGMENT : bucketFloor(slices.bucketEnd(slices.neededFrom(closed) + slices.widthMs))
  const ranges = lanePks(host.prefix, operator, lane).map((pk) => ({ pk, from, to: 'g~' }))
  const lifeMs = segmentLifeMs(host, operator)
  const spareMs = host.limits.spareLifeMs
  const firsts = await together(ranges.map((range) => store.query({ ...range, limit: 1 })))
  const oldest = Math.min(...firsts.flatMap(({ items }) => items.map(({ ttl }) => ttl as number)))
  if (oldest < Number.POSITIVE_INFINITY)
    metrics.peak('OldestUnreadAgeMs', Math.max(0, spareMs - (oldest * 1000 - now)), 'Milliseconds')
  if (until - now >= spareMs / 2) return true
  // guard: kept-in-time
  if (now > until) {
    if (oldest < Number.POSITIVE_INFINITY || marks.length > 0)
      logger.error('state waited longer than its ttl: some of it may be deleted', { operator: operator.name, lane })
    return true
  }
  for (const range of ranges) {
    const isWhole = await prolong(host, range, now + lifeMs, spareMs / RENEWED_PARTS, deadline)
    // guard: kept-when-whole
    if (!isWhole) return false
  }
  for (const { key, item } of groups) {
    if (item === undefined) await store.insert([{ ...key, ...freshCursor() }]) // guard: cursor-once
    const value = now + lifeMs - spareMs / RENEWED_PARTS
    await store.update({ key, set: { kept: value }, when: [{ attribute: 'kept', is: 'below', value }] }) // guard: kept-grows
  }
  return true
}

interface Group {
  readonly key: ItemKey
  readonly item: Item | undefined
  /** Undefined if the cursor is damaged. */
  readonly at: GroupCursor | undefined
}

async function readGroups(host: Host, operator: OperatorPlan, lane: number): Promise<Group[]> {
  const keys: ItemKey[] = []
  for (let keyGroup = 0; keyGroup < operator.keyGroups; keyGroup++)
    if (laneOf(keyGroup, operator) === lane) keys.push(groupKey(host.prefix, operator.name, keyGroup))
  const groups: Group[] = []
  for (let from = 0; from < keys.length; from += STORE_GET_MAX) {
    const some = keys.slice(from, from + STORE_GET_MAX)
    for (const [i, item] of (await host.services.store.get(some)).entries()) {
      const key = some[i]!
      let at: GroupCursor | undefined = new GroupCursor(host, key)
      try {
        if (item !== undefined) at.read(item)
      } catch {
        at = undefined
      }
      groups.push({ key, item, at })
    }
  }
  return groups
}

/**
 * Extends the life of all segments in a range, and of their parts. Returns false if some are left for the next tick.
 */
async function prolong(
  host: Host,
  range: { pk: string; from: string; to: string },
  untilMs: number,
  slackMs: number,
  deadline: Deadline,
): Promise<boolean> {
  const { store, metrics } = host.services
  const ttl = Math.floor(untilMs / 1000)
  let left = KEPT_PER_TICK
  let after: string | undefined
  do {
    const page = await store.query({ ...range, ...(after !== undefined && { after }) })
    const due = page.items.filter((item) => (item.ttl as number) < ttl - slackMs / 1000)
    for (let at = 0; at < due.length; at += KEPT_AT_ONCE) {
      if (left <= 0 || deadline.remainingMs() < DEADLINE_RESERVE_MS) return false
      const heads = due.slice(at, at + KEPT_AT_ONCE)
      const parts = heads.flatMap(partKeys)
      const keep = (key: ItemKey): Promise<unknown> => store.update({ key, set: { ttl }, when: [] }) // guard: life-only-grows
      // Only the life of the head is looked at, so it is extended when that of its parts has been.
      await together(parts.map(keep)) // guard: parts-kept-first
      await together(heads.map(({ pk, sk }) => keep({ pk, sk })))
      metrics.add('KeptSegments', parts.length + heads.length, 'Count')
      left -= parts.length + heads.length
    }
    after = page.next
  } while (after !== undefined)
  return true
}
