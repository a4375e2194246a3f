import { describe, expect, it } from 'vitest'
import { flowOf } from '../../lib/dev/flow.js'
import { statusOf } from '../../lib/dev/index.js'
import { count, ndjson, type Pipeline, pipeline, sum, tumbling } from '../../lib/index.js'
import { fileEvent, Harness } from './harness.js'
import { at, type Reading, readings } from './pipelines.js'

/** One of each step, in two branches; a record whose `v` is 13 throws in the second branch. */
function branches(): Pipeline {
  return pipeline('steps', { keyGroups: 2, deadLetter: ndjson('dead'), minAdvance: 0 }, (p) => {
    const kept = p.from(readings()).filter((r) => r.v > 0)
    kept.flatMap((r) => Array.from({ length: r.v % 3 }, () => r)).to(ndjson('copies'))
    return kept
      .map((r) => {
        if (r.v === 13) throw new Error('an unlucky number')
        return r
      })
      .sideOutput(
        (r) => r.v > 100,
        (side) => side.to(ndjson('large')),
      )
      .keyBy((r) => r.k)
      .window(tumbling('10s'), { late: ndjson('late') })
      .aggregate('w', { n: count(), sum: sum((r) => r.v) })
      .filter((result) => result.value.n > 1)
      .to(ndjson('out'))
  })
}

async function flow(world: Harness): Promise<string[]> {
  const { pipeline: of, store } = world
  const steps = await flowOf(of, store, await statusOf(of, store))
  return steps.map(({ depth, step, in: entered, out, note }) =>
    `${'  '.repeat(depth)}${step}: ${entered} -> ${out} ${note}`.trimEnd(),
  )
}

const rows: (Reading | string)[] = [
  at(1, 'a', 1),
  at(2, 'a', 2),
  at(3, 'b', 0),
  at(4, 'b', 13),
  at(5, 'b', 101),
  at(6, 'b', 5),
  'bad',
  at(40, 'a', 4),
  at(1, 'a', 3),
]
const EXPECTED = [
  'readings: 9 -> 7 2 rejected',
  '  filter (r) => r.v > 0: 7 -> 6 1 dropped',
  '    flatMap (r) => Array.from({ length: r.v % 3 }, () => r): 6 -> 8',
  '      -> copies: 8 -> 8',
  '    map: 6 -> 6',
  '      sideOutput (r) => r.v > 100: 6 -> 5 1 to the side output',
  '        side output: 1 -> 1',
  '          -> large: 1 -> 1',
  '        w (10s tumbling): 5 -> 3 4 counted, 1 expired',
  '          filter (result) => result.value.n > 1: 3 -> 1 2 dropped',
  '            -> out: 1 -> 1',
]

describe('invariant 10: every row is counted in every step of every branch', () => {
  const withoutBody = (lines: string[]): string[] =>
    lines.map((line) => line.replace(/map \(r\) => \{[^:]*?: (?=\d)/, 'map: '))

  it('a record that is rejected in one branch counts in no step of any', async () => {
    const world = new Harness(branches())
    world.sources.readings!.splits = [{ split: 'p', closed: true }]
    await world.container().ingest(fileEvent('readings', 'p', 0, rows))
    await world.container().tick()
    expect(withoutBody(await flow(world))).toEqual(EXPECTED)
    for (const [sink, wanted] of Object.entries({ copies: 8, large: 1, late: 1, out: 1, dead: 2 }))
      expect(world.rows.get(sink), sink).toHaveLength(wanted)
  })

  it('however the records are cut, and whatever comes again', async () => {
    const world = new Harness(branches())
    world.sources.readings!.splits = [{ split: 'p', closed: false }]
    const container = world.container()
    for (let i = 0; i < rows.length; i++) {
      const from = Math.max(0, i - 2)
      await container.ingest(fileEvent('readings', 'p', from, rows.slice(from, i + 1)))
      await container.tick()
    }
    world.sources.readings!.splits = [{ split: 'p', closed: true }]
    await world.container().tick()
    expect(withoutBody(await flow(world))).toEqual(EXPECTED)
  })

  it('invariant 8: results whose cursor did not move are counted once, though their sinks had them twice', async () => {
    const world = new Harness(branches())
    world.sources.readings!.splits = [{ split: 'p', closed: true }]
    await world.container().ingest(fileEvent('readings', 'p', 0, rows))
    let failures = 0
    world.before = (call) => {
      if (!call.startsWith('update c cursor') || failures++ > 0) return
      throw new Error('the table is away')
    }
    await world
      .container()
      .tick()
      .catch(() => undefined)
    expect(failures).toBeGreaterThan(0)
    world.before = () => undefined
    await world.container().tick()
    expect(withoutBody(await flow(world))).toEqual(EXPECTED)
  })

  it('results that an operator after them reads are counted where they enter its stage', async () => {
    const world = new Harness(
      pipeline('chain', { keyGroups: 1, deadLetter: ndjson('dead'), minAdvance: 0 }, (p) =>
        p
          .from(readings())
          .keyBy((r) => r.k)
          .window(tumbling('10s'))
          .aggregate('first', { n: count() })
          .filter((result) => result.key !== 'b')
          .keyBy(() => 'all')
          .window(tumbling('20s'))
          .aggregate('second', { keys: count() })
          .to(ndjson('out')),
      ),
    )
    world.sources.readings!.splits = [{ split: 'p', closed: true }]
    await world.container().ingest(fileEvent('readings', 'p', 0, [at(1), at(2), at(3, 'b'), at(12), at(31)]))
    await world.container().tick()
    await world.container().tick()
    expect(await flow(world)).toEqual([
      'readings: 5 -> 5',
      '  first (10s tumbling): 5 -> 4 5 counted',
      '    filter (result) => result.key !== "b": 4 -> 3 1 dropped',
      '      second (20s tumbling): 3 -> 2 3 counted',
      '        -> out: 2 -> 2',
    ])
  })
})
