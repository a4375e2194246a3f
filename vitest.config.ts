import { readFileSync } from 'node:fs'
import { defineConfig, type Plugin } from 'vitest/config'
import { fileOf, without } from './test/mutants/build.js'
import { GUARDS } from './test/mutants/guards.js'

/** `npm run mutants` runs some tests on a source that lacks a guard, by its name. */
function withoutGuard(name: string | undefined): Plugin[] {
  const guard = GUARDS.find((candidate) => candidate.name === name)
  if (guard === undefined) return []
  return [
    {
      name: 'without-guard',
      enforce: 'pre',
      load: (id) => (id === fileOf(guard) ? without(guard, readFileSync(id, 'utf8')) : null),
    },
  ]
}

/**
 * Ends what hangs, and stands for no machine's speed: tests bound their work, and wait for events. Who asks for more runs of a suite than the long form
 * has waits for as long as they take.
 */
const HANG_MS = 10 * 60_000
const isOpenEnded = process.env.FUZZ_RUNS !== undefined || process.env.SIM_SEEDS !== undefined

export default defineConfig({
  plugins: withoutGuard(process.env.WITHOUT_GUARD),
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: 'test/services/setup.ts',
    env: {
      // The SDK warns of the end of Node 20 in each process.
      AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
      // The CDK's own look at each template takes seconds, and only warns. Where a stack goes up as users have it, it is on.
      CDK_VALIDATION: 'false',
    },
    testTimeout: isOpenEnded ? 0 : HANG_MS,
    hookTimeout: HANG_MS,
    expect: { poll: { timeout: HANG_MS } },
    pool: 'forks',
    maxWorkers: 2,
  },
})
