import { describe, expect, it } from 'vitest'
import { accounts, expected, finals, windowEnds } from './audit.js'
import { logsOf, scenarios } from './scenarios.js'
import { type Outcome, simulate } from './world.js'

/** Seeds of each scenario; SIM_SEEDS runs more. */
const SEEDS = Number(process.env.SIM_SEEDS ?? 120)

const sorted = (outcome: Outcome): string[] =>
  [...outcome.rows]
    .flatMap(([sink, rows]) => [...rows].map(([id, value]) => `${sink} ${id} ${JSON.stringify(value)}`))
    .sort()

function expectSound(outcome: Outcome, seed: number): void {
  expect(outcome.errors, `seed ${seed}`).toEqual([])
  expect(outcome.conflicts, `seed ${seed}: laws 7, 8: an id has one content`).toEqual([])
  expect(outcome.backwards, `seed ${seed}: law 9: what grows never goes back`).toEqual([])
  expect(outcome.finished, `seed ${seed}: faults end, then all is closed`).toBe(true)
}

describe('law 1 to 12: crashes, zombies, re-cut and stray batches', () => {
  for (const [name, { pipeline }] of Object.entries(scenarios)) {
    it(`${name}: the same rows as without any fault`, { timeout: 120_000 }, async () => {
      for (let seed = 1; seed <= SEEDS; seed++) {
        const logs = logsOf(seed, pipeline)
        const clean = await simulate(pipeline, { seed, logs, crash: 0, redeliver: 0, stray: 0 })
        const wild = await simulate(pipeline, { seed, logs, crash: 0.03, redeliver: 0.04 })
        expectSound(clean, seed)
        expectSound(wild, seed)
        expect(sorted(wild), `seed ${seed}`).toEqual(sorted(clean))
      }
    })
  }
})

describe('law 5: splits that go idle part, and rejoin behind a gate', () => {
  for (const [name, { pipeline }] of Object.entries(scenarios)) {
    const ends = windowEnds[pipeline.name]
    if (ends === undefined) continue
    it(`${name}: every (record, window) is counted or expired once`, { timeout: 120_000 }, async () => {
      let expired = 0
      for (let seed = 1; seed <= SEEDS; seed++) {
        const logs = logsOf(seed, pipeline)
        const outcome = await simulate(pipeline, { seed, logs, trickle: true, crash: 0.04, redeliver: 0.06 })
        expectSound(outcome, seed)
        const times = accounts(outcome)
        expect([...times.keys()].sort(), `seed ${seed}: nothing is lost`).toEqual(expected(logs, ends))
        expect(
          [...times].filter(([, n]) => n > 1),
          `seed ${seed}: nothing is doubled`,
        ).toEqual([])
        expired += outcome.rows.get('late')?.size ?? 0
      }
      expect(expired, 'gates make some records expire, or this tests nothing').toBeGreaterThan(0)
    })
  }
})

describe('law 10: counters are the truth', () => {
  it('in = rejected + filtered + passed, rows = counted + expired, whatever crashed', {
    timeout: 120_000,
  }, async () => {
    const { pipeline } = scenarios['tumbling, late panes retract']!
    for (let seed = 1; seed <= SEEDS; seed++) {
      const logs = logsOf(seed, pipeline)
      const outcome = await simulate(pipeline, { seed, logs, trickle: seed % 2 === 0, crash: 0.04, redeliver: 0.06 })
      expectSound(outcome, seed)
      const page = await outcome.store.query({ pk: `${pipeline.name}.1#0#splits`, from: 's#', to: 's$' })
      let counted = 0
      let expired = 0
      for (const item of page.items) {
        const [all, rows] = JSON.parse(item.counters as string) as number[][]
        expect(all![0]).toBe(14)
        expect(all![1]! + all![2]! + all![3]!).toBe(14)
        counted += rows![0]!
        expired += rows![2]!
      }
      const rows = [...finals(outcome.rows.get('out')).values()].reduce((sum, result) => sum + result.value.rows, 0)
      expect(counted, `seed ${seed}`).toBe(rows)
      expect(expired, `seed ${seed}`).toBe(outcome.rows.get('late')?.size ?? 0)
    }
  })
})
