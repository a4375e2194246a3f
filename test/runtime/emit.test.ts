import { describe, expect, it } from 'vitest'
import { count, hopping, ndjson, type Pipeline, pipeline, sum, tumbling } from '../../lib/index.js'
import type { WindowOptions } from '../../lib/pipeline/index.js'
import { fileEvent, Harness } from './harness.js'
import { at, type Reading, readings } from './pipelines.js'

/** Counts in windows of ten seconds, or as given. */
const counted = (options: WindowOptions<Reading, string>, window = tumbling('10s')): Pipeline =>
  pipeline('emits', { deadLetter: ndjson('dead'), keyGroups: 2, minAdvance: 0 }, (p) =>
    p
      .from(readings())
      .keyBy((r) => r.k)
      .window(window, { late: ndjson('late'), ...options })
      .aggregate('w', { n: count(), total: sum((r) => r.v) })
      .to(ndjson('out')),
  )

/** All rows of one split, and the end of the split. */
async function rowsOf(made: Pipeline, values: readonly Reading[], sink = 'out'): Promise<any[]> {
  const world = new Harness(made)
  world.sources.readings!.splits = [{ split: 'p', closed: true }]
  await world.container().ingest(fileEvent('readings', 'p', 0, values))
  await world.container().tick()
  return world.rows.get(sink) ?? []
}

const short = ({ key, value, window, pane, op }: any) =>
  `${op ?? ''}${key} ${window.start / 1000} n=${value.n} ${pane.index} ${pane.timing}${pane.last ? ' last' : ''}`

describe("emit: 'final'", () => {
  const story = [at(1), at(2), at(15), at(3), at(27), at(4), at(40)]

  it('gives one result a window, with the rows that came late, and it is the last', async () => {
    const rows = await rowsOf(counted({ emit: 'final', allowedLateness: '10s' }), story)
    expect(rows.map(short)).toEqual([
      'a 0 n=3 0 on-time last',
      'a 10 n=1 0 on-time last',
      'a 20 n=1 0 on-time last',
      'a 40 n=1 0 on-time last',
    ])
    expect(rows.every(({ pane }) => pane.first)).toBe(true)
  })

  it('waits for the allowed lateness, and no longer', async () => {
    const world = new Harness(counted({ emit: 'final', allowedLateness: '10s' }))
    await world.container().ingest(fileEvent('readings', 'p', 0, [at(1), at(21)]))
    expect(world.rows.get('out')).toBeUndefined()
    await world.container().ingest(fileEvent('readings', 'p', 2, [at(22)]))
    expect(world.rows.get('out')!.map(short)).toEqual(['a 0 n=1 0 on-time last'])
  })

  it('its results are on time for the next operator, in order', async () => {
    const made = pipeline('chain', { deadLetter: ndjson('dead'), minAdvance: 0 }, (p) =>
      p
        .from(readings())
        .keyBy((r) => r.k)
        .window(tumbling('10s'), { emit: 'final', allowedLateness: '10s' })
        .aggregate('w', { n: count() })
        .keyBy(() => 'all')
        .window(tumbling('30s'))
        .aggregate('sums', { n: sum((row) => row.value.n) })
        .to(ndjson('sums')),
    )
    const rows = await rowsOf(made, story, 'sums')
    expect(rows.map(short)).toEqual(['all 0 n=5 0 on-time last', 'all 30 n=1 0 on-time last'])
    expect(await rowsOf(made, story, 'dead')).toHaveLength(1)
  })

  it.each(['discarding', 'retracting'] as const)(
    'has nothing to do with accumulation %s, and says so',
    (accumulation) => {
      expect(() => counted({ emit: 'final', accumulation })).toThrow(
        `The window of "w" has emit: 'final' and accumulation: '${accumulation}'.`,
      )
    },
  )
})

describe('empty windows', () => {
  it('give results of a key that had a row within the horizon', async () => {
    const rows = await rowsOf(counted({ empty: { horizon: '30s' } }), [at(1), at(2, 'b'), at(35, 'b'), at(100)])
    expect(rows.filter(({ key }) => key === 'a').map(short)).toEqual([
      'a 0 n=1 0 on-time last',
      'a 10 n=0 0 on-time last',
      'a 20 n=0 0 on-time last',
      'a 100 n=1 0 on-time last',
      'a 110 n=0 0 on-time last',
      'a 120 n=0 0 on-time last',
    ])
    expect(rows.filter(({ key }) => key === 'b').map(short)).toEqual([
      'b 0 n=1 0 on-time last',
      'b 10 n=0 0 on-time last',
      'b 20 n=0 0 on-time last',
      'b 30 n=1 0 on-time last',
      'b 40 n=0 0 on-time last',
      'b 50 n=0 0 on-time last',
    ])
    expect(rows.find(({ value }) => value.n === 0).value).toEqual({ n: 0, total: 0 })
  })

  it('a row that comes late to an empty window makes its second pane', async () => {
    const options = { empty: { horizon: '30s' }, allowedLateness: '30s', accumulation: 'retracting' } as const
    const rows = await rowsOf(counted(options), [at(1), at(25), at(12)])
    expect(rows.filter(({ window }) => window.start === 10_000).map(short)).toEqual([
      '+a 10 n=0 0 on-time',
      '-a 10 n=0 1 late',
      '+a 10 n=1 1 late',
    ])
  })

  it("empty: 'emit' knows keys for ten windows; windows that overlap, and final ones, have them too", async () => {
    const rows = await rowsOf(counted({ empty: 'emit' }, hopping('20s', '10s')), [at(1)])
    expect(rows.map(({ window, value }) => [window.end / 1000, value.n])).toEqual(
      Array.from({ length: 10 }, (_, i) => [10 * (i + 1), i < 2 ? 1 : 0]),
    )
    const last = await rowsOf(counted({ empty: { horizon: '20s' }, emit: 'final', allowedLateness: '10s' }), [at(1)])
    expect(last.map(short)).toEqual(['a 0 n=1 0 on-time last', 'a 10 n=0 0 on-time last'])
  })

  it('a horizon of too many windows is refused, and what is no horizon', () => {
    expect(() => counted({ empty: { horizon: '1d' } })).toThrow(
      'The horizon of "w" may span at most 1000 windows; 1d with a window every 10s spans 8640. Use a shorter horizon.',
    )
    expect(() => counted({ empty: { horizon: '5s' } })).toThrow(
      'empty.horizon of the window of "w" must be between 10s',
    )
    expect(() => counted({ empty: 'yes' as 'emit' })).toThrow('empty of the window of "w"')
  })
})
