import { describe, expect, it } from 'vitest'
import {
  count,
  type Duration,
  fileSource,
  hopping,
  ndjson,
  outOfOrder,
  type Pipeline,
  pipeline,
  tumbling,
} from '../../lib/index.js'
import { fileEvent, Harness, undoneOf } from './harness.js'
import type { Reading } from './pipelines.js'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const NOW = 1_700_000_000_000

const drifting = (
  onFutureDrift: 'hold' | 'reject' | 'clamp' = 'reject',
  maxFutureDrift: Duration | null = '1h',
): Pipeline =>
  pipeline('drifting', { deadLetter: ndjson('dead'), keyGroups: 1, minAdvance: 0, idle: { close: false } }, (p) =>
    p
      .from(
        fileSource('readings', {
          timestamp: (r: Reading) => r.t,
          watermark: outOfOrder('2s'),
          onFutureDrift,
          ...(maxFutureDrift !== null && { maxFutureDrift }),
        }),
      )
      .keyBy((r) => r.k)
      .window(tumbling('10s'), { late: ndjson('late') })
      .aggregate('w', { n: count() })
      .to(ndjson('out')),
  )
const row = (t: number): Reading => ({ t, k: 'a', v: 1 })
const reasons = (world: Harness): unknown[] =>
  (world.rows.get('dead') ?? []).map(({ reason, position }) => [reason, Number(position)])

describe('invariant 1: stamps of the future, where nobody knows when a record arrived', () => {
  it('one record a year ahead expires none of the next thousand', async () => {
    const world = new Harness(drifting())
    const values = [row(NOW), row(NOW + 365 * DAY_MS), ...Array.from({ length: 1_000 }, (_, i) => row(NOW + i))]
    await world.container().ingest(fileEvent('readings', 'p', 0, values))
    expect(reasons(world)).toEqual([['future-timestamp', 1]])
    expect(world.rows.get('late') ?? []).toEqual([])
  })

  it('what follows a gap of days is no stamp of the future, nor what follows a first one of 1970', async () => {
    const world = new Harness(drifting())
    const values = [row(0), row(NOW - 9 * DAY_MS), row(NOW - 2 * DAY_MS), row(NOW)]
    await world.container().ingest(fileEvent('readings', 'p', 0, values))
    expect(reasons(world)).toEqual([])
    expect(JSON.parse(String((await world.split('readings/p'))!.counters))[0]!.slice(0, 5)).toEqual([4, 0, 0, 4, 0])
  })

  it('an attempt that comes later decides as the first one did, though its clock says otherwise', async () => {
    const world = new Harness(drifting())
    await world.container().ingest(fileEvent('readings', 'p', 0, [row(NOW)]))
    const values = [row(NOW + 2 * HOUR_MS), row(NOW + 5), row(NOW + 2 * HOUR_MS + 1)]
    world.before = (call) => {
      if (call.startsWith('update s#') && call.includes('position')) throw new Error('the container is gone')
    }
    expect(undoneOf(await world.container().ingest(fileEvent('readings', 'p', 1, values)))).toBe(1)
    world.before = () => undefined
    // By now the timestamp would be accepted.
    world.now += 3 * HOUR_MS
    await world.container().ingest(fileEvent('readings', 'p', 1, values))
    expect(reasons(world)).toEqual([
      ['future-timestamp', 1],
      ['future-timestamp', 3],
    ])
    // The next batch asks the clock again.
    await world.container().ingest(fileEvent('readings', 'p', 4, [row(NOW + 2 * HOUR_MS + 2)]))
    expect(reasons(world)).toHaveLength(2)
  })

  it('a mark costs one write a batch, and nothing where no stamp is far ahead', async () => {
    const world = new Harness(drifting())
    const { ingest } = world.container()
    await ingest(fileEvent('readings', 'p', 0, [row(NOW)]))
    world.calls.length = 0
    await ingest(
      fileEvent(
        'readings',
        'p',
        1,
        Array.from({ length: 100 }, (_, i) => row(NOW + i)),
      ),
    )
    expect(world.calls.filter((call) => call.includes('limit'))).toEqual([])
    const flood = Array.from({ length: 100 }, (_, i) => row(NOW + (i % 2) * 30 * DAY_MS))
    await ingest(fileEvent('readings', 'p', 101, flood))
    expect(world.calls.filter((call) => call.includes('limit'))).toHaveLength(1)
    expect(reasons(world)).toHaveLength(50)
    expect((await world.split('readings/p'))!.limitTo).toBeUndefined()
  })

  it('two attempts at once decide by the mark of the first', async () => {
    const world = new Harness(drifting())
    await world.container().ingest(fileEvent('readings', 'p', 0, [row(NOW)]))
    const values = [row(NOW + 2 * HOUR_MS), row(NOW + 1)]
    let isFirst = true
    world.before = async (call) => {
      if (!call.includes('limit') || !isFirst) return
      isFirst = false
      // When the first attempt is about to write what its clock shows, another attempt, whose clock is ahead, has
      // already done so.
      world.now += 3 * HOUR_MS
      const other = world.before
      world.before = (of) => {
        if (of.startsWith('update s#') && of.includes('position')) throw new Error('the container is gone')
      }
      await world.container().ingest(fileEvent('readings', 'p', 1, values.slice(0, 1)))
      world.before = other
      world.now -= 3 * HOUR_MS
    }
    await world.container().ingest(fileEvent('readings', 'p', 1, values))
    expect(reasons(world)).toEqual([])
    expect(JSON.parse(String((await world.split('readings/p'))!.counters))[0]!.slice(0, 2)).toEqual([3, 0])
  })

  it('a mark for part of a batch leaves the rest to another', async () => {
    // With a long timeout, no attempt is careful and makes its chunks smaller.
    const world = new Harness(drifting(), { timeoutMs: DAY_MS })
    await world.container().ingest(fileEvent('readings', 'p', 0, [row(NOW)]))
    const values = [row(NOW + 2 * HOUR_MS), row(NOW + 1), row(NOW + 2), row(NOW + 2 * HOUR_MS)]
    world.before = (call) => {
      if (call.startsWith('update s#') && call.includes('position')) throw new Error('the container is gone')
    }
    await world.container().ingest(fileEvent('readings', 'p', 1, values.slice(0, 2)))
    world.before = () => undefined
    world.now += 3 * HOUR_MS
    expect(undoneOf(await world.container().ingest(fileEvent('readings', 'p', 1, values)))).toBeUndefined()
    // The first record was refused because of the mark. The last one arrived after it, and by its clock it may pass.
    expect(reasons(world)).toEqual([['future-timestamp', 1]])
  })

  it('a mark that somebody changed is found', async () => {
    const world = new Harness(drifting())
    world.before = (call) => {
      if (call.startsWith('update s#') && call.includes('position')) throw new Error('the container is gone')
    }
    await world.container().ingest(fileEvent('readings', 'p', 0, [row(NOW)]))
    world.before = () => undefined
    const item = (await world.split('readings/p'))!
    await world.store.update({ key: { pk: item.pk, sk: item.sk }, set: { limit: 0 }, when: [] })
    await expect(world.container().ingest(fileEvent('readings', 'p', 0, [row(NOW)]))).rejects.toThrow(
      /The checksum of a split/,
    )
  })

  it('clamp counts at what follows the log; files have no such check unless they ask for it', async () => {
    const world = new Harness(drifting('clamp'))
    await world.container().ingest(fileEvent('readings', 'p', 0, [row(1_000), row(NOW + 365 * DAY_MS)]))
    expect((await world.split('readings/p'))!.top).toBe(1_000 + HOUR_MS)
    const free = new Harness(drifting('reject', null))
    await free.container().ingest(fileEvent('readings', 'p', 0, [row(1_000), row(NOW + 365 * DAY_MS)]))
    expect(reasons(free)).toEqual([])
  })
})

describe('stamps of the future that are held', () => {
  const counts = (world: Harness): number[] => (world.rows.get('out') ?? []).map(({ value }) => value.n)

  it('one record two hours ahead expires none of its split, and counts in its own window', async () => {
    const world = new Harness(drifting('hold', '1m'))
    const values = [row(NOW), row(NOW + 2 * HOUR_MS), ...Array.from({ length: 500 }, (_, i) => row(NOW + 10 * i))]
    await world.container().ingest(fileEvent('readings', 'p', 0, values))
    expect(world.rows.get('late') ?? []).toEqual([])
    expect(world.rows.get('dead') ?? []).toEqual([])
    expect(JSON.parse(String((await world.split('readings/p'))!.counters))[0]).toEqual([502, 0, 0, 502, 0, 1])
    world.sources.readings!.splits = [{ split: 'p', closed: true }]
    await world.container().tick()
    expect(counts(world)).toEqual([501, 1])
    expect(world.rows.get('out')![1].window.start).toBe(NOW + 2 * HOUR_MS)
  })

  it('a split of which all are ahead goes on, by the drift a record', async () => {
    const world = new Harness(drifting('hold', '1m'))
    await world.container().ingest(fileEvent('readings', 'p', 0, [row(NOW + 2 * HOUR_MS), row(NOW + 2 * HOUR_MS)]))
    expect((await world.split('readings/p'))!.own).toBe(NOW - 2_000)
    await world.container().ingest(fileEvent('readings', 'p', 2, [row(NOW + 2 * HOUR_MS)]))
    // Not later than the clock that was asked.
    expect((await world.split('readings/p'))!.own).toBe(NOW - 2_000)
    world.now += 10 * 60_000
    await world.container().ingest(fileEvent('readings', 'p', 3, [row(NOW + 2 * HOUR_MS)]))
    expect((await world.split('readings/p'))!.own).toBe(NOW - 2_000 + 60_000)
  })

  it('one more than a day ahead is rejected: its window would be kept for so long', async () => {
    const world = new Harness(drifting('hold', '1m'))
    await world.container().ingest(fileEvent('readings', 'p', 0, [row(NOW), row(NOW + 2 * DAY_MS)]))
    expect(reasons(world)).toEqual([['future-timestamp', 1]])
  })

  it('files have no such check, whatever gap or first stamp they have', async () => {
    const world = new Harness(drifting('hold', null))
    const weekend = [0, 1, 2 * DAY_MS, 2 * DAY_MS + 1, 9 * DAY_MS].map((ms) => row(NOW + ms))
    await world.container().ingest(fileEvent('readings', 'p', 0, [row(0), ...weekend]))
    expect(reasons(world)).toEqual([])
    expect(world.rows.get('late') ?? []).toEqual([])
  })
})

describe('stamps that are hardly what was meant', () => {
  const seconds = (onUnlikelyTime?: 'count' | 'reject', minTime?: Date): Pipeline =>
    pipeline('seconds', { deadLetter: ndjson('dead') }, (p) =>
      p
        .from(
          fileSource('readings', {
            timestamp: (r: Reading) => r.t,
            watermark: outOfOrder('2s'),
            ...(onUnlikelyTime && { onUnlikelyTime }),
            ...(minTime && { minTime }),
          }),
        )
        .keyBy((r) => r.k)
        .window(tumbling('10s'))
        .aggregate('w', { n: count() })
        .to(ndjson('out')),
    )

  it('seconds that were taken for milliseconds are named at once, once a container', async () => {
    const world = new Harness(seconds())
    const { ingest } = world.container()
    await ingest(fileEvent('readings', 'p', 0, [row(1_700_000_000), row(1_700_000_001)]))
    await ingest(fileEvent('readings', 'p', 2, [row(1_700_000_002)]))
    expect(world.logs.filter((line) => line.includes('is a field in seconds read as milliseconds'))).toHaveLength(1)
    expect(world.metrics.get('UnlikelyTimestamps')).toBe(3)
    expect(reasons(world)).toEqual([])
  })

  it('they are rejected where that is asked for, by the time that the source gives', async () => {
    const world = new Harness(seconds('reject', new Date('2020-01-01')))
    await world.container().ingest(fileEvent('readings', 'p', 0, [row(NOW), row(Date.UTC(2019, 0, 1)), row(NOW + 1)]))
    expect(reasons(world)).toEqual([['unlikely-timestamp', 1]])
    expect(world.rows.get('dead')![0].detail).toContain('2019-01-01T00:00:00.000Z')
  })

  it('so is what lies a month behind its split', async () => {
    const world = new Harness(seconds('reject'))
    const values = [row(NOW), row(NOW - 29 * DAY_MS), row(NOW - 31 * DAY_MS)]
    await world.container().ingest(fileEvent('readings', 'p', 0, values))
    expect(reasons(world)).toEqual([
      ['expired', 1],
      ['unlikely-timestamp', 2],
    ])
  })
})

describe('windows with gaps', () => {
  it('count the rows between them, on time and late', async () => {
    const gappy = pipeline('gappy', { deadLetter: ndjson('dead') }, (p) =>
      p
        .from(fileSource('readings', { timestamp: (r: Reading) => r.t, watermark: outOfOrder('0s') }))
        .keyBy((r) => r.k)
        .window(hopping('1m', '1h'))
        .aggregate('w', { n: count() })
        .to(ndjson('out')),
    )
    const world = new Harness(gappy)
    const hour = 472_222 * HOUR_MS
    const values = [hour, hour + 5 * 60_000, hour + HOUR_MS, hour + 10 * 60_000].map(row)
    await world.container().ingest(fileEvent('readings', 'p', 0, values))
    expect(world.metrics.get('OutsideWindows')).toBe(2)
    expect(JSON.parse(String((await world.split('readings/p'))!.counters))[1]).toEqual([2, 0, 0, 2])
  })
})
