import { describe, expect, it } from 'vitest'
import { Random } from '../../lib/testing/random.js'
import { draws } from '../draws.js'

/**
 * Invariant 1 as a model, without any code of the runtime. A record has a timestamp far ahead of all records before it.
 * Two attempts have clocks that disagree whether it is in the future, and a durable mark decides for both. Each record
 * is counted once or rejected once, wherever an attempt dies.
 */
interface Guards {
  /** What the clock showed is stored before anything depends on it. */
  readonly marks: boolean
  /** The first mark stays: a mark is never replaced, because another attempt may have decided by it. */
  readonly firstStands: boolean
  /** The stored mark is read again, and decides. */
  readonly readsAgain: boolean
}
const SOUND: Guards = { marks: true, firstStands: true, readsAgain: true }
const RECORDS = 4
const FAR = 2

interface Table {
  position: number
  /** The record up to which a clock was asked, and its answer. */
  mark: { readonly to: number; readonly isAllowed: boolean } | undefined
  /** Segments by where they begin, and the records that they count. */
  readonly segments: Map<number, { readonly to: number; readonly counts: readonly number[] }>
  readonly rejected: Set<number>
}

/** One attempt at the batch, one table operation at a time. It may end at any point. */
function* attempt(table: Table, isAllowed: boolean, guards: Guards): Generator<void> {
  let { position, mark } = table
  yield
  while (position < RECORDS) {
    // A chunk ends before the record that only a clock can judge, so that every attempt that may judge it is at the
    // same position.
    const isFar = position === FAR
    const to = isFar || position > FAR ? RECORDS : FAR
    let said = isAllowed
    if (isFar && guards.marks) {
      if (mark === undefined || mark.to < FAR) {
        const mine = { to: RECORDS, isAllowed }
        const isFree = table.mark === undefined || table.mark.to < FAR
        if (table.position === position && (isFree || !guards.firstStands)) table.mark = mine
        mark = guards.readsAgain ? table.mark : mine
        yield
        if (table.position > position) {
          position = table.position
          continue
        }
      }
      said = mark!.isAllowed
    }
    const counts: number[] = []
    for (let record = position; record < to; record++) {
      if (record === FAR && !said) {
        table.rejected.add(record)
        yield
      } else counts.push(record)
    }
    // Insert only: a segment of another attempt stays, and is not written again.
    if (!table.segments.has(position)) table.segments.set(position, { to, counts })
    yield
    if (table.position === position) table.position = to
    position = table.position
    yield
  }
}

/** How many records were not counted or rejected exactly once, over many interleavings. */
function wrong(guards: Guards): number {
  let count = 0
  for (let seed = 1; seed <= draws(3_000, 30_000); seed++) {
    const random = new Random(seed)
    const table: Table = { position: 0, mark: undefined, segments: new Map(), rejected: new Set() }
    let running: Generator<void>[] = []
    for (let step = 0; step < 400 && table.position < RECORDS; step++) {
      if (running.length < 2) running.push(attempt(table, random.below(2) === 0, guards))
      const one = running[random.below(running.length)]!
      const isOver = one.next().done === true
      if (isOver || random.below(8) === 0) running = running.filter((other) => other !== one)
    }
    // Attempts that are still running continue, and must not change anything.
    for (const one of running) while (one.next().done !== true);
    const tallies = new Array<number>(RECORDS).fill(0)
    for (const { counts } of table.segments.values()) for (const record of counts) tallies[record]!++
    for (const record of table.rejected) tallies[record]!++
    if (table.position < RECORDS || tallies.some((tally) => tally !== 1)) count++
    // A single fault shows that the guard is needed.
    if (guards !== SOUND && count > 0) break
  }
  return count
}

describe('invariant 1: the model of stamps that only a clock can judge', () => {
  it('sound, each record is counted once or rejected once', () => {
    expect(wrong(SOUND)).toBe(0)
  })

  it.each(Object.keys(SOUND) as (keyof Guards)[])('without %s some are both, or neither', (guard) => {
    expect(wrong({ ...SOUND, [guard]: false })).toBeGreaterThan(0)
  })
})
