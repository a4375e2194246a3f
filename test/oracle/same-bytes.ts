import { afterAll, beforeAll, describe } from 'vitest'
import type { RunOptions, RunSummary } from '../../lib/dev/index.js'
import { firstFlights } from './data.js'
import { drawn } from './drawn.js'
import { pipelineOf } from './pipelines.js'
import { digestsOf, Logs } from './runs.js'
import type { Variant } from './variants.js'

/** What a test of one variant's files has at hand. */
export interface Bench {
  /** The digests of a run in batches of 1000. */
  readonly expected: () => Readonly<Record<string, string>>
  /** A folder that goes when the tests are over. */
  readonly directory: () => string
  readonly run: (options: Omit<RunOptions, 'inputs'> & { readonly keyGroups?: number }) => Promise<RunSummary>
}

/** Describes the files that a variant's runs leave, beside those of a plain run in batches of 1000. */
export function describeFiles(given: Variant, tests: (bench: Bench) => void): void {
  const variant = drawn(given)
  describe(`files of ${variant.name} (${variant.rows} flights)`, () => {
    let logs: Logs
    let expected: Record<string, string>
    const run: Bench['run'] = async ({ keyGroups, ...options }) =>
      await logs.run(pipelineOf(variant, keyGroups), { splits: variant.splits, ...options })

    beforeAll(async () => {
      logs = new Logs(firstFlights(variant.rows))
      expected = digestsOf(await run({ batch: 1000 }))
    })
    afterAll(() => logs.remove())

    tests({ expected: () => expected, directory: () => logs.directory, run })
  })
}
