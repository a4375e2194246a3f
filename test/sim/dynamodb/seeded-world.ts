import { Random } from '../../../lib/testing/random.js'
import type { DynamoDBFault } from './faults.js'
import type { ServiceWorld } from './service-world.js'

/** Chance of each fault where it can strike, 0 to 1. */
export type Rates = Readonly<Partial<Record<DynamoDBFault, number>>>

const TURNS_MAX = 20_000

interface Held {
  readonly effect: () => void
  turns: number
}

/**
 * A world without a scheduler: a turn comes after some microtasks, as many as the seed says, so that concurrent callers
 * meet in any order; virtual time moves by the pauses. Of its callers each may see the faults that strike it.
 */
export class SeededWorld {
  readonly counts: Record<string, number> = {}
  private readonly random: Random
  private readonly rates: Rates
  private readonly held: Held[] = []
  private time = 0
  private turns = 0

  constructor(seed: number, rates: Rates = {}) {
    this.random = new Random(seed)
    this.rates = rates
  }

  /** The world as one caller has it. */
  caller(onFault: (kind: string) => void = () => undefined): ServiceWorld {
    return {
      turn: () => this.pass(),
      strikes: (kind) => {
        if (!(this.random.next() < (this.rates[kind as DynamoDBFault] ?? 0))) return false
        this.counts[kind] = (this.counts[kind] ?? 0) + 1
        onFault(kind)
        return true
      },
      below: (n) => this.random.below(n),
      later: (_, effect) => void this.held.push({ effect, turns: 1 + this.random.below(30) }),
      pause: (ms) => {
        this.time += ms
        return this.pass()
      },
      now: () => this.time,
    }
  }

  below(n: number): number {
    return this.random.below(n)
  }

  /** Lets go of all that is still held. */
  release(): void {
    for (const { effect } of this.held.splice(0)) effect()
  }

  private async pass(): Promise<void> {
    if (++this.turns > TURNS_MAX) throw new Error(`There have been ${TURNS_MAX} turns: something goes on for ever.`)
    for (let n = this.random.below(4); n > 0; n--) await undefined
    for (let i = this.held.length - 1; i >= 0; i--) if (--this.held[i]!.turns === 0) this.held.splice(i, 1)[0]!.effect()
  }
}

/** A world in which these faults strike, in their order, each as soon as it can. */
export function scriptedWorld(seed: number, ...faults: DynamoDBFault[]): ServiceWorld {
  const strikes = (kind: string): boolean => kind === faults[0] && faults.shift() !== undefined
  return { ...new SeededWorld(seed).caller(), strikes }
}
