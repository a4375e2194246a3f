import { expect } from 'vitest'
import { expectAnswer } from './compare.js'
import { firstFlights } from './data.js'
import { type Answer, askOracle } from './oracle.js'
import { pipelineOf } from './pipelines.js'
import { answerOf, Logs, rowsOf } from './runs.js'
import type { Variant } from './variants.js'

/** Runs a variant through the real handlers, asks the oracle, and compares all there is. */
export async function expectBothAgree(variant: Variant): Promise<Answer> {
  const sources = firstFlights(variant.rows)
  const logs = new Logs(sources)
  try {
    const summary = await logs.run(pipelineOf(variant), { splits: variant.splits })
    expect(summary.complete).toBe(true)
    expect(rowsOf(summary, 'rejected')).toEqual([])
    const oracle = await askOracle(variant, sources)
    expectAnswer(answerOf(summary), oracle)
    const ids = rowsOf<{ id: string }>(summary, 'hourly').map((row) => row.id)
    expect(new Set(ids).size).toBe(ids.length)
    return oracle
  } finally {
    logs.remove()
  }
}
