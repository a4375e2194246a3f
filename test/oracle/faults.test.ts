import { join } from 'node:path'
import { expect, it } from 'vitest'
import { draws, LONG } from '../draws.js'
import { digestsOf } from './runs.js'
import { describeFiles } from './same-bytes.js'
import { exampleVariant, hardVariant } from './variants.js'

/** As many invocations in either form as there are faults to strike them. */
const BATCH = draws(50, 100)

for (const variant of [exampleVariant, hardVariant]) {
  describeFiles({ ...variant, rows: draws(5_000, variant.rows) }, ({ run, expected, directory }) => {
    // Kills, zombies, throttling, repeats and other cuts, each from its seed; splits overtake each other while one is
    // down. One run at a time, since faulty runs have short timeouts.
    for (const chaos of LONG ? [1, 2, 3] : [1, 3]) {
      it(`invariants 2, 3, 7, 8: under faults of seed ${chaos}, with ${chaos} key groups: the same bytes`, async () => {
        const summary = await run({ chaos, batch: BATCH * chaos, keyGroups: chaos })
        expect(digestsOf(summary)).toEqual(expected())
        expect(Object.values(summary.faults).reduce((sum, count) => sum + count, 0)).toBeGreaterThan(20)
      })
    }

    it('invariants 2, 8, 9: stopped and resumed in other batches: the same bytes', async () => {
      const resumed = { state: `lmdb:${join(directory(), 'state')}`, out: join(directory(), 'resumed') }
      let stops = 0
      for (const batch of LONG ? [50, 700, 90] : [50, 700]) {
        const stop = new AbortController()
        const { complete } = await run({
          ...resumed,
          batch,
          signal: stop.signal,
          onProgress: ({ delivered }) => delivered > 0 && stop.abort(),
        })
        if (!complete) stops++
      }
      expect(digestsOf(await run({ ...resumed, batch: 400 }))).toEqual(expected())
      expect(stops).toBeGreaterThan(0)
    })
  })
}
