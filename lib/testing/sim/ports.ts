import { RetryableError } from '../../base/index.js'
import type { Swarm } from './faults.js'
import type { Process } from './process.js'
import type { Scheduler } from './scheduler.js'

/**
 * Where a process is to die, by the number of its call among all calls of the run: for going through every crash point.
 */
export interface CrashPoint {
  readonly call: number
  readonly when: 'before' | 'after'
}

const STALL_MS_MAX = 30_000
const CLOCK_JUMP_MS_MAX = 600_000
const LATE_MS_MAX = 400_000

/** What every port's call goes through: its turn, and the faults that any call may meet. */
export class Ports {
  readonly scheduler: Scheduler
  readonly swarm: Swarm
  /** Which of the calls were writes. */
  readonly writes: number[] = []
  /** Effects that are still to come. */
  latent = 0
  /** Calls so far. */
  calls = 0
  /** Told of every request. */
  onRequest: (process: Process) => void = () => undefined
  /** Takes a process from whoever waits for its answer, and lets it sleep. */
  abandon: (process: Process) => void = () => undefined
  private readonly crashes: readonly CrashPoint[]

  constructor(scheduler: Scheduler, swarm: Swarm, crashes: readonly CrashPoint[]) {
    this.scheduler = scheduler
    this.swarm = swarm
    this.crashes = crashes
  }

  /** One call of a port. `land` is its effect; of a write it may come about though the process is gone. */
  async call<T>(process: Process, label: string, isWrite: boolean, land: () => Promise<T>): Promise<T> {
    const { scheduler, swarm } = this
    await scheduler.turn(process, label)
    const call = this.calls++
    this.onRequest(process)
    if (isWrite) this.writes.push(call)
    if (swarm.strikes('zombie')) {
      this.abandon(process)
      await scheduler.turn(process, label)
    }
    if (swarm.strikes('stall')) scheduler.now += 1_000 + swarm.below(STALL_MS_MAX)
    if (swarm.strikes('clock-jump')) process.skewMs.now = swarm.below(2 * CLOCK_JUMP_MS_MAX) - CLOCK_JUMP_MS_MAX
    if (this.dies(call, 'before') || swarm.strikes('crash-before')) {
      if (isWrite && swarm.strikes('late-effect')) this.later(`${label} lands, of a process that is dead`, land)
      return this.kill(process)
    }
    const result = await land()
    if (this.dies(call, 'after') || swarm.strikes('crash-after')) return this.kill(process)
    return result
  }

  /** An effect that comes about when nobody waits for it any more. */
  later(label: string, land: () => Promise<unknown>): void {
    this.latent++
    this.scheduler.after(1 + this.swarm.below(LATE_MS_MAX), label, () => {
      this.latent--
      // Nobody waits for it, or hears that it failed.
      land().catch(() => undefined)
    })
  }

  private dies(call: number, when: CrashPoint['when']): boolean {
    return this.crashes.length > 0 && this.crashes.some((crash) => crash.call === call && crash.when === when)
  }

  private kill(process: Process): Promise<never> {
    this.scheduler.note(`${process.name} dies`)
    process.kill()
    return new Promise(() => undefined)
  }
}

/** What an adapter throws once its own retries are spent. */
export function injected(code: 'throttled' | 'unknown-outcome' | 'sink-failed' | 'source-failed', fault: string) {
  return new RetryableError(code, `${INJECTED} ${fault}`)
}

/** Begins the message of every error that the world itself has thrown. */
export const INJECTED = 'Injected:'
