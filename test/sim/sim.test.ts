import { describe, expect, it } from 'vitest'
import { FAULT_NAMES } from '../../lib/testing/sim/faults.js'
import { draws, LONG } from '../draws.js'
import { addRun, noTotals, type Totals } from './report.js'
import { run } from './run.js'
import { SPECS } from './specs.js'

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1)
/**
 * A fixed list of seeds; `npm run sim` runs more. The short form has those of 160 that together draw every kind of
 * operator and inject nearly every kind of fault.
 */
const SHORT = [2, 5, 7, 15, 17, 18, 26, 30, 31, 43, 51, 70, 72, 74, 88, 91, 92, 103, 113, 129, 132, 137, 142, 157]
const SEEDS = LONG ? upTo(300) : SHORT
const SEEDS_EACH = LONG ? upTo(40) : [1, 6, 12]
const SEEDS_CALM = upTo(draws(5, 200))
/** Kinds of faults that so few seeds may not meet, as they need a pipeline of their kind. */
const MISSING_MAX = draws(3, 5)

async function runs(seeds: readonly number[], options: Omit<Parameters<typeof run>[0], 'seed'>): Promise<Totals> {
  const totals = noTotals()
  for (const seed of seeds) addRun(totals, await run({ ...options, seed }))
  return totals
}

describe('invariants 1 to 14: random pipelines in a world that does its worst', () => {
  it(`${SEEDS.length} seeds: what the sinks hold and the counters say is what a plain computation gives`, async () => {
    const totals = await runs(SEEDS, {})
    expect(totals.failures).toEqual([])
    expect([totals.lost, totals.doubled]).toEqual([0, 0])
    expect(totals.recordsIn).toBeGreaterThan(10 * SEEDS.length)
    expect(totals.rowsOut).toBeGreaterThan(10 * SEEDS.length)
    const missing = FAULT_NAMES.filter((kind) => totals.injections[kind] === undefined)
    expect(missing.length, `never injected: ${missing.join()}`).toBeLessThanOrEqual(MISSING_MAX)
  })

  for (const pipeline of Object.keys(SPECS)) {
    it(`${pipeline}: ${SEEDS_EACH.length} seeds`, async () => {
      const totals = await runs(SEEDS_EACH, { pipeline })
      expect(totals.failures).toEqual([])
      expect(totals.rowsOut).toBeGreaterThan(2 * SEEDS_EACH.length)
    })
  }

  it('random pipelines, nothing goes wrong: the semantics alone', async () => {
    const totals = await runs(SEEDS_CALM, {
      kinds: ['late-flood', 'equal-stamps', 'idle', 'reshard', 'partition-added'],
    })
    expect(totals.failures).toEqual([])
  })
})

describe('the same seed', () => {
  it('gives the same trace, step by step', async () => {
    for (const seed of LONG ? [3, 31, 314] : [3, 31]) {
      const traces = [[], []] as string[][]
      const hashes: number[] = []
      for (const i of [0, 1]) hashes[i] = (await run({ seed, onEvent: (event) => traces[i]!.push(event) })).outcome.hash
      expect(traces[0]!.length).toBeGreaterThan(50)
      expect(traces[0]).toEqual(traces[1])
      expect(hashes[0]).toBe(hashes[1])
    }
  })

  it('another seed gives another', async () => {
    const hashes = new Set<number>()
    const seeds = draws(4, 20)
    for (let seed = 1; seed <= seeds; seed++) hashes.add((await run({ seed })).outcome.hash)
    expect(hashes.size).toBe(seeds)
  })
})
