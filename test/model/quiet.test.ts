import { describe, expect, it } from 'vitest'
import { Random } from '../../lib/testing/random.js'
import { draws } from '../draws.js'

/**
 * How event time moves while all splits are idle, as a model without any code of the runtime. A producer loses nothing
 * if its gaps are shorter than `idle.close`, if the records after a gap fall into later windows, or if it sets the
 * timestamp of a record when it sends it. The last window closes in the end.
 */
const WINDOW = 60
const CLOSE = 15
const BOUND = 2
const DAY = 1_440

/** The properties of the correct rule. Each variant lacks one of them. Times are in minutes. */
interface Guards {
  /** Nothing happens before all splits have been idle for `idle.close`. */
  readonly waits: boolean
  /** Event time stops at the end of the last window that holds rows. */
  readonly stops: boolean
  /** Event time moves no faster than the clock. */
  readonly byClock: boolean
}
const SOUND: Guards = { waits: true, stops: true, byClock: true }

type Producer = 'steady' | 'upload' | 'live'

class Stage {
  lost = 0
  private readonly guards: Guards
  private watermark = Number.NEGATIVE_INFINITY
  private own = Number.NEGATIVE_INFINITY
  private top = Number.NEGATIVE_INFINITY
  private at = 0

  constructor(guards: Guards) {
    this.guards = guards
  }

  get isClosed(): boolean {
    return this.watermark >= endOf(this.top)
  }

  /** A record arrives. The split was out, so its gate is the published watermark. */
  take(time: number, now: number): void {
    this.at = now
    if (endOf(time) <= Math.max(this.own, this.watermark)) this.lost++
    this.top = Math.max(this.top, time)
    this.own = Math.max(this.own, time - BOUND)
    this.watermark = Math.max(this.watermark, this.own)
  }

  tick(now: number): void {
    const { waits, stops, byClock } = this.guards
    const quiet = now - this.at
    if (waits && quiet < CLOSE) return
    const last = stops ? endOf(this.top) : Number.POSITIVE_INFINITY
    const clock = byClock || !stops ? this.own + quiet : Number.POSITIVE_INFINITY
    this.watermark = Math.max(this.watermark, Math.min(last, clock))
  }
}

const endOf = (time: number): number => (Math.floor(time / WINDOW) + 1) * WINDOW

/** One producer over some days: what it lost, and whether its last window closed. */
function run(seed: number, producer: Producer, guards: Guards): { lost: number; isClosed: boolean } {
  const random = new Random(seed)
  const stage = new Stage(guards)
  let now = 0
  const wait = (minutes: number): void => {
    for (let i = 0; i < minutes; i++) stage.tick(now + i)
    now += minutes
  }
  for (let burst = 0; burst < 12; burst++) {
    if (producer === 'steady') {
      // Every few minutes, it sends what happened since then, hours ago. Bursts are not aligned to windows.
      for (let i = 0; i < 90; i++) {
        const minutes = 1 + random.below(CLOSE - 1)
        wait(minutes)
        for (let time = now - minutes; time < now; time++) stage.take(time - 300, now)
      }
    } else if (producer === 'live') {
      for (let i = 0; i < 5; i++) stage.take(now, now)
      wait(random.below(3) === 0 ? random.below(2 * DAY) : random.below(2 * WINDOW))
    } else {
      // At each full hour, or once in some hours or days, it sends the whole hours before.
      const hours = 1 + (random.below(4) === 0 ? random.below(50) : random.below(4))
      wait(hours * WINDOW)
      for (let time = now - hours * WINDOW; time < now; time += 1 + random.below(5)) stage.take(time, now)
    }
  }
  wait(2 * WINDOW + CLOSE)
  return { lost: stage.lost, isClosed: stage.isClosed }
}

function total(producer: Producer, guards: Guards) {
  let [lost, open] = [0, 0]
  for (let seed = 1; seed <= draws(100, 1_000); seed++) {
    const { lost: one, isClosed } = run(seed, producer, guards)
    lost += one
    if (!isClosed) open++
    // A single loss shows that the guard is needed.
    if (guards !== SOUND && lost > 0) break
  }
  return { lost, open }
}

describe('the model of event time while all is quiet', () => {
  it.each(['steady', 'upload', 'live'] as const)(
    'a %s producer loses nothing, and its last window closes',
    (producer) => {
      expect(total(producer, SOUND)).toEqual({ lost: 0, open: 0 })
    },
  )

  it.each([
    ['waits', 'steady'],
    ['stops', 'upload'],
    ['byClock', 'live'],
  ] as const)('without %s a %s producer loses records', (guard, producer) => {
    expect(total(producer, { ...SOUND, [guard]: false }).lost).toBeGreaterThan(0)
  })
})
