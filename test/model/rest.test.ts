import { describe, expect, it } from 'vitest'
import { Random } from '../../lib/testing/random.js'
import { draws } from '../draws.js'

/**
 * Invariant 5 for the key groups of an operator, as a model with random interleavings, without any code of the runtime.
 * When the upstream stage is at rest, its key groups leave the minimum of the next stage, so that the next stage can
 * close what it holds. When the upstream stage continues, they return behind a gate. However attempts overlap, each row
 * is counted once, in a slice that was not closed, or expired once. No row that arrived before any rest is expired.
 */
interface Guards {
  /** A key group is marked first. Only then is the upstream stage asked. */
  readonly marksFirst: boolean
  /** An advance reads the key group after the watermark by which it advances. */
  readonly readsAfter: boolean
  /** A key group may leave only after it has processed everything that the upstream stage has published. */
  readonly isDone: boolean
  /** Only while the upstream stage is at rest. */
  readonly atRest: boolean
  /** An attempt that finds the mark removes it. */
  readonly putsBack: boolean
  /** The gate is the proposed watermark at the time of the return. */
  readonly gate: boolean
}
const SOUND: Guards = { marksFirst: true, readsAfter: true, isDone: true, atRest: true, putsBack: true, gate: true }
const NONE = -1
const STEPS = 900
/** How long some calls take, in steps. */
const SLOW = 6

interface KeyGroup {
  position: number
  own: number
  gate: number
  status: 'member' | 'parting' | 'out' | 'joining'
  epoch: number
}

class Region {
  early = 0
  wrong = 0
  readonly random: Random
  private readonly guards: Guards
  private published = NONE
  private members = 1
  private rests = 0
  private proposed = NONE
  private closed = NONE
  private readonly group: KeyGroup = { position: NONE, own: NONE, gate: NONE, status: 'member', epoch: 1 }
  /** The decision about the row of a slice. It is insert only, so the first decision stays. */
  private readonly rows = new Map<number, { readonly isCounted: boolean; readonly slice: number }>()
  private readonly emitted = new Map<number, string>()

  constructor(seed: number, guards: Guards) {
    this.random = new Random(seed)
    this.guards = guards
  }

  /** The upstream stage: it runs, comes to rest, and runs again. It has one slice at a time, with one row in it. */
  upstream(): void {
    if (this.members === 0) {
      if (this.random.below(3) === 0) this.members = 1
    } else if (this.random.below(3) === 0) {
      this.members = 0
      this.rests++
    } else this.published += this.random.below(3)
  }

  /** Closes slices of the upstream stage, and passes each row on to the next stage. */
  *advance(): Generator<void> {
    const early = { ...this.group }
    for (let i = 0; i < SLOW; i++) yield
    const upTo = this.published
    yield
    if (upTo <= this.group.position) return
    let seen = this.guards.readsAfter ? { ...this.group } : early
    for (; seen.status !== 'member'; seen = { ...this.group }) {
      yield
      if (this.group.epoch !== seen.epoch) continue
      if (seen.status === 'out') Object.assign(this.group, { status: 'joining', epoch: seen.epoch + 1 })
      else if (seen.status === 'joining') {
        const gate = this.guards.gate ? this.proposed : NONE
        yield
        if (this.group.epoch === seen.epoch)
          Object.assign(this.group, { status: 'member', epoch: seen.epoch + 1, gate: Math.max(this.group.gate, gate) })
      } else if (this.guards.putsBack) Object.assign(this.group, { status: 'member', epoch: seen.epoch + 1 })
      else break
    }
    for (let slice = seen.position + 1; slice <= upTo; slice++) {
      const isCounted = slice > Math.max(slice - 1, seen.gate)
      if (!isCounted && this.rests === 0) this.early++
      yield
      if (!this.rows.has(slice)) {
        this.rows.set(slice, { isCounted, slice })
        if (isCounted && slice <= this.closed) this.wrong++
      }
      yield
      if (this.group.position < slice && this.group.gate === seen.gate)
        Object.assign(this.group, { position: slice, own: slice })
      else if (this.group.position < slice) return
    }
  }

  /** The tick: lets the key group leave, if the check after the mark allows it. */
  *part(): Generator<void> {
    const before = this.ask()
    const seen = { ...this.group }
    if (seen.status === 'out' || seen.status === 'joining') return
    if (!before) return
    for (let i = 0; i < SLOW; i++) yield
    if (this.group.position !== seen.position || this.group.epoch !== seen.epoch) return
    Object.assign(this.group, { status: 'parting', epoch: seen.epoch + 1 })
    yield
    const isNothing = this.guards.marksFirst ? this.ask(seen.position) : before
    // The answer may be outdated by the time it is used.
    for (let i = 0; i < SLOW; i++) yield
    if (this.group.status !== 'parting' || this.group.epoch !== seen.epoch + 1) return
    Object.assign(this.group, { status: isNothing ? 'out' : 'member', epoch: seen.epoch + 2 })
  }

  private ask(position = this.group.position): boolean {
    return (!this.guards.atRest || this.members === 0) && (!this.guards.isDone || position === this.published)
  }

  /**
   * Moves the watermark of the next stage in two phases. If no split holds it back, it moves to the end of the unread
   * rows.
   */
  *close(): Generator<void> {
    const low = (): number => {
      const { status, own, gate } = this.group
      if (status === 'out') return Math.max(own, gate) + 3
      return status === 'joining' ? NONE : Math.max(own, gate)
    }
    const first = low()
    yield
    this.proposed = Math.max(this.proposed, first)
    const mine = this.proposed
    yield
    const second = this.group.status === 'out' ? mine : low()
    yield
    this.closed = Math.max(this.closed, Math.min(mine, second))
    for (let slice = 0; slice <= this.closed; slice++) {
      const is = String(this.rows.get(slice)?.isCounted === true)
      if ((this.emitted.get(slice) ?? is) !== is) this.wrong++
      this.emitted.set(slice, is)
    }
  }

  run(): void {
    let running: Generator<void>[] = []
    // The frequency of each event differs from run to run.
    const [upstream, advance, part, close, death] = Array.from({ length: 5 }, () => 2 + this.random.below(20))
    const strikes = (rate: number): boolean => this.random.below(rate) === 0
    for (let step = 0; step < STEPS; step++) {
      if (strikes(upstream!)) this.upstream()
      if (running.length < 6 && strikes(advance!)) running.push(this.advance())
      if (running.length < 6 && strikes(part!)) running.push(this.part())
      if (running.length < 6 && strikes(close!)) running.push(this.close())
      if (running.length === 0) continue
      const one = running[this.random.below(running.length)]!
      // Some attempts die, and some sleep for a long time before they continue.
      if (one.next().done === true || strikes(10 * death!)) running = running.filter((other) => other !== one)
    }
    for (const one of running) while (one.next().done !== true);
    for (const end = this.advance(); end.next().done !== true; );
    for (let slice = 0; slice <= this.published; slice++) if (!this.rows.has(slice)) this.wrong++
  }
}

function total(guards: Guards) {
  let [wrong, early] = [0, 0]
  for (let seed = 1; seed <= draws(800, 30_000); seed++) {
    const region = new Region(seed, guards)
    region.run()
    wrong += region.wrong
    early += region.early
    // A single fault shows that the guard is needed.
    if (guards !== SOUND && wrong + early > 0) break
  }
  return { wrong, early }
}

describe('invariant 5: the model of key groups that leave while the stage before them is at rest', () => {
  it('sound, each row is counted once in an open slice, or expired once', () => {
    expect(total(SOUND)).toEqual({ wrong: 0, early: 0 })
  })

  it.each(Object.keys(SOUND) as (keyof Guards)[])('without %s some are not', (guard) => {
    const { wrong, early } = total({ ...SOUND, [guard]: false })
    expect(wrong + early).toBeGreaterThan(0)
  })
})
