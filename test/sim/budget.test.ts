import { describe, expect, it } from 'vitest'
import { logsOf, scenarios } from './scenarios.js'
import { type Outcome, simulate } from './world.js'

const SEEDS = Number(process.env.SIM_SEEDS ?? 120) / 4

const sorted = (outcome: Outcome): string[] =>
  [...outcome.rows]
    .flatMap(([sink, rows]) => [...rows].map(([id, value]) => `${sink} ${id} ${JSON.stringify(value)}`))
    .sort()

describe('laws 7, 9, 11: an advance that may read little at a time', () => {
  for (const [name, { pipeline }] of Object.entries(scenarios)) {
    it(`${name}: closes the same windows, and the cursor never stands still or moves back`, {
      timeout: 120_000,
    }, async () => {
      for (let seed = 1; seed <= SEEDS; seed++) {
        const logs = logsOf(seed, pipeline, 2, 40)
        const options = { seed, logs, crash: 0, redeliver: 0, stray: 0, stepsMax: 60_000 }
        const whole = await simulate(pipeline, options)
        for (const advanceBytesMax of [1, 2_000]) {
          const little = await simulate(pipeline, { ...options, advanceBytesMax, crash: 0.01 })
          expect(
            [little.finished, little.errors, little.backwards, little.conflicts],
            `seed ${seed}, ${advanceBytesMax} bytes`,
          ).toEqual([true, [], [], []])
          expect(sorted(little), `seed ${seed}, ${advanceBytesMax} bytes`).toEqual(sorted(whole))
        }
      }
    })
  }
})
