import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { transformSync } from 'esbuild'
import { afterAll, describe, expect, it } from 'vitest'
import * as millrace from '../../lib/index.js'
import * as testing from '../../lib/testing/index.js'
import { built } from '../services/built.js'

const directory = mkdtempSync(join(tmpdir(), 'millrace-testing-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

const blocks = [...readFileSync('docs/testing.md', 'utf8').matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code]) => code!)
const [first, ...others] = blocks as [string, ...string[]]

/** Runs a block that is a module, and returns what it exports. Everything that it imports is given. */
function load(code: string, modules: Readonly<Record<string, unknown>>): any {
  const module = { exports: {} }
  const { code: script } = transformSync(code, { loader: 'ts', format: 'cjs' })
  new Function('require', 'module', 'exports', script)((name: string) => modules[name], module, module.exports)
  return module.exports
}

const revenue: { default: millrace.Pipeline; orders: millrace.SourceNode<unknown> } = load(first, { millrace })
const modules = { 'millrace/testing': testing, './revenue.js': revenue }
const snippets = others.filter((code) => !code.includes('import '))
const recipe = (framework: string): string => others.find((code) => code.includes(`from '${framework}'`))!

describe('the page on testing', () => {
  it.each(snippets.map((code, i) => [i + 1, code]))('its example %i runs as it stands', async (_, code) => {
    const { code: script } = transformSync(`async () => {${code}}`, { loader: 'ts' })
    const names = { ...testing, expect, revenue: revenue.default, orders: revenue.orders }
    const run = new Function(...Object.keys(names), `return ${script}`)(...Object.values(names))
    await run()
  })

  it('has every example that it should', () => {
    expect(snippets.length).toBe(6)
    expect(blocks.length).toBe(1 + 6 + 3)
  })

  describe('vitest', () => {
    load(recipe('vitest'), { ...modules, vitest: { expect, it } })
  })

  describe('jest, by functions of the same names', () => {
    load(recipe('@jest/globals'), { ...modules, '@jest/globals': { expect, it } })
  })

  it('node:test', async () => {
    const write = (name: string, code: string): void => {
      const { code: script } = transformSync(code, { loader: 'ts', format: 'esm' })
      const address = (file: string): string => JSON.stringify(pathToFileURL(built(file)).href)
      writeFileSync(
        join(directory, name),
        script
          .replace(/"millrace"/, address('lib/index.js'))
          .replace(/"millrace\/testing"/, address('lib/testing/index.js'))
          .replace('./revenue.js', './revenue.mjs'),
      )
    }
    write('revenue.mjs', first)
    write('revenue.test.mjs', recipe('node:test'))
    const file = join(directory, 'revenue.test.mjs')
    // A process that vitest started must not take its settings on.
    const { NODE_OPTIONS: _, NODE_TEST_CONTEXT: __, ...env } = process.env
    const { stdout } = await promisify(execFile)(process.execPath, ['--test', '--test-reporter=tap', file], { env })
    expect(stdout).toContain('# pass 1')
    expect(stdout).toContain('# fail 0')
  })
})
