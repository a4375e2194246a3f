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

export default defineConfig({
  plugins: withoutGuard(process.env.WITHOUT_GUARD),
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: 'test/services/setup.ts',
    // The SDK warns of the end of Node 20 in each process.
    env: { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' },
    testTimeout: 30_000,
    pool: 'forks',
    maxWorkers: 2,
  },
})
