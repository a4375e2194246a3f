import { describe, expect, it } from 'vitest'
import { avg, count, kafkaSource, ndjson, outOfOrder, pipeline, sum, tumbling } from '../../lib/index.js'
import { testDriver } from '../../lib/testing/index.js'

interface Reading {
  readonly id: number
  readonly at: number
  readonly key: string
  readonly value: number
}

const readings = kafkaSource('readings', { timestamp: (one: Reading) => one.at, watermark: outOfOrder('2s') })

const all = pipeline('all', { deadLetter: ndjson('dead') }, (p) => {
  const keyed = p.from(readings).keyBy((one) => one.key)
  const ids = (row: Reading, other: Reading | null): unknown => ({ key: row.key, ids: [row.id, other?.id ?? null] })
  keyed
    .deduplicate('first', { keep: 'first', within: '4s', by: (one, meta) => [one.value % 3, meta.split] })
    .to(ndjson('first'))
  keyed.deduplicate('last', { keep: 'last', within: '3s' }).to(ndjson('last'))
  keyed.lag('lag', { offset: 2 }, ids).to(ndjson('lag'))
  keyed.lead('lead', { timeout: '3s' }, ids).to(ndjson('lead'))
  keyed.topN('top', { n: 3, by: (one) => one.value, identity: (one) => one.value % 5 }).to(ndjson('top'))
  keyed.rank('rank', { n: 3, by: (one) => one.value }).to(ndjson('rank'))
  keyed
    .countWindow(3, { timeout: '4s' })
    .aggregate('counts', { n: count(), total: sum((one) => one.value) })
    .to(ndjson('counts'))
    .keyBy((result) => result.key)
    .window(tumbling('10s'))
    .aggregate('perWindow', { results: count(), rows: sum((result) => result.count) })
    .to(ndjson('perWindow'))
  keyed.over('mean', { range: '5s' }, { n: count(), mean: avg((one) => one.value) }).to(ndjson('mean'))
})

const many = (from: number): Reading[] =>
  Array.from({ length: 9 }, (_, i) => ({
    id: from + i,
    at: 700 * (((i * 7) % 5) + 2 * i),
    key: 'ab'[i % 2]!,
    value: (i * 11) % 13,
  }))

describe('operators over rows', () => {
  it('invariants 1 to 10: late rows and ties of two splits give the same rows in every way', async () => {
    const t = testDriver(all)
    for (const split of [0, 1])
      t.source(readings)
        .split(split)
        .send(...many(100 * split))
    t.endOfInput()
    const rows = async (sink: string): Promise<readonly any[]> => t.sink(sink).rows()
    expect(await rows('dead')).toEqual([])
    for (const sink of ['lag', 'lead', 'rank', 'mean']) expect(await rows(sink), sink).toHaveLength(18)
    // Each row is in one count window, and each of these in one window.
    const total = (some: readonly any[], of: (row: any) => number): number => some.reduce((n, row) => n + of(row), 0)
    expect(total(await rows('counts'), (row) => row.count)).toBe(18)
    expect(total(await rows('perWindow'), (row) => row.value.rows)).toBe(18)
    for (const sink of ['first', 'last', 'top']) expect((await rows(sink)).length, sink).toBeGreaterThan(2)
    await t.everyWay(undefined, { runs: 2 })
  })

  it('a result of a count window has the id by which sinks know it', async () => {
    const t = testDriver(all)
    t.source(readings).send(...many(0))
    t.endOfInput()
    const results = (await t.sink('counts').rows()) as any[]
    expect(new Set(results.map(({ id }) => id)).size).toBe(results.length)
    expect((await t.sink('counts').changes()).map(({ id }) => id).sort()).toEqual(results.map(({ id }) => id).sort())
  })

  it('the function of lag throws: its result is rejected, and the row counts nevertheless', async () => {
    const made = pipeline('throwing', { deadLetter: ndjson('dead') }, (p) => {
      p.from(readings)
        .keyBy((one) => one.key)
        .lag('pairs', {}, (row, previous) => {
          if (row.id === 2) throw new Error('not this one')
          return [row.id, previous?.id ?? null]
        })
        .to(ndjson('pairs'))
    })
    const t = testDriver(made)
    t.source(readings).send(...many(0).filter(({ key }) => key === 'a'))
    t.endOfInput()
    const pairs = (await t.sink('pairs').rows()) as [number, number | null][]
    expect(pairs).toHaveLength(4)
    expect(pairs.filter(([, previous]) => previous === 2)).toHaveLength(1)
    expect(await t.sink('dead').rows()).toMatchObject([
      { reason: 'step-threw', detail: 'lag("pairs"): not this one', operator: 'pairs', key: 'a' },
    ])
  })
})
