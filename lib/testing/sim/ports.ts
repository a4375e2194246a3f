import { RetryableError } from '../../base/index.js'
import type { Swarm } from './faults.js'
import type { Process } from './process.js'
import type { Scheduler } from './scheduler.js'

/**
 * Where a process is to crash, by the number of its call among all calls of the run. Used to test every crash point.
 */
export interface CrashPoint {
  readonly call: number
  readonly when: 'before' | 'after'
}

const STALL_MS_MAX = 30_000
const CLOCK_JUMP_MS_MAX = 600_000
const LATE_MS_MAX = 400_000

/** The path of every call of a port: it waits for its turn, and is subject to the faults of any call. */
export class Ports {
  readonly scheduler: Scheduler
  readonly swarm: Swarm
  /** The numbers of the calls that were writes. */
  readonly writes: number[] = []
  /** Number of effects that are still to take place. */
  latent = 0
  /** Number of calls so far. */
  calls = 0
  /** Called with every request. */
  onRequest: (process: Process) => void = () => undefined
  /** Detaches a process from the caller that awaits its answer, and lets it sleep. */
  abandon: (process: Process) => void = () => undefined
  private readonly crashes: readonly CrashPoint[]

  constructor(scheduler: Scheduler, swarm: Swarm, crashes: readonly CrashPoint[]) {
    this.scheduler = scheduler
    this.swarm = swarm
    this.crashes = crashes
  }

  /**
   * Makes one call of a port. `land` is its effect; the effect of a write may take place although the process has died.
   */
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
      if (isWrite && swarm.strikes('late-effect')) this.later(`${label} takes effect after its process has died`, land)
      return this.kill(process)
    }
    const result = await land()
    if (this.dies(call, 'after') || swarm.strikes('crash-after')) return this.kill(process)
    return result
  }

  /** An effect that takes place when no caller awaits it any more. */
  later(label: string, land: () => Promise<unknown>): void {
    this.latent++
    this.scheduler.after(1 + this.swarm.below(LATE_MS_MAX), label, () => {
      this.latent--
      // No caller awaits it, so a failure has no effect.
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

/** The error that an adapter throws once its own retries are exhausted. */
export function injected(code: 'throttled' | 'unknown-outcome' | 'sink-failed' | 'source-failed', fault: string) {
  return new RetryableError(code, `${INJECTED} ${fault}`)
}

/** The beginning of the message of every error that the world itself throws. */
export const INJECTED = 'Injected:'
