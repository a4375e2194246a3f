import { readFileSync } from 'node:fs'
import { transformSync } from 'esbuild'
import { describe, expect, it } from 'vitest'
import * as limits from '../../lib/base/limits.js'
import * as millrace from '../../lib/index.js'
import { RowOperators } from '../../lib/pipeline/row-operators.js'
import { testDriver } from '../../lib/testing/index.js'

const text = readFileSync('docs/row-operators.md', 'utf8')
const [first, snippet] = [...text.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code]) => code!)

/** The pipeline of the page. */
function meters(): millrace.Pipeline {
  const module: { exports: any } = { exports: {} }
  const { code } = transformSync(first!, { loader: 'ts', format: 'cjs' })
  new Function('require', 'module', 'exports', code)(() => millrace, module, module.exports)
  return module.exports.default
}

describe('docs/row-operators.md', () => {
  it('its example runs as it stands, with its test', async () => {
    const { code } = transformSync(`async () => {${snippet}}`, { loader: 'ts' })
    await new Function('meters', 'testDriver', 'expect', `return ${code}`)(meters(), testDriver, expect)()
  })

  it('describes every operator, and names limits that there are', () => {
    const methods = Object.getOwnPropertyNames(RowOperators.prototype).filter((name) => name !== 'constructor')
    expect(methods.sort()).toEqual(['countWindow', 'deduplicate', 'lag', 'lead', 'over', 'rank', 'topN'])
    for (const name of methods) expect(text).toMatch(new RegExp(`^## .*\\b${name}\\b`, 'm'))
    const named = [...text.matchAll(/`([A-Z_]+_MAX)`/g)].map(([, name]) => name!)
    expect(named.length).toBeGreaterThan(0)
    for (const name of named) expect(limits).toHaveProperty(name)
  })
})
