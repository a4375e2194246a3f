import { readFileSync } from 'node:fs'
import { transformSync } from 'esbuild'
import { describe, expect, it } from 'vitest'
import * as limits from '../../lib/base/limits.js'
import * as millrace from '../../lib/index.js'
import { simulate, testDriver } from '../../lib/testing/index.js'

const text = readFileSync('docs/process.md', 'utf8')
const [first, snippet] = [...text.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code]) => code!)

/** The pipeline of the page. */
function payments(): millrace.Pipeline {
  const module: { exports: any } = { exports: {} }
  const { code } = transformSync(first!, { loader: 'ts', format: 'cjs' })
  new Function('require', 'module', 'exports', code)(() => millrace, module, module.exports)
  return module.exports.default
}

describe('docs/process.md', () => {
  it('its example runs as it stands, with its test', async () => {
    const { code } = transformSync(`async () => {${snippet}}`, { loader: 'ts' })
    await new Function('payments', 'testDriver', 'expect', `return ${code}`)(payments(), testDriver, expect)()
  })

  it('its example gives the same under injected faults', async () => {
    const input = {
      orders: [[0, 1, 2, 3, 4, 5].map((i) => ({ id: `o${i}`, at: i * 60_000, total: 10 }))],
      payments: [[0, 2, 4, 5].map((i) => ({ order: `o${i}`, at: (i * 15 + 1) * 60_000, amount: 10 }))],
    }
    const calm = await simulate(payments(), { input, faults: [] })
    expect([calm.rows.paid?.length, calm.rows.unpaid?.length]).toEqual([4, 4])
    for (let seed = 1; seed <= 5; seed++) {
      const wild = await simulate(payments(), { input, seed })
      expect(wild.violations, `seed ${seed}`).toEqual([])
      expect(wild.rows, `seed ${seed}`).toEqual(calm.rows)
    }
  })

  it('names limits that there are, and describes those of its prose as they are', () => {
    const named = [...text.matchAll(/`([A-Z_]+_MAX)`/g)].map(([, name]) => name!)
    expect(named.length).toBeGreaterThan(5)
    for (const name of named) expect(limits).toHaveProperty(name)
    expect(text).toContain(
      `When there are ${limits.STATE_SLOTS} of these items, or ${limits.STATE_TAIL_BYTES / 1024} KB`,
    )
    expect(text).toContain(`blocks_ of about ${limits.STATE_BLOCK_BYTES / 1024} KB`)
  })
})
