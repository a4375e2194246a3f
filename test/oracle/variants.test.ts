import { describe, expect, it } from 'vitest'
import { expectBothAgree } from './both.js'
import { drawn } from './drawn.js'
import { variants } from './variants.js'

/** The example has few late rows. */
const ROWS_MAX = 14_000

// Runs mostly wait for their next tick, so that several at a time take little more than one.
describe.concurrent('the pipeline and the oracle in SQL give the same', () => {
  for (const variant of variants.map((variant) => drawn(variant, ROWS_MAX))) {
    it(`invariants 1, 8, 10: panes, expired rows and counters of ${variant.name} (${variant.rows} flights)`, async () => {
      const { results, expired } = await expectBothAgree(variant)
      // Where nothing is late or expired, nothing is proved of it.
      expect(expired.length).toBeGreaterThan(0)
      const late = results.filter((row) => row.includes('"late"'))
      if (variant.allowedLateness > 0) expect(late.length).toBeGreaterThan(50)
      else expect(late).toEqual([])
    })
  }
})
