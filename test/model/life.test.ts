import { describe, expect, it } from 'vitest'
import { Random } from '../../lib/testing/random.js'
import { draws } from '../draws.js'

/**
 * Invariant 9 as a model, without any code of the runtime: segments with a time to live, marks of how far event time
 * was, and the tick that keeps unread state. Counted records are either closed completely, or the key group stops. They
 * are never lost silently, however long nothing runs and however late a record is.
 */
const DAY = 24
const LIFE = 9 * DAY
const SPARE = 7 * DAY
const SLICE = 10
const BOUND = 2 * SLICE

/** The properties of the correct protocol. Each variant lacks one of them. */
interface Guards {
  /** An attempt that closes a slice first checks whether all of it can still be there. */
  readonly asks: boolean
  /** A mark is written before the segments that it covers, not after them. */
  readonly marksFirst: boolean
  /** A mark only covers times above the highest event time of any split. */
  readonly marksAbove: boolean
  /** Key groups record that everything is kept only after everything is kept. */
  readonly keepsWhole: boolean
  /** A segment's time to live starts now, even if the clock is behind the newest mark. */
  readonly newestMark: boolean
}
const SOUND: Guards = { asks: true, marksFirst: true, marksAbove: true, keepsWhole: true, newestMark: true }

interface Segment {
  readonly slice: number
  ttl: number
}

class Region {
  now = 0
  lost = 0
  closed = 0
  stops = 0
  private top = 0
  private cursor = 0
  private kept = Number.NEGATIVE_INFINITY
  private segments: Segment[] = []
  private readonly counted = new Map<number, number>()
  private marks: { at: number; top: number }[] = [{ at: 0, top: -1 }]
  private readonly random: Random
  private readonly guards: Guards

  constructor(seed: number, guards: Guards) {
    this.random = new Random(seed)
    this.guards = guards
  }

  run(steps: number): void {
    for (let step = 0; step < steps && this.stops === 0; step++) {
      // Most of the time something runs. Occasionally nothing runs for up to two weeks.
      this.now += this.random.below(30) === 0 ? this.random.below(15 * DAY) : this.random.below(DAY / 2)
      this.segments = this.segments.filter(({ ttl }) => ttl > this.now || this.random.below(4) === 0)
      const turn = this.random.below(8)
      if (turn < 3) this.write()
      else if (turn < 6) this.keep()
      else this.advance()
    }
  }

  /** One record: usually within the bound below the highest event time, otherwise beyond it. */
  private write(): void {
    const time = Math.max(this.cursor, this.top - this.random.below(BOUND) + this.random.below(2 * SLICE))
    if (this.guards.marksFirst) this.mark(this.top)
    const slice = (Math.floor(time / SLICE) + 1) * SLICE
    // Some clocks are behind by days.
    const clock = this.now - (this.random.below(4) === 0 ? this.random.below(20 * DAY) : 0)
    const newest = this.guards.newestMark ? this.marks.at(-1)!.at : clock
    // The last moment of a time to live does not count: an item may already be deleted then.
    this.segments.push({ slice, ttl: Math.max(clock, newest) + LIFE + 1 })
    this.counted.set(slice, (this.counted.get(slice) ?? 0) + 1)
    if (!this.guards.marksFirst) this.mark(this.top)
    this.top = Math.max(this.top, time)
  }

  private mark(top: number): void {
    if (this.now - this.marks.at(-1)!.at <= LIFE / 16) return
    this.marks.push({ at: this.now, top: this.guards.marksAbove ? top : -1 })
  }

  /** Until when everything is there that closing from the cursor on reads. */
  private aliveUntil(): number {
    const since = Math.max(...this.marks.filter(({ top }) => top < this.cursor || top === -1).map(({ at }) => at))
    return Math.max(since + LIFE, this.kept)
  }

  private keep(): void {
    this.mark(this.top)
    const until = this.aliveUntil()
    if (until - this.now >= SPARE / 2 || this.now > until) return
    // A tick does not have time for all of them.
    const some = this.random.below(this.segments.length + 2)
    for (const segment of this.segments.slice(0, some)) segment.ttl = Math.max(segment.ttl, this.now + LIFE)
    if (some >= this.segments.length || !this.guards.keepsWhole) this.kept = this.now + LIFE - SPARE / 8
  }

  /** Closes the next slice, if event time is beyond it. */
  private advance(): void {
    const slice = this.cursor + SLICE
    if (this.top - BOUND < slice) return
    if (this.guards.asks && this.now > this.aliveUntil()) {
      this.stops++
      return
    }
    const found = this.segments.filter((segment) => segment.slice === slice).length
    if (found < (this.counted.get(slice) ?? 0)) this.lost++
    this.segments = this.segments.filter((segment) => segment.slice !== slice)
    this.cursor = slice
    this.closed++
  }
}

function total(guards: Guards) {
  let [lost, closed, stops] = [0, 0, 0]
  for (let seed = 1; seed <= draws(3_000, 40_000); seed++) {
    const region = new Region(seed, guards)
    region.run(200)
    lost += region.lost
    // A single loss shows that the guard is needed.
    if (guards !== SOUND && lost > 0) break
    closed += region.closed
    stops += region.stops
  }
  return { lost, closed, stops }
}

describe('invariant 9: the model of what lives how long', () => {
  it('sound, it loses nothing, and mostly goes on', () => {
    const { lost, closed, stops } = total(SOUND)
    expect(lost).toBe(0)
    expect(closed).toBeGreaterThan(1_000)
    expect(stops).toBeGreaterThan(0)
  })

  it.each(Object.keys(SOUND) as (keyof Guards)[])('without %s it loses what was counted', (guard) => {
    expect(total({ ...SOUND, [guard]: false }).lost).toBeGreaterThan(0)
  })
})
