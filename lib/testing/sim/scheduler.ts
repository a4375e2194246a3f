import { Random } from '../random.js'
import type { Process, Waiting } from './process.js'

export interface Timer {
  readonly at: number
  readonly order: number
  readonly label: string
  readonly act: () => void
}

/** The maximum duration of one step of the world, ms. */
const STEP_MS_MAX = 25
/** The probability that the newest call goes first, so that some attempts run ahead of all others. */
const NEWEST_SHARE = 0.3

/**
 * Controls time and every await of the ports: one call proceeds at a time, chosen by the seed, and all others wait.
 * Between two steps all microtasks run to completion, so that everything depends on the seed alone.
 */
export class Scheduler {
  now: number
  steps = 0
  /** FNV-1a of everything that happened, in order. */
  hash = 0x811c9dc5
  /** The process whose code is running now. */
  running: Process | undefined
  readonly random: Random
  private ready: Waiting[] = []
  private timers: Timer[] = []
  private order = 0
  private readonly isSequential: boolean
  private readonly onEvent: ((event: string, now: number) => void) | undefined

  constructor(seed: number, now: number, isSequential: boolean, onEvent?: (event: string, now: number) => void) {
    this.random = new Random(seed)
    this.now = now
    this.isSequential = isSequential
    this.onEvent = onEvent
  }

  /** Records an event. */
  note(event: string): void {
    let { hash } = this
    for (let i = 0; i < event.length; i++) hash = Math.imul(hash ^ event.charCodeAt(i), 0x01000193)
    this.hash = hash
    if (event !== '') this.onEvent?.(event, this.now)
  }

  /** Settles when it is this call's turn; never if its process dies first. */
  turn(process: Process, label: string): Promise<void> {
    return new Promise((go) => {
      if (process.isDead) return
      const waiting = { process, label, go }
      if (process.parked === undefined) this.ready.push(waiting)
      else process.parked.push(waiting)
    })
  }

  /** Schedules an action at a time of the world. */
  after(ms: number, label: string, act: () => void): Timer {
    const timer = { at: this.now + ms, order: this.order++, label, act }
    let at = this.timers.length
    while (at > 0 && isSooner(timer, this.timers[at - 1]!)) at--
    this.timers.splice(at, 0, timer)
    return timer
  }

  cancel(timer: Timer): void {
    const at = this.timers.indexOf(timer)
    if (at >= 0) this.timers.splice(at, 1)
  }

  /** Whether anything is scheduled besides actions with this label or without a label. */
  hasOther(label: string): boolean {
    return this.timers.some((timer) => timer.label !== label && timer.label !== '')
  }

  /** Gives the calls of a process no turn until it is woken. */
  park(process: Process): void {
    process.parked ??= []
    if (!this.ready.some((waiting) => waiting.process === process)) return
    process.parked.push(...this.ready.filter((waiting) => waiting.process === process))
    this.ready = this.ready.filter((waiting) => waiting.process !== process)
  }

  wake(process: Process): void {
    const { parked } = process
    process.parked = undefined
    if (parked !== undefined) this.ready.push(...parked)
  }

  /** Drops the calls of a dead process. */
  bury(process: Process): void {
    if (this.ready.some((waiting) => waiting.process === process))
      this.ready = this.ready.filter((waiting) => waiting.process !== process)
  }

  /**
   * One step: actions that are due run, then one call proceeds. If no call can, time advances to the next action.
   * Returns false if nothing is left.
   */
  async step(): Promise<boolean> {
    this.steps++
    if (this.ready.length === 0) {
      const next = this.timers[0]
      if (next === undefined) return false
      this.now = Math.max(this.now, next.at)
    } else this.now += 1 + this.random.below(STEP_MS_MAX)
    while (this.timers.length > 0 && this.timers[0]!.at <= this.now) {
      const { label, act } = this.timers.shift()!
      this.note(label)
      act()
    }
    const waiting = this.next()
    if (waiting !== undefined) {
      this.note(waiting.label)
      this.running = waiting.process
      waiting.go()
    }
    await drained()
    return true
  }

  private next(): Waiting | undefined {
    const { ready, random } = this
    if (ready.length === 0) return undefined
    if (this.isSequential) return ready.shift()
    const at = random.next() < NEWEST_SHARE ? ready.length - 1 : random.below(ready.length)
    const [waiting] = ready.splice(at, 1)
    return waiting
  }
}

function isSooner(a: Timer, b: Timer): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order)
}

/** Resolves when every microtask has run, including those started by others. */
function drained(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve))
}
