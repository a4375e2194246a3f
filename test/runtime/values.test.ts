import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import {
  collect,
  count,
  first,
  gzip,
  kafkaSource,
  last,
  ndjson,
  outOfOrder,
  pipeline,
  tumbling,
} from '../../lib/index.js'
import type { SourceOptions } from '../../lib/sources/node.js'
import { kafkaEvent } from '../handlers/worlds.js'
import { Harness } from './harness.js'
import type { Reading } from './pipelines.js'

const made = (options: Partial<SourceOptions<Reading>> = {}) =>
  pipeline('many', { deadLetter: ndjson('dead'), keyGroups: 1 }, (p) => {
    const source = kafkaSource<Reading>('readings', {
      decode: ndjson(),
      timestamp: (r) => r.t,
      watermark: outOfOrder('2s'),
      ...options,
    })
    const rows = p.from(source).filter((r) => r.v !== 0)
    rows.to(ndjson('rows'))
    return rows
      .keyBy((r) => r.k)
      .window(tumbling('10s'), { late: ndjson('late') })
      .aggregate('w', { n: count(), vs: collect((r) => r.v), first: first((r) => r.v), last: last((r) => r.v) })
      .to(ndjson('out'))
  })

const T = 1_700_000_000_000
const at = (v: unknown, t = T): string => JSON.stringify({ t, k: 'a', v })
const split = 'readings/readings-0'
const event = (...records: string[]) => kafkaEvent({ 0: records }, 'readings')

async function closed(world: Harness): Promise<any[]> {
  world.sources.readings!.splits = [{ split: 'readings-0', closed: true }]
  await world.container().tick()
  return (world.rows.get('out') ?? []).map((row) => row.value)
}
const counters = async (world: Harness): Promise<number[][]> =>
  JSON.parse((await world.split(split))!.counters as string)

describe('a record of many values', () => {
  const records = [[at(1), at(2), '{"t":', at(0)], [at(3)], [], [at(4), at(5, T + 50_000), at(6)]].map((lines) =>
    lines.join('\n'),
  )

  it('invariant 10: each value is counted, and one without any counts as filtered', async () => {
    const world = new Harness(made())
    expect(await world.container().ingest(event(...records))).toEqual({ batchItemFailures: [] })
    // Four, one, zero and three values: an invalid line, a filtered value, and an empty record.
    expect((await counters(world))[0]).toEqual([9, 1, 2, 6, 0, 0, 0, 1, 1])
    expect(world.rows.get('late')).toMatchObject([
      { payload: JSON.parse(at(6)), position: '00000000000000000003:00000002' },
    ])
    expect(world.rows.get('dead')).toMatchObject([
      { reason: 'bad-json', position: '00000000000000000000:00000002', payload: '{"t":', isText: true },
    ])
    expect(await closed(world)).toEqual([
      { n: 4, vs: [1, 2, 3, 4], first: 1, last: 4 },
      { n: 1, vs: [5], first: 5, last: 5 },
    ])
  })

  it('invariant 8: no two rows have one id, and each has the same in every attempt', async () => {
    const ids = async (): Promise<string[]> => {
      const seen: string[] = []
      const world = new Harness(made(), {
        sink: async () => ({
          write: async (batches) => {
            for (const batch of batches) for (const { id } of batch.rows) seen.push(id)
          },
          close: async () => undefined,
        }),
      })
      await world.container().ingest(event(...records))
      return seen
    }
    const found = await ids()
    expect(new Set(found).size).toBe(found.length)
    expect(await ids()).toEqual(found)
  })

  it('invariant 9: comes again as one, and is dropped as one, whatever codec it had before', async () => {
    const world = new Harness(made())
    await world.container().ingest(event(records[0]!))
    expect((await world.split(split))!.position).toBe('00000000000000000000:00000003')
    await world.container().ingest(event(...records))
    expect((await counters(world))[0]).toEqual([9, 1, 2, 6, 1, 0, 0, 1, 1])

    const changed = new Harness(made({ decode: undefined as never }))
    await changed.container().ingest(event(at(1)))
    expect((await changed.split(split))!.position).toBe('00000000000000000000')
    const now = new Harness(made())
    for (const item of [(await changed.split(split))!]) await now.store.insert([item])
    await now.edit(split, {})
    await now.container().ingest(event([at(1), at(2)].join('\n'), at(3)))
    expect((await counters(now))[0]).toEqual([2, 0, 0, 2, 1])
  })

  it('invariant 11: is never cut by the end of a chunk', async () => {
    const world = new Harness(made(), { limits: { chunkRecords: 1, chunkRows: 1 } })
    await world.container().ingest(event(...records))
    const positions = world.calls.filter((call) => call.startsWith(`update s#${split} position`))
    expect(positions).toHaveLength(4)
    expect((await counters(world))[0]).toEqual([9, 1, 2, 6, 0, 0, 0, 1, 1])
    expect(await closed(world)).toEqual([
      { n: 4, vs: [1, 2, 3, 4], first: 1, last: 4 },
      { n: 1, vs: [5], first: 5, last: 5 },
    ])
  })

  it('invariant 1: waits as one where its second value asks for a clock', async () => {
    // It is unknown when a record of this topic arrived, and the values are days apart.
    const day = 86_400_000
    const world = new Harness(made({ maxFutureDrift: '1d' }))
    world.now = T + 10 * day
    const far = [
      [at(1), at(2, T + 1_000)].join('\n'),
      [at(3, T + 2_000), at(4, T + 3 * day), at(5, T + 20 * day), at(6, T + 3 * day)].join('\n'),
    ]
    expect(await world.container().ingest(event(...far))).toEqual({ batchItemFailures: [] })
    expect(world.rows.get('dead')).toMatchObject([
      { reason: 'future-timestamp', payload: JSON.parse(at(5, T + 20 * day)) },
    ])
    expect((await counters(world))[0]).toEqual([6, 1, 0, 5, 0])
    expect((await closed(world)).map(({ vs }) => vs)).toEqual([
      [1, 2, 3],
      [4, 6],
    ])
  })

  it('invariant 14: one that cannot be unpacked is rejected as one', async () => {
    const world = new Harness(made({ decode: gzip(ndjson()) }))
    const packed = (lines: string): string => gzipSync(lines).toString('base64')
    const events = event('', '', '')
    const values = [packed(records[0]!), Buffer.from('no gzip').toString('base64'), packed(at(7))]
    events.records['readings-0']!.forEach((record: any, i: number) => {
      record.value = values[i]
    })
    await world.container().ingest(events)
    expect((await counters(world))[0]).toEqual([6, 2, 1, 3, 0, 0, 0, 0, 1])
    expect(world.rows.get('dead')).toMatchObject([
      { reason: 'bad-json', payload: '{"t":' },
      { reason: 'bad-gzip', payload: 'no gzip', isText: true, position: '00000000000000000001' },
    ])
  })

  it('an operator may have it skipped as one', async () => {
    const world = new Harness(made())
    await world.container().ingest(event(records[0]!))
    await world.edit(split, { skip: '00000000000000000000:00000003' })
    await world.container().ingest(event(records[0]!, records[3]!, records[1]!))
    expect(world.rows.get('dead')!.at(-1)).toMatchObject({ reason: 'skipped', payload: records[3] })
  })
})

describe('a bigint', () => {
  it('is a key, and digits in rows and letters', async () => {
    const world = pipeline('ids', { deadLetter: ndjson('dead'), keyGroups: 1 }, (p) =>
      p
        .from(kafkaSource<any>('readings', { numbers: 'bigint', timestamp: (r) => r.t, watermark: outOfOrder('2s') }))
        .map((r) => {
          if (r.v < 0) throw new Error('no negative values')
          return r
        })
        .keyBy((r) => r.id as bigint)
        .window(tumbling('10s'))
        .aggregate('w', { n: count(), rows: collect((r) => r), ids: collect((r) => r.id) })
        .map(({ value }) => value)
        .to(ndjson('out')),
    )
    const harness = new Harness(world)
    const row = (id: string, v = 1): string => `{"id":${id},"t":${T},"v":${v}}`
    const ids = ['1524831183200260097', '1524831183200260098', '1524831183200260099']
    await harness.container().ingest(event(...ids.map((id) => row(id)), row(ids[0]!, -1)))
    expect(harness.rows.get('dead')).toMatchObject([{ reason: 'step-threw', payload: row(ids[0]!, -1), isText: true }])
    await closed(harness)
    const rows = harness.rows.get('out')!
    expect(rows.map(({ ids: [id] }) => id).sort()).toEqual(ids)
    expect(rows.map(({ n }) => n)).toEqual([1, 1, 1])
    expect(rows.map(({ rows: [one] }) => one.id).sort()).toEqual(ids)
  })
})
