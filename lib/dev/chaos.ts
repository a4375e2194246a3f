import { RetryableError } from '../base/index.js'
import type { Sink, StateStore } from '../ports/index.js'
import { Random } from '../testing/random.js'

const RATES = {
  killBefore: 0.004,
  killAfter: 0.004,
  throttle: 0.01,
  hang: 0.01,
  abandon: 0.03,
  redeliver: 0.08,
  overlap: 0.1,
  recut: 0.3,
}
const HANG_MS_MAX = 60
const ABANDON_MS_MAX = 25

/**
 * Injects faults from a seed. They are faults that real pollers, stores and processes have occasionally; here they are
 * frequent. Without a seed, no fault is injected.
 */
export class Faults {
  readonly active: boolean
  /** Injected faults, by kind. */
  readonly counts: Record<string, number> = {}
  private readonly seeded: Random

  constructor(seed: number | undefined) {
    this.active = seed !== undefined
    this.seeded = new Random(seed ?? 0)
  }

  private strikes(kind: keyof typeof RATES): boolean {
    if (!this.active || this.seeded.next() >= RATES[kind]) return false
    this.counts[kind] = (this.counts[kind] ?? 0) + 1
    return true
  }

  /** The size of the next batch: any size up to `most`. */
  cut(most: number): number {
    return this.strikes('recut') ? 1 + Math.floor(this.seeded.next() * most) : most
  }

  /** How many records that were already delivered are repeated at the start of a batch. */
  overlap(most: number): number {
    return most > 0 && this.strikes('overlap') ? 1 + Math.floor(this.seeded.next() * most) : 0
  }

  redeliver(): boolean {
    return this.strikes('redeliver')
  }

  shuffle<T>(list: readonly T[]): T[] {
    const out = [...list]
    if (!this.active) return out
    for (let i = out.length - 1; i > 0; i--) {
      const j = Math.floor(this.seeded.next() * (i + 1))
      ;[out[i], out[j]] = [out[j]!, out[i]!]
    }
    return out
  }

  /**
   * Resolves when a running invocation is to be abandoned; the invocation then goes on as a zombie. Undefined if it is
   * not to be abandoned.
   */
  abandon(): Promise<void> | undefined {
    return this.strikes('abandon') ? this.wait(ABANDON_MS_MAX) : undefined
  }

  private wait(mostMs: number): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, this.seeded.next() * mostMs))
  }

  /**
   * Makes a call of a port. The call may be throttled, may hang, or may be the last call of its process, before or
   * after its effect.
   */
  async call<R>(process: Process, work: () => Promise<R>): Promise<R> {
    if (this.strikes('throttle')) throw new RetryableError('throttled', 'The store throttled a request.')
    if (this.strikes('hang')) await this.wait(HANG_MS_MAX)
    if (process.dead || this.strikes('killBefore')) return process.kill()
    const result = await work()
    if (process.dead || this.strikes('killAfter')) return process.kill()
    return result
  }
}

/** The process of an execution environment. After it is killed, no call in it ever settles. */
export class Process {
  dead = false
  readonly killed: Promise<never>
  private die: (error: Error) => void = () => undefined

  constructor() {
    this.killed = new Promise((_, reject) => {
      this.die = reject
    })
    this.killed.catch(() => undefined)
  }

  kill(): Promise<never> {
    this.dead = true
    this.die(new RetryableError('killed', 'The process of the invocation was killed.'))
    return new Promise(() => undefined)
  }

  store(faults: Faults, inner: StateStore): StateStore {
    if (!faults.active) return inner
    return {
      get: (keys) => faults.call(this, () => inner.get(keys)),
      insert: (items) => faults.call(this, () => inner.insert(items)),
      update: (update) => faults.call(this, () => inner.update(update)),
      updateAll: (updates) => faults.call(this, () => inner.updateAll(updates)),
      query: (range) => faults.call(this, () => inner.query(range)),
      usage: () => inner.usage(),
      close: () => inner.close(),
    }
  }

  sink(faults: Faults, inner: Sink): Sink {
    if (!faults.active) return inner
    return { write: (batches) => faults.call(this, () => inner.write(batches)), close: () => inner.close() }
  }
}
