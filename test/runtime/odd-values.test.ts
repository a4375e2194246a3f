import { describe, expect, it } from 'vitest'
import { count, ndjson, pipeline, sum, tumbling } from '../../lib/index.js'
import { fileEvent, Harness } from './harness.js'
import { at, readings } from './pipelines.js'

/** Runs one split with these values to its end and returns the output. */
async function through(world: Harness, values: readonly unknown[]): Promise<Record<'out' | 'second' | 'dead', any[]>> {
  for (const [position, value] of values.entries())
    await world.container().ingest(fileEvent('readings', 'p', position, [value]))
  world.sources.readings!.splits = [{ split: 'p', closed: true }]
  for (let ticks = 0; ticks < 3; ticks++) await world.container().tick()
  const rows = (sink: string) => world.rows.get(sink) ?? []
  return { out: rows('out'), second: rows('second'), dead: rows('dead') }
}

const options = { deadLetter: ndjson('dead'), keyGroups: 1, minAdvance: 0 }
const Q = 'Return null to leave a row out.'

describe('invariant 14: a value that a fold cannot take', () => {
  it('rejects its record alone, and the detail names operator, field and value', async () => {
    const inverse = pipeline('inverse', options, (p) =>
      p
        .from(readings())
        .keyBy((r) => r.k)
        .window(tumbling('10s'))
        .aggregate('w', { n: count(), total: sum((r) => (r.v === 2 ? null : 1 / r.v)) })
        .to(ndjson('out')),
    )
    const world = new Harness(inverse)
    const { out, dead } = await through(world, [at(1, 'a', 4), at(1, 'a', 0), at(2, 'a', 2), at(3, 'a', 4)])
    expect(out.map((row) => row.value)).toEqual([{ n: 3, total: 0.5 }])
    const detail = `Field "total" of "w": sum() folds finite numbers; its function returned Infinity. ${Q}`
    expect(dead).toMatchObject([{ reason: 'bad-value', detail, position: '00000000000000000001' }])
    // Invariant 10.
    expect(JSON.parse((await world.split('readings/p'))!.counters as string)[0]).toEqual([4, 1, 0, 3, 0, 0, 3])
  })
})

/** Takes back the late rows, and continues to a second window. */
const chained = (of: (row: any) => number) =>
  pipeline('chained', options, (p) =>
    p
      .from(readings())
      .keyBy((r) => r.k)
      .window(tumbling('10s'), { allowedLateness: '1m', accumulation: 'retracting' })
      .aggregate('first', { v: sum((r) => r.v) })
      .to(ndjson('out'))
      .keyBy(() => 'all')
      .window(tumbling('1m'))
      .aggregate('second', { n: count(), total: sum(of) })
      .to(ndjson('second')),
  )

const late = [at(1, 'a', 1e308), at(13, 'b'), at(2, 'a', 1e308), at(25, 'b'), at(3, 'a', -1e308)]

describe('invariant 14: a result that JSON cannot hold', () => {
  it('rejects its pane, which takes back what it replaces; the next takes nothing back that never went out', async () => {
    const { out, second, dead } = await through(new Harness(chained((row) => row.value.v)), late)
    expect(out.filter((row) => row.key === 'a').map((row) => [row.op, row.pane.index, row.value.v])).toEqual([
      ['+', 0, 1e308],
      ['-', 1, 1e308],
      ['+', 2, 1e308],
    ])
    const detail =
      'Field "v" of "first": sum() must result in a finite number; this result is beyond the largest double, 1.7976931348623157e+308. Use smaller numbers.'
    expect(dead).toMatchObject([{ reason: 'bad-value', detail, operator: 'first', key: 'a', payload: null }])
    expect(second.map((row) => row.value)).toEqual([{ n: 3, total: 1e308 }])
  })

  it('rejects the result that a later fold cannot take, and its retraction the same', async () => {
    const steady = late.map((row) => ({ ...row, v: 1 }))
    const { second, dead } = await through(new Harness(chained((row) => (row.key === 'a' ? Number.NaN : 1))), steady)
    const detail = `Field "total" of "second": sum() folds finite numbers; its function returned NaN. ${Q}`
    // Three panes, and the values that the last two take back.
    expect(dead.map((row) => [row.reason, row.operator, row.key, row.detail])).toEqual(
      Array.from({ length: 5 }, () => ['bad-value', 'first', 'a', detail]),
    )
    expect(second.map((row) => row.value)).toEqual([{ n: 2, total: 2 }])
  })
})
