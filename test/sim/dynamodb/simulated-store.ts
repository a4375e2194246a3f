import type { DynamoDBStoreOptions } from '../../../lib/state/dynamodb/options.js'
import { DynamoDBStore } from '../../../lib/state/dynamodb/store.js'
import type { ServiceWorld } from './service-world.js'
import type { SimulatedTable } from './table.js'

/** As `RETRY_BUDGET` of `lib/aws/retry.ts`. */
const BUDGET = { attemptsMax: 10, totalMs: 12_000 }

/** The real store on the simulated service: its clock, its pauses and its chance are the world's. */
export function simulatedStore(
  table: SimulatedTable,
  world: ServiceWorld,
  { retries = BUDGET, partiql }: Pick<DynamoDBStoreOptions, 'retries' | 'partiql'> = {},
): DynamoDBStore {
  const pace = {
    now: () => world.now(),
    pause: (ms: number) => world.pause(ms),
    jitter: (most: number) => 1 + world.below(most),
  }
  const options = { region: 'simulated', retries: { ...retries, pace }, ...(partiql !== undefined && { partiql }) }
  return new DynamoDBStore(table.name, options, table.client(world))
}
