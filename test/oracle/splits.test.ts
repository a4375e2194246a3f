import { describe, expect, it } from 'vitest'
import { LONG } from '../draws.js'
import { expectBothAgree } from './both.js'
import { drawn } from './drawn.js'
import { exampleVariant, hardVariant } from './variants.js'

const SPLITS = LONG ? [1, 2, 3, 5, 8] : [1, 3, 8]

describe('flights dealt to other numbers of splits', () => {
  for (const variant of [{ ...exampleVariant, rows: 50_000 }, hardVariant].map((variant) => drawn(variant))) {
    const expired = new Map<number, string>()

    for (const splits of SPLITS) {
      const name = `invariant 1: ${variant.name} with ${splits} a source equals the oracle of that assignment`
      it.concurrent(`${name} (${variant.rows} flights)`, async () => {
        const answer = await expectBothAgree({ ...variant, splits })
        expired.set(splits, [...answer.expired].sort().join())
        // What expires hangs on the assignment, so that each of these is another question.
        expect(new Set(expired.values()).size).toBe(expired.size)
      })
    }
  }
})
