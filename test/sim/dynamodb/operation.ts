import type { ServiceWorld } from './service-world.js'

/** What an operation knows of the client that it came by. */
export interface Caller {
  readonly world: ServiceWorld
  /** Batches of reads that are still to come back without any key processed. */
  unprocessedLeft: number
}

/** A request that the service has understood. */
export interface Operation {
  readonly label: string
  /** Whether it is one conditional write of one item, which a transaction may stand in the way of. */
  readonly isSingleWrite: boolean
  /** What it does if it lands when nobody waits for it any more, each part at a turn of its own. Reads do nothing. */
  readonly late: readonly (() => void)[]
  /** Does it and answers, with the faults that strike within. */
  run(caller: Caller): object | Promise<object>
}

/** Longer than any call of the store is tried. */
export const longRun = (world: ServiceWorld): number => 11 + world.below(20)

/** Which of n are struck: at least one. */
export function someOf(n: number, world: ServiceWorld): boolean[] {
  const struck = Array.from({ length: n }, () => world.below(2) === 1)
  struck[world.below(n)] = true
  return struck
}

/** Before which write a reader sees a partition that asks for no strong consistency. */
export function staleness(unseen: readonly number[], world: ServiceWorld): number | undefined {
  return world.strikes('ddb-stale-read') ? unseen[world.below(unseen.length)] : undefined
}
