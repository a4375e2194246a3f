import { describe, expect, it } from 'vitest'
import { count, fileSource, max, ndjson, outOfOrder, type Pipeline, pipeline, tumbling } from '../../lib/index.js'
import type { Sink } from '../../lib/ports/index.js'
import { fileEvent, Harness } from './harness.js'

interface Play {
  readonly t: number
  readonly user: string
  readonly level: number
}
type Accumulation = 'accumulating' | 'retracting'

const plays = fileSource('plays', { timestamp: (play: Play) => play.t, watermark: outOfOrder('1s') })
const play = (seconds: number, user: string, level: number): Play => ({
  t: 1_700_000_000_000 + seconds * 1000,
  user,
  level,
})

/** What sinks receive: the row, and whether it is deleted. */
function watched(made: Pipeline): { world: Harness; rows: { sink: string; op: string; value: any; id: string }[] } {
  const rows: { sink: string; op: string; value: any; id: string }[] = []
  const seen = new Set<string>()
  const sink = async ({ name }: { name: string }): Promise<Sink> => ({
    write: async (batches) => {
      for (const batch of batches)
        for (const { id, value, op = '+' } of batch.rows) {
          expect(seen.has(`${name} ${id}`), id).toBe(false)
          seen.add(`${name} ${id}`)
          rows.push({ sink: name, op, value, id })
        }
    },
    close: async () => undefined,
  })
  return { world: new Harness(made, { sink }), rows }
}

/** The highest level of each user in ten seconds, and how many users have each level. */
const levels = (accumulation: Accumulation): Pipeline =>
  pipeline('levels', { deadLetter: ndjson('dead'), keyGroups: 1, minAdvance: 0 }, (p) =>
    p
      .from(plays)
      .keyBy(({ user }) => user)
      .window(tumbling('10s'), { allowedLateness: '20s', accumulation: 'retracting' })
      .aggregate('best', { level: max((row) => row.level) })
      .keyBy(({ value }) => `level ${value.level}`)
      .window(tumbling('10s'), { allowedLateness: '40s', accumulation })
      .aggregate('levels', { users: count() })
      .to(ndjson('levels')),
  )

const story = [play(1, 'ann', 1), play(2, 'bob', 2), play(14, 'bob', 9), play(3, 'ann', 2), play(60, 'eve', 1)]

describe('a row that ceases to be is a delete', () => {
  it.each(['accumulating', 'retracting'] as const)('of a group whose rows were all taken back, %s', async (mode) => {
    const { world, rows } = watched(levels(mode))
    world.sources.plays!.splits = [{ split: 'p', closed: true }]
    await world.container().ingest(fileEvent('plays', 'p', 0, story))
    await world.container().tick()
    const first = rows.filter(({ value }) => value.window?.end === 1_700_000_010_000)
    expect(first.map(({ op, value }) => [op, value.key, value.value.users])).toEqual(
      expect.arrayContaining([
        ['+', 'level 1', 1],
        ['+', 'level 2', 1],
        ['-', 'level 1', 1],
        ['+', 'level 2', 2],
      ]),
    )
    expect(first.filter(({ value }) => value.value.users === 0)).toEqual([])
  })

  it('of a result that a filter no longer keeps, with what stood', async () => {
    const made = pipeline('few', { deadLetter: ndjson('dead'), keyGroups: 1, minAdvance: 0 }, (p) => {
      const counts = p
        .from(plays)
        .keyBy(({ user }) => user)
        .window(tumbling('10s'), { allowedLateness: '20s' })
        .aggregate('counts', { n: count() })
      counts.to(ndjson('all'))
      counts
        .filter(({ value }) => value.n < 2)
        .map(({ key, value }) => ({ user: key, n: value.n }))
        .to(ndjson('few'))
    })
    const { world, rows } = watched(made)
    world.sources.plays!.splits = [{ split: 'p', closed: true }]
    await world
      .container()
      .ingest(fileEvent('plays', 'p', 0, [play(1, 'ann', 1), play(14, 'bob', 1), play(2, 'ann', 1)]))
    await world.container().tick()
    expect(rows.filter(({ sink }) => sink === 'few').map(({ op, value }) => [op, value])).toEqual([
      ['+', { user: 'ann', n: 1 }],
      ['-', { user: 'ann', n: 1 }],
      ['+', { user: 'bob', n: 1 }],
    ])
    // If there is a new result in the same place, nothing is deleted.
    expect(rows.filter(({ sink }) => sink === 'all').map(({ op, value }) => [op, value.value.n])).toEqual([
      ['+', 1],
      ['+', 2],
      ['+', 1],
    ])
  })

  it('of a retraction that steps have made another row of', async () => {
    const made = pipeline('mapped', { deadLetter: ndjson('dead'), keyGroups: 1, minAdvance: 0 }, (p) =>
      p
        .from(plays)
        .keyBy(({ user }) => user)
        .window(tumbling('10s'), { allowedLateness: '20s', accumulation: 'retracting' })
        .aggregate('counts', { n: count() })
        .map(({ key, value }) => `${key} ${value.n}`)
        .to(ndjson('out')),
    )
    const { world, rows } = watched(made)
    world.sources.plays!.splits = [{ split: 'p', closed: true }]
    await world
      .container()
      .ingest(fileEvent('plays', 'p', 0, [play(1, 'ann', 1), play(14, 'bob', 1), play(2, 'ann', 1)]))
    await world.container().tick()
    expect(rows.map(({ op, value }) => `${op} ${value}`)).toEqual(['+ ann 1', '- ann 1', '+ ann 2', '+ bob 1'])
  })
})
