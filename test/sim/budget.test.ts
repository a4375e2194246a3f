import { describe, expect, it } from 'vitest'
import { collect, count, ndjson, pipeline, tumbling } from '../../lib/index.js'
import { type Event, logsOf, scenarios, source } from './scenarios.js'
import { type Outcome, simulate } from './world.js'

const SEEDS = Number(process.env.SIM_SEEDS ?? 120) / 4

const sorted = (outcome: Outcome): string[] =>
  [...outcome.rows]
    .flatMap(([sink, rows]) => [...rows].map(([id, value]) => `${sink} ${id} ${JSON.stringify(value)}`))
    .sort()

/** Slices far narrower than the lateness, eight to a bucket: late panes reach back over many buckets, of which the newest is never frozen; and much closes at once. */
const narrow = pipeline('narrow', { keyGroups: 1, deadLetter: ndjson('dead'), minAdvance: '40s' }, (p) =>
  p
    .from(source('events'))
    .keyBy((e) => e.k)
    .window(tumbling('1s'), { allowedLateness: '30s', accumulation: 'discarding', late: ndjson('late') })
    .aggregate('w', { rows: count(), ids: collect((e: Event) => e.id) })
    .to(ndjson('out')),
)

const cases = [...Object.entries(scenarios), ['narrow slices, long lateness', { pipeline: narrow }] as const]

describe('laws 7, 9, 11: an advance that may read little at a time', () => {
  for (const [name, { pipeline: pipe }] of cases) {
    it(`${name}: closes the same windows, and the cursor never stands still or moves back`, {
      timeout: 120_000,
    }, async () => {
      for (let seed = 1; seed <= SEEDS; seed++) {
        const logs = logsOf(seed, pipe, 2, 40)
        const options = { seed, logs, crash: 0, redeliver: 0, stray: 0, stepsMax: 60_000 }
        const whole = await simulate(pipe, options)
        for (const advanceBytesMax of [1, 4_000, 12_000]) {
          const little = await simulate(pipe, { ...options, advanceBytesMax, crash: 0.01 })
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
