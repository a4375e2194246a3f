import { describe, expect, it } from 'vitest'
import { count, fileSource, ndjson, outOfOrder, type Pipeline, pipeline, tumbling } from '../../lib/index.js'
import { fileEvent, Harness, undoneOf } from './harness.js'
import type { Reading } from './pipelines.js'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const NOW = 1_700_000_000_000

const drifting = (onFutureDrift: 'reject' | 'clamp' = 'reject', maxFutureDrift: string | null = '1h'): Pipeline =>
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

describe('law 1: stamps of the future, where nobody knows when a record arrived', () => {
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
    expect(JSON.parse(String((await world.split('readings/p'))!.counters))[0]).toEqual([4, 0, 0, 4, 0])
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
    // By now the stamp would pass.
    world.now += 3 * HOUR_MS
    await world.container().ingest(fileEvent('readings', 'p', 1, values))
    expect(reasons(world)).toEqual([
      ['future-timestamp', 1],
      ['future-timestamp', 3],
    ])
    // The next batch asks the clock anew.
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
      // While the first is about to write what its clock says, another whose clock is ahead has done so.
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
    // A long timeout: no attempt is careful, and cuts its chunks by that.
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
    // The first was refused by the mark; the last came after it, and its clock says that it may pass.
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
