import { describe, expect, it } from 'vitest'
import { SPARE_LIFE_MS } from '../../lib/base/index.js'
import { tick } from '../../lib/handlers/index.js'
import { count, ndjson, pipeline, tumbling } from '../../lib/index.js'
import { plan } from '../../lib/pipeline/index.js'
import { fileEvent, Harness, undoneOf } from './harness.js'
import { at, counting, type Reading, readings } from './pipelines.js'

const DAY_MS = 86_400_000

/** What DynamoDB does in the background: it deletes every item whose time to live is over. */
function expire(world: Harness): number {
  let gone = 0
  for (const item of [...world.table.all()])
    if (item.ttl !== undefined && (item.ttl as number) * 1000 < world.now) {
      world.table.remove(item)
      gone++
    }
  return gone
}

const stops = (world: Harness): string[] =>
  world.logs.filter((line) => line.startsWith('error a key group has stopped'))

/** An open source with one split that has no unread records. */
function open(world: Harness): Harness {
  world.sources.readings!.bounded = false
  world.sources.readings!.splits = [{ split: 'p', closed: false }]
  return world
}

const quiet = counting({ idle: { close: false } })

describe('invariant 9: nothing that was counted expires in silence', () => {
  it('a window that was open when nothing ran for weeks is not closed, whether or not something of it is left', async () => {
    for (const isGone of [false, true]) {
      const world = open(new Harness(quiet))
      await world.container().ingest(fileEvent('readings', 'p', 0, [at(1), at(2)]))
      world.now += 40 * DAY_MS
      if (isGone) expect(expire(world)).toBe(1)
      const answer = await world.container().ingest(fileEvent('readings', 'p', 2, [at(30)]))
      // The record is counted, and ingest continues. Only data that may be incomplete stops.
      expect(undoneOf(answer)).toBeUndefined()
      expect(world.rows.get('out')).toBeUndefined()
      expect(stops(world)).toHaveLength(1)
      expect(stops(world)[0]).toContain('state-expired')
      await expect(world.container().tick()).rejects.toThrow(/may have been deleted because their time to live ended/)
    }
  })

  it('to the last millisecond: a segment is there as long as closing its windows counts upon it', async () => {
    const world = open(new Harness(quiet))
    world.now += 999
    await world.container().ingest(fileEvent('readings', 'p', 0, [at(1)]))
    const [segment] = await world.segments('w')
    const made = plan(quiet).operators[0]!.slices
    const lifeMs = made.spanMs + made.allowedLatenessMs + made.openMs + made.bucketMs + SPARE_LIFE_MS
    expect((segment!.ttl as number) * 1000).toBeGreaterThan(world.now + lifeMs)
    expect((segment!.ttl as number) * 1000).toBeLessThan(world.now + lifeMs + 3_000)
  })

  it('nor where the schedule is the first to run again: what may be gone is not kept as if it were whole', async () => {
    const world = open(new Harness(quiet))
    await world.container().ingest(fileEvent('readings', 'p', 0, [at(1), at(2)]))
    world.now += 40 * DAY_MS
    expect(expire(world)).toBe(1)
    await world.container().tick()
    expect(world.logs.some((line) => line.startsWith('error state waited longer than its ttl'))).toBe(true)
    await world.container().ingest(fileEvent('readings', 'p', 2, [at(3), at(30)]))
    expect(world.rows.get('out')).toBeUndefined()
    expect(stops(world)).toHaveLength(1)
  })

  it('a mark by a clock that is a year ahead neither hides a loss nor makes one up', async () => {
    const world = open(new Harness(quiet))
    const { now } = world
    world.now += 365 * DAY_MS
    await world.container().ingest(fileEvent('readings', 'p', 0, [at(1)]))
    world.now = now
    await world.container().ingest(fileEvent('readings', 'p', 1, [at(2), at(30)]))
    expect(world.rows.get('out')).toHaveLength(1)
    expect(stops(world)).toEqual([])
    world.now += 40 * DAY_MS
    await world.container().ingest(fileEvent('readings', 'p', 3, [at(60)]))
    expect(world.rows.get('out')).toHaveLength(1)
    expect(stops(world)).toHaveLength(1)
  })

  it('a pause in which nothing was open stops nothing', async () => {
    const world = open(new Harness(quiet))
    await world.container().ingest(fileEvent('readings', 'p', 0, [at(1), at(12)]))
    await world.container().ingest(fileEvent('readings', 'p', 2, [at(22)]))
    // Closed up to 20. The record of 22 is in an open window.
    expect(world.rows.get('out')).toHaveLength(2)
    const calm = open(new Harness(quiet))
    await calm.container().ingest(fileEvent('readings', 'p', 0, ['{bad']))
    calm.now += 40 * DAY_MS
    await calm.container().ingest(fileEvent('readings', 'p', 1, [at(1), at(12)]))
    await calm.container().ingest(fileEvent('readings', 'p', 3, [at(40)]))
    expect(calm.rows.get('out')).toHaveLength(2)
    expect(stops(calm)).toEqual([])
  })

  it('the schedule keeps what waits: a window that no record closes for two months loses nothing', async () => {
    const world = open(new Harness(quiet))
    await world.container().ingest(fileEvent('readings', 'p', 0, [at(1), at(2)]))
    let renewed = 0
    for (let day = 0; day < 60; day++) {
      world.now += DAY_MS
      world.metrics.delete('KeptSegments')
      await world.container().tick()
      renewed += world.metrics.get('KeptSegments') ?? 0
      expect(expire(world)).toBe(0)
    }
    await world.container().ingest(fileEvent('readings', 'p', 2, [at(30)]))
    expect(world.rows.get('out')!.map(({ value }) => value)).toEqual([{ n: 2, sum: 2 }])
    // Each extension costs as much as the segment did, once every few days.
    expect(renewed).toBeGreaterThan(5)
    expect(renewed).toBeLessThan(25)
  })

  it('parts whose life could not be extended are tried again: their head waits for them', async () => {
    const world = open(new Harness(quiet, { limits: { segmentBytes: 20 } }))
    await world.container().ingest(fileEvent('readings', 'p', 0, [at(1), at(2)]))
    const failed = new Set<number>()
    for (let day = 0; day < 30; day++) {
      world.now += DAY_MS
      world.before = async (call) => {
        if (!call.startsWith('update p#') || (failed.size > 1 && !failed.has(day))) return
        failed.add(day)
        throw new Error('the table does not answer')
      }
      await world
        .container()
        .tick()
        .catch(() => undefined)
      expect(expire(world)).toBe(0)
    }
    expect(failed.size).toBe(2)
    await world.container().ingest(fileEvent('readings', 'p', 2, [at(30)]))
    expect(world.rows.get('out')!.map(({ value }) => value)).toEqual([{ n: 2, sum: 2 }])
  })

  it("a paused pipeline's schedule keeps its state, and does nothing else", async () => {
    const world = open(new Harness(counting()))
    await world.container().ingest(fileEvent('readings', 'p', 0, [at(1), at(2)]))
    const paused = tick(world.pipeline, world.bindings())
    for (let day = 0; day < 60; day++) {
      world.now += DAY_MS
      await paused({ only: 'keep' }, { getRemainingTimeInMillis: () => 60_000 })
      expect(expire(world)).toBe(0)
    }
    expect((await world.split('readings/p'))!.status).toBe('member')
    expect(world.rows.get('out')).toBeUndefined()
    await world.container().ingest(fileEvent('readings', 'p', 2, [at(30)]))
    expect(world.rows.get('out')).toHaveLength(1)
  })

  it('a payload in parts is kept with all of them', async () => {
    const world = open(new Harness(quiet, { limits: { segmentBytes: 50 } }))
    await world.container().ingest(
      fileEvent(
        'readings',
        'p',
        0,
        Array.from({ length: 20 }, (_, i) => at(1, `key ${i}`)),
      ),
    )
    for (let day = 0; day < 20; day++) {
      world.now += DAY_MS
      await world.container().tick()
      expect(expire(world)).toBe(0)
    }
    await world.container().ingest(fileEvent('readings', 'p', 20, [at(30)]))
    expect(world.rows.get('out')).toHaveLength(20)
  })

  it('where only some of it could be kept in one tick, the next one goes on, and until then nobody relies on it', async () => {
    const world = open(new Harness(quiet))
    const { ingest } = world.container()
    for (let i = 0; i < 30; i++) await ingest(fileEvent('readings', 'p', i, [at(1)]))
    world.now += 4 * DAY_MS
    world.before = (call) => {
      if (call.startsWith('update g#') && world.calls.filter((one) => one.startsWith('update g#')).length > 10)
        world.remainingMs = 500
    }
    await world.container().tick()
    const [group] = await world.store.get([{ pk: 'counting.1#w#0', sk: 'c' }])
    expect(group?.kept).toBeUndefined()
    world.before = () => undefined
    world.remainingMs = 60_000
    await world.container().tick()
    const [kept] = await world.store.get([{ pk: 'counting.1#w#0', sk: 'c' }])
    expect(kept?.kept).toBeGreaterThan(world.now + 5 * DAY_MS)
  })

  it('a clock that is years behind does not bury what it writes', async () => {
    const world = open(new Harness(quiet))
    await world.container().ingest(fileEvent('readings', 'p', 0, [at(1)]))
    const { now } = world
    world.now -= 3 * 365 * DAY_MS
    await world.container().ingest(fileEvent('readings', 'p', 1, [at(2)]))
    world.now = now
    expect(expire(world)).toBe(0)
    await world.container().ingest(fileEvent('readings', 'p', 2, [at(30)]))
    expect(world.rows.get('out')!.map(({ value }) => value)).toEqual([{ n: 2, sum: 2 }])
  })

  it('a segment whose attempt never came to its checkpoint lives on from when it is found', async () => {
    const world = open(new Harness(quiet))
    const event = fileEvent('readings', 'p', 0, [at(1), at(2)])
    world.before = (call) => {
      if (call.includes('position')) throw new Error('the container is gone')
    }
    expect(undoneOf(await world.container().ingest(event))).toBe(0)
    world.before = () => undefined
    world.now += 6 * DAY_MS
    await world.container().ingest(event)
    world.now += 3 * DAY_MS
    expect(expire(world)).toBe(0)
    await world.container().ingest(fileEvent('readings', 'p', 2, [at(30)]))
    expect(world.rows.get('out')!.map(({ value }) => value)).toEqual([{ n: 2, sum: 2 }])
  })

  it('a chained operator that meets its first rows after a long pause has not lost any', async () => {
    const chained = pipeline(
      'chained',
      { deadLetter: ndjson('dead'), keyGroups: 1, minAdvance: 0, idle: { close: false } },
      (p) =>
        p
          .from(readings())
          .keyBy((r: Reading) => r.k)
          .window(tumbling('10s'))
          .aggregate('w', { n: count() })
          .keyBy((row) => row.key)
          .window(tumbling('20s'))
          .aggregate('v', { n: count() })
          .to(ndjson('out')),
    )
    const world = open(new Harness(chained))
    await world.container().ingest(fileEvent('readings', 'p', 0, [at(1), at(41)]))
    const before = world.rows.get('out')?.length ?? 0
    world.now += 20 * DAY_MS
    await world.container().ingest(fileEvent('readings', 'p', 2, [at(3_000)]))
    // What was open when the pause began has stopped, with a reason.
    expect(stops(world).length).toBeGreaterThan(0)
    expect(world.rows.get('out')?.length ?? 0).toBe(before)
    const calm = open(new Harness(chained))
    await calm.container().ingest(fileEvent('readings', 'p', 0, ['{bad']))
    calm.now += 20 * DAY_MS
    await calm.container().ingest(fileEvent('readings', 'p', 1, [at(1), at(41), at(90)]))
    expect(stops(calm)).toEqual([])
    expect(calm.rows.get('out')).toHaveLength(2)
  })
})

describe('invariant 7: marks of a stage', () => {
  it('that somebody has changed are not gone by: they say until when all is there', async () => {
    const world = new Harness(quiet)
    await world.container().ingest(fileEvent('readings', 'p', 0, [at(1)]))
    const { pk, sk, marks } = (await world.watermark())!
    expect(marks).toBeDefined()
    await world.store.update({ key: { pk: pk as string, sk: sk as string }, set: { marks: '[[1,2]]' }, when: [] })
    const said = await world
      .container()
      .ingest(fileEvent('readings', 'p', 1, [at(2)]))
      .then(
        () => world.logs.join(),
        (error) => String(error.code),
      )
    expect(said).toContain('damaged-state')
  })
})
