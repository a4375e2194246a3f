import { expect, it } from 'vitest'
import { draws, LONG } from '../draws.js'
import { digestsOf } from './runs.js'
import { describeFiles } from './same-bytes.js'
import { exampleVariant, hardVariant } from './variants.js'

const BATCHES = LONG ? [7, 97, 10_000] : [7, 10_000]
const KEY_GROUPS = LONG ? [1, 2, 3, 7] : [1, 7]

describeFiles({ ...exampleVariant, rows: draws(4_000, exampleVariant.rows) }, ({ run, expected }) => {
  for (const batch of BATCHES) {
    it.concurrent(`invariant 1: in batches of ${batch}: the same bytes as in batches of 1000`, async () => {
      expect(digestsOf(await run({ batch }))).toEqual(expected())
    })
  }

  it.concurrent('invariant 8: with 7 key groups: the same bytes as with 1', async () => {
    expect(digestsOf(await run({ keyGroups: 7, batch: 3000 }))).toEqual(expected())
  })
})

describeFiles({ ...hardVariant, rows: draws(3_000, hardVariant.rows) }, ({ run, expected }) => {
  for (const batch of BATCHES) {
    it.concurrent(`invariant 1: in batches of ${batch}: the same bytes as in batches of 1000`, async () => {
      expect(digestsOf(await run({ batch }))).toEqual(expected())
    })
  }

  for (const keyGroups of KEY_GROUPS) {
    it.concurrent(`invariant 8: with ${keyGroups} key groups: the same bytes as with 4`, async () => {
      expect(digestsOf(await run({ keyGroups, batch: 333 * keyGroups }))).toEqual(expected())
    })
  }
})

describeFiles({ ...hardVariant, rows: draws(1_000, 3_000) }, ({ run, expected }) => {
  it('invariant 1: in batches of 1 (so few flights, because each is an invocation): the same bytes', async () => {
    expect(digestsOf(await run({ batch: 1 }))).toEqual(expected())
  })
})
