import { describe, expect, it } from 'vitest'
import { Random } from '../../../lib/testing/random.js'
import { draws } from '../../draws.js'
import { type Call, Caller } from './callers.js'
import { DYNAMODB_FAULT_KINDS, type DynamoDBFault, UNCERTAIN_FAULTS } from './faults.js'
import { Journal } from './journal.js'
import { type Rates, SeededWorld } from './seeded-world.js'
import { simulatedStore } from './simulated-store.js'
import { SimulatedTable } from './table.js'
import { faultsOf } from './verdicts.js'

const SEEDS = Number(process.env.SIM_SEEDS ?? draws(20, 120)) * 3
const CALLS = 12
const MANY = draws(1, 10)

/** Each seed has a third of the faults, each often or seldom; runs of throttling are seldom, as they end calls. */
function ratesOf(random: Random): Rates {
  const rates: Partial<Record<DynamoDBFault, number>> = {}
  for (const kind of DYNAMODB_FAULT_KINDS) {
    if (random.below(3) > 0) continue
    const rate = [0.03, 0.1, 0.25][random.below(3)]!
    rates[kind] = kind.endsWith('-long') ? rate / 8 : rate
  }
  return rates
}

interface Run {
  readonly calls: readonly Call[]
  readonly faults: readonly string[]
  readonly counts: Readonly<Record<string, number>>
}

/** Some callers share a table, each with a store and a client of its own. */
async function run(seed: number): Promise<Run> {
  const random = new Random(seed)
  const world = new SeededWorld(random.below(2 ** 31), ratesOf(random))
  const table = new SimulatedTable()
  const journal = new Journal(table)
  // With items of this size a page of 1 MB ends before its range.
  const bytesMax = random.below(12) === 0 ? 300 * 1024 : 40
  const callers = Array.from({ length: 2 + random.below(3) }, (_, i) => {
    const view = world.caller((kind) => caller.mark(UNCERTAIN_FAULTS.has(kind), kind === 'ddb-hold'))
    const retries = random.below(3) === 0 ? { attemptsMax: 3, totalMs: 12_000 } : undefined
    const partiql = random.below(3) > 0
    const store = simulatedStore(table, view, { partiql, retries })
    const options = { name: 'abcd'[i]!, looksLater: !partiql, bytesMax }
    const caller = new Caller(store, new Random(random.below(2 ** 31)), journal, options)
    return caller
  })
  await Promise.all(callers.map((caller) => caller.run(CALLS)))
  world.release()
  const calls = callers.flatMap((caller) => caller.calls)
  return { calls, faults: calls.flatMap((call) => faultsOf(call, journal)), counts: world.counts }
}

const textOf = async (seed: number): Promise<string> =>
  JSON.stringify(await run(seed), (_, value) => (value instanceof Uint8Array ? `${value.length} ${value[0]}` : value))

describe('the DynamoDB store on a simulated service that fails (SIM_SEEDS runs more)', () => {
  it('keeps its word, whatever becomes of its calls (invariants 2, 11, 12)', async () => {
    const counts = new Map<string, number>()
    for (let seed = 1; seed <= SEEDS; seed++) {
      const result = await run(seed)
      expect(result.faults, `seed ${seed}`).toEqual([])
      for (const [kind, n] of Object.entries(result.counts)) counts.set(kind, (counts.get(kind) ?? 0) + n)
    }
    // Invariant 12: no read of the store is one that may be stale.
    for (const kind of DYNAMODB_FAULT_KINDS.filter((kind) => kind !== 'ddb-stale-read')) {
      expect(counts.get(kind) ?? 0, kind).toBeGreaterThan(MANY)
    }
    expect(counts.get('ddb-stale-read')).toBeUndefined()
  })

  it('does the same for the same seed', async () => {
    for (const seed of [1, 2, 3]) expect(await textOf(seed)).toBe(await textOf(seed))
    expect(await textOf(1)).not.toBe(await textOf(2))
  })
})
