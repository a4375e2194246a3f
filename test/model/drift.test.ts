import { describe, expect, it } from 'vitest'
import { Random } from '../../lib/testing/random.js'
import { draws } from '../draws.js'

/**
 * Invariant 1 as a model: a record that is stamped far ahead of all before it, two attempts whose clocks disagree
 * whether it is from the future, and the durable mark by which both decide. No line of the runtime is in it. Each
 * record is counted once or rejected once, whoever dies where.
 */
interface Guards {
  /** The clock's word is written down before anything follows from it. */
  readonly marks: boolean
  /** Whoever was first stands: no mark is replaced that somebody may have decided by. */
  readonly firstStands: boolean
  /** What stands is read again, and decides. */
  readonly readsAgain: boolean
}
const SOUND: Guards = { marks: true, firstStands: true, readsAgain: true }
const RECORDS = 4
const FAR = 2

interface Table {
  position: number
  /** Up to which record a clock has spoken, and what it said. */
  mark: { readonly to: number; readonly isAllowed: boolean } | undefined
  /** Segments by where they begin, and what they count. */
  readonly segments: Map<number, { readonly to: number; readonly counts: readonly number[] }>
  readonly rejected: Set<number>
}

/** One attempt at the batch, a step of the table at a time. It may end anywhere. */
function* attempt(table: Table, isAllowed: boolean, guards: Guards): Generator<void> {
  let { position, mark } = table
  yield
  while (position < RECORDS) {
    // A chunk ends before the record that only a clock can judge, so that all who may judge it stand right before it.
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
    // Insert only: what another attempt has written stands, and is not written again.
    if (!table.segments.has(position)) table.segments.set(position, { to, counts })
    yield
    if (table.position === position) table.position = to
    position = table.position
    yield
  }
}

/** How often a record was counted or rejected other than once, over many interleavings. */
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
    // Whoever is still at work goes on: nothing may change by it.
    for (const one of running) while (one.next().done !== true);
    const tallies = new Array<number>(RECORDS).fill(0)
    for (const { counts } of table.segments.values()) for (const record of counts) tallies[record]!++
    for (const record of table.rejected) tallies[record]!++
    if (table.position < RECORDS || tallies.some((tally) => tally !== 1)) count++
    // One fault shows that a guard is needed.
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
