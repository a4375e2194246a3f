import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import * as aggregates from '../../lib/aggregate/index.js'
import * as root from '../../lib/index.js'
import { FOLDS } from '../aggregate/folds.js'

const text = /\n## Aggregates\n([\s\S]*?)\n## /.exec(readFileSync('docs/pipelines.md', 'utf8'))![1]!

interface Row {
  readonly fold: string
  readonly nulls: string
  readonly nan: string
  readonly empty: string
  readonly back: string
}

/** The table of folds: one row an export, two where it may be called without a function. */
const rows: readonly Row[] = [...text.matchAll(/^\| `(\w+)\((.*?)\)`(.*)\|$/gm)].map(([, fold, , rest]) => {
  const [, , nulls, nan, , empty, back] = rest!.split('|').map((cell) => cell.trim())
  return { fold: fold!, nulls: nulls!, nan: nan!, empty: empty!, back: back! }
})

const made = Object.entries(aggregates).flatMap(([name, value]) =>
  typeof value === 'function' && name !== 'named' ? [name] : [],
)

describe('docs/pipelines.md', () => {
  it('has every aggregate in its table, and none that there is not; each is an export of the package', () => {
    expect([...new Set(rows.map(({ fold }) => fold))].sort()).toEqual([...made].sort())
    for (const name of made) expect(root).toHaveProperty(name)
  })

  it.each(Object.entries(FOLDS))('says what %s does with odd values, as the test of all folds has it', (_, asked) => {
    // The row of the function, where there is one without.
    const row = rows.findLast(({ fold }) => fold === asked.of)!
    if (asked.of === 'custom') return expect(row).toMatchObject({ nulls: 'its own', nan: 'its own', back: 'no' })
    // What it does with odd values is what the folds inside do.
    if (asked.refusedBy !== undefined) return expect(row.nulls).toMatch(/^as its folds?$/)
    expect(asked.leavesOut).toEqual(expect.arrayContaining(['null', 'undefined']))
    expect(asked.takes).not.toContain('NaN')
    const { invertible } = asked.make(() => 1)
    expect(row).toMatchObject({ nulls: 'left out', nan: 'rejected', back: invertible ? 'yes' : 'no' })
    expect(row.empty.split(' or ')).toContain(Array.isArray(asked.empty) ? '[]' : String(asked.empty))
  })

  it('shows the message that a record is rejected with', () => {
    const refusal = () => aggregates.sum(() => Number.NaN).read({})
    let thrown: unknown
    try {
      refusal()
    } catch (error) {
      thrown = aggregates.named('revenue', 'total', error)
    }
    const shown = /`(Field "total"[^`]+)`/.exec(text)![1]!.replace(/\s+/g, ' ')
    expect((thrown as Error).message.startsWith(shown)).toBe(true)
  })
})
