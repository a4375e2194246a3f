import { readFileSync } from 'node:fs'
import { transformSync } from 'esbuild'
import { describe, expect, it } from 'vitest'
import * as limits from '../../lib/base/limits.js'
import * as millrace from '../../lib/index.js'
import { testDriver } from '../../lib/testing/index.js'

const text = readFileSync('docs/windows.md', 'utf8')
const [visits, invoices, customers] = [...text.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, source]) => {
  const module: { exports: any } = { exports: {} }
  const { code } = transformSync(source!, { loader: 'ts', format: 'cjs' })
  new Function('require', 'module', 'exports', code)(() => millrace, module, module.exports)
  return module.exports
})

const at = (time: string): number => Date.parse(`2026-03-01T${time}:00Z`)
const hour = (time: number): string => new Date(time).toISOString().slice(11, 16)

describe('docs/windows.md', () => {
  it('sessions: has those of its time line, and brings two together as it draws', async () => {
    const t = testDriver<any>(visits.default)
    const visit = (time: string) => ({ user: 'a', at: at(time), page: 'x', duration: 1 })
    t.source(visits.visits).send(...['09:00', '09:10', '09:35', '10:40', '12:00'].map(visit))
    const windows = async () =>
      (await t.sink('sessions').changes()).map(({ op, value: { window } }: any) => [
        op,
        hour(window.start),
        hour(window.end),
      ])
    expect(await windows()).toEqual([
      ['+', '09:00', '10:05'],
      ['+', '10:40', '11:10'],
    ])
    const late = testDriver<any>(visits.default)
    late.source(visits.visits).send(...['10:00', '10:10', '11:00', '11:05', '11:36', '10:35', '15:00'].map(visit))
    const changes = await late.sink('sessions').changes()
    const deleted = changes.filter(({ op }) => op === '-').map(({ value }: any) => hour(value.window.start))
    expect(deleted).toEqual(['10:00', '11:00'])
    await late.everyWay(undefined, { runs: 3 })
  })

  it('calendars: gives months of a time zone, and each day an early result', async () => {
    const t = testDriver<any>(invoices.default)
    const sale = (time: string) => ({ shop: 's', at: Date.parse(time), amount: 10 })
    t.source(invoices.sales).send(
      ...['2026-02-28T22:59:00Z', '2026-02-28T23:00:00Z', '2026-03-15T12:00:00Z', '2026-05-01T00:00:00Z'].map(sale),
    )
    const rows = await t.sink('months').rows()
    const brief = rows.map(({ window, pane, value }: any) => [
      new Date(window.start).toISOString().slice(0, 13),
      pane.timing,
      value.total,
    ])
    expect(brief).toEqual([
      ['2026-01-31T23', 'on-time', 10],
      ['2026-02-28T23', 'early', 10],
      ['2026-02-28T23', 'early', 20],
      ['2026-02-28T23', 'on-time', 20],
    ])
  })

  it('totals: a customer moves from one group to the other', async () => {
    const t = testDriver<any>(customers.default)
    const order = (time: string, amount: number) => ({ customer: 'a', at: at(time), amount })
    t.source(customers.orders).send(order('09:00', 600), order('09:10', 500), order('12:00', 1))
    t.endOfInput()
    const changes = (await t.sink('sizes').changes()).map(({ op, value }: any) => [op, value.key, value.value.total])
    expect(changes).toContainEqual(['-', 'small', 600])
    expect(changes).toContainEqual(['+', 'large', 1100])
  })

  it('names limits that there are', () => {
    const named = [...text.matchAll(/`([A-Z_]+_MAX)`/g)].map(([, name]) => name!)
    expect(named.length).toBeGreaterThan(0)
    for (const name of named) expect(limits).toHaveProperty(name)
  })
})
