import { describe, expect, it } from 'vitest'
import {
  collect,
  count,
  custom,
  type Duration,
  fileSource,
  hopping,
  ndjson,
  outOfOrder,
  type Pipeline,
  pipeline,
  sum,
  tumbling,
} from '../../lib/index.js'
import { groupKey } from '../../lib/runtime/keys.js'
import { collidingKeys } from './colliding-keys.js'
import { fileEvent, Harness, undoneOf } from './harness.js'
import { at, counting, type Reading, readings } from './pipelines.js'

/** Ends the only split of a world, which closes all open windows. */
async function finish(world: Harness): Promise<void> {
  world.sources.readings!.splits = [{ split: 'p', closed: true }]
  await world.container().tick()
}

const hopped = (size: Duration, slide: Duration, lateness: Duration = '0s', keyGroups = 1): Pipeline =>
  pipeline('hopped', { deadLetter: ndjson('dead'), keyGroups, minAdvance: 0 }, (p) =>
    p
      .from(readings())
      .keyBy((r) => r.k)
      .window(hopping(size, slide), { allowedLateness: lateness, late: ndjson('late') })
      .aggregate('w', { n: count() })
      .to(ndjson('out')),
  )

describe('invariant 11: work before a checkpoint is bounded', () => {
  it('a stale record is one expired row, with the run of its windows, whatever their number', async () => {
    const world = new Harness(hopped('1d', '1m'))
    const { ingest } = world.container()
    await ingest(fileEvent('readings', 'p', 0, [at(10_000_000), ...Array.from({ length: 20 }, () => at(60))]))
    const late = world.rows.get('late')!
    expect(late).toHaveLength(20)
    expect(late[0]).toMatchObject({
      reason: 'expired',
      operator: 'w',
      key: 'a',
      timestamp: 60_000,
      windows: { count: 1440, first: { start: -86_280_000, end: 120_000 }, last: { start: 60_000, end: 86_460_000 } },
    })
    // Counters count rows: one for each record and window.
    expect(JSON.parse(String((await world.split('readings/p'))!.counters))[1]).toEqual([1440, 0, 20 * 1440])
  })

  it('a flood of stale records ends chunks by the rows that they become', async () => {
    const world = new Harness(hopped('1h', '1m'), { limits: { chunkRows: 100 } })
    await world
      .container()
      .ingest(fileEvent('readings', 'p', 0, [at(1_000_000), ...Array.from({ length: 999 }, () => at(1))]))
    expect(world.rows.get('late')).toHaveLength(999)
    const order = world.calls.filter((call) => /^sink late|position/.test(call))
    expect(order.filter((call) => call.startsWith('sink')).length).toBeGreaterThanOrEqual(10)
    // Each sink is written to once between two checkpoints.
    for (let i = 1; i < order.length; i++)
      expect(order[i]!.startsWith('sink') && order[i - 1]!.startsWith('sink')).toBe(false)
  })

  it('a flood of bytes and of segments does, too', async () => {
    const pads = Array.from({ length: 64 }, (_, i) => ({ ...at(i), pad: 'x'.repeat(1000) }))
    const bytes = new Harness(counting(), { limits: { chunkBytes: 8_000 } })
    await bytes.container().ingest(fileEvent('readings', 'p', 0, pads))
    const spread = new Harness(counting(), { limits: { chunkSegments: 4 } })
    await spread.container().ingest(
      fileEvent(
        'readings',
        'p',
        0,
        Array.from({ length: 64 }, (_, i) => at(1_000 * i)),
      ),
    )
    for (const world of [bytes, spread])
      expect(world.calls.filter((call) => call.includes('position')).length).toBeGreaterThanOrEqual(8)
  })

  it('the deadline is looked at within a chunk: slow user code is cut there, and what is done has its checkpoint', async () => {
    const world: Harness = new Harness(
      pipeline('slow', { deadLetter: ndjson('dead'), keyGroups: 1 }, (p) =>
        p
          .from(readings())
          .map((r) => {
            world.remainingMs -= 100
            return r
          })
          .keyBy((r) => r.k)
          .window(tumbling('10s'))
          .aggregate('w', { n: count() })
          .to(ndjson('out')),
      ),
    )
    const answer = await world.container().ingest(
      fileEvent(
        'readings',
        'p',
        0,
        Array.from({ length: 5_000 }, () => at(1)),
      ),
    )
    // There is one minute, and five records take half a second. The first chunk takes half of the minute, and the next
    // one half of the rest.
    expect(undoneOf(answer)).toBeGreaterThan(300)
    expect(undoneOf(answer)).toBeLessThan(640)
    expect(world.remainingMs).toBeGreaterThan(-3_200)
  })

  it('a record becomes at most 10,000 rows', async () => {
    const many = pipeline('many', { deadLetter: ndjson('dead'), keyGroups: 1 }, (p) =>
      p
        .from(readings())
        .flatMap((r) => Array.from({ length: r.v }, () => r))
        .keyBy((r) => r.k)
        .window(tumbling('10s'))
        .aggregate('w', { n: count() })
        .to(ndjson('out')),
    )
    const world = new Harness(many)
    await world.container().ingest(fileEvent('readings', 'p', 0, [at(1, 'a', 10_000), at(2, 'a', 10_001), at(3)]))
    await finish(world)
    expect(world.rows.get('dead')!.map(({ reason, position }) => [reason, Number(position)])).toEqual([
      ['too-many-rows', 1],
    ])
    expect(world.rows.get('out')!.map(({ value }) => value)).toEqual([{ n: 10_001 }])
  })
})

describe('invariant 11: what closing a slice takes is bounded', () => {
  /** Counts every merge, which is the cost of late panes. */
  function counted(lateness: Duration) {
    const merges = { count: 0 }
    const tally = custom({
      name: 'tally',
      init: () => 0,
      add: (n: number) => n + 1,
      merge: (a: number, b: number) => {
        merges.count++
        return a + b
      },
      result: (n: number) => n,
    })
    const made = pipeline('counted', { deadLetter: ndjson('dead'), keyGroups: 1, minAdvance: 0 }, (p) =>
      p
        .from(readings())
        .keyBy((r) => r.k)
        .window(hopping('1h', '1m'), { allowedLateness: lateness, late: ndjson('late') })
        .aggregate('w', { n: tally })
        .to(ndjson('out')),
    )
    return { merges, made }
  }

  it('late panes cost what a key has, not what its windows span', async () => {
    const { merges, made } = counted('1d')
    const world = new Harness(made)
    const { ingest } = world.container()
    await ingest(fileEvent('readings', 'p', 0, [...Array.from({ length: 60 }, (_, i) => at(60 * i)), at(20_000)]))
    merges.count = 0
    world.rows.clear()
    await ingest(fileEvent('readings', 'p', 61, [at(1_800), at(20_120)]))
    const panes = world.rows.get('out')!.filter(({ pane }) => pane.timing === 'late')
    expect(panes).toHaveLength(60)
    // Each window contains up to 60 slices. Merging them one by one would take 2,730 merges.
    expect(merges.count).toBeLessThan(10 * 60)
    for (const { window, value } of panes)
      expect(value.n).toBe(1 + Math.min(60, window.end / 60_000) - Math.max(0, window.start / 60_000))
  })

  it('one slice of one key group is closed part by part, with the cursor between, and goes on from there', async () => {
    const values = [...Array.from({ length: 300 }, (_, i) => at(1, `k${i}`)), at(100)]
    const limits = { partRows: 20, sinkRows: 20 }
    const world = new Harness(counting(), { limits })
    world.before = (call) => {
      if (call === 'sink out' && (world.rows.get('out')?.length ?? 0) >= 100) world.remainingMs = 500
    }
    await world.container().ingest(fileEvent('readings', 'p', 0, values))
    const [group] = await world.store.get([groupKey('counting.1', 'w', 0)])
    expect(world.rows.get('out')).toHaveLength(120)
    expect(String(group!.cursor)).toMatch(/^.{11}:[0-9a-f]{8}:~$/)
    world.remainingMs = 60_000
    world.before = () => undefined
    await finish(world)
    expect(new Set(world.rows.get('out')!.map(({ key }) => key)).size).toBe(301)
    expect(world.rows.get('out')).toHaveLength(301)
  })

  it('keys of one hash are cut like any others, and an attempt goes on among them', async () => {
    const keys = collidingKeys(1_000)
    const world = new Harness(counting(), { limits: { partRows: 50, sinkRows: 50 } })
    world.before = (call) => {
      if (call === 'sink out' && (world.rows.get('out')?.length ?? 0) >= 300) world.remainingMs = 500
    }
    await world.container().ingest(fileEvent('readings', 'p', 0, [...keys.map((key) => at(1, key)), at(100)]))
    const [group] = await world.store.get([groupKey('counting.1', 'w', 0)])
    expect(String(group!.cursor)).toMatch(/^.{11}:[0-9a-f]{8}:\d{8}:~$/)
    expect(keys).toContain(JSON.parse(String(group!.at)))
    world.remainingMs = 60_000
    world.before = () => undefined
    await finish(world)
    const seen = world.rows.get('out')!.map(({ key }) => key)
    expect(new Set(seen).size).toBe(1_001)
    expect(seen).toHaveLength(1_001)
  })

  it.each([
    ['of many hashes', (): string[] => Array.from({ length: 400 }, (_, i) => `k${i}`)],
    ['of one hash', (): string[] => collidingKeys(400)],
  ])('keys that no heap holds at once, %s, are worked in ranges, to the same rows', async (_, make) => {
    const keys = make()
    const values = [...keys.map((key) => at(1, key)), ...keys.map((key) => at(6, key, 2)), at(100)]
    const rows: string[][] = []
    for (const advanceBytes of [1, 100_000, 64 * 1024 * 1024]) {
      const world = new Harness(counting({ keyGroups: 2 }), { limits: { advanceBytes, partRows: 30 } })
      const { ingest } = world.container()
      for (let i = 0; i < values.length; i += 100) await ingest(fileEvent('readings', 'p', i, values.slice(i, i + 100)))
      await finish(world)
      expect((world.metrics.get('KeyRanges') ?? 0) > 0).toBe(advanceBytes < 1_000_000)
      rows.push(
        world.rows
          .get('out')!
          .map((row) => JSON.stringify(row))
          .sort(),
      )
    }
    expect(rows[0]).toHaveLength(401)
    expect(rows[0]).toEqual(rows[2])
    expect(rows[1]).toEqual(rows[2])
  })

  it('an open bucket that grows beyond the heap is worked in ranges too', async () => {
    const wide = pipeline('wide', { deadLetter: ndjson('dead'), keyGroups: 1, minAdvance: 0 }, (p) =>
      p
        .from(fileSource('readings', { timestamp: (r: Reading) => r.t, watermark: outOfOrder('1m') }))
        .keyBy((r) => r.k)
        .window(tumbling('1s'))
        .aggregate('w', { n: count() })
        .to(ndjson('out')),
    )
    const world = new Harness(wide, { limits: { advanceBytes: 4 * 1024 * 1024 } })
    const { ingest } = world.container()
    const many = (n: number): Reading[] => Array.from({ length: 2_000 }, (_, i) => at(3, `a key of batch ${n}, ${i}`))
    await ingest(fileEvent('readings', 'p', 0, [...many(0), at(1), at(62)]))
    expect(world.metrics.get('KeyRanges')).toBeUndefined()
    for (const n of [1, 2]) await ingest(fileEvent('readings', 'p', 2_000 * n + 2, many(n)))
    await ingest(fileEvent('readings', 'p', 6_002, [...many(3), at(64)]))
    expect(world.metrics.get('KeyRanges')).toBeGreaterThan(0)
    expect(world.rows.get('out')).toHaveLength(8_001)
  })

  it.each([
    ['that nothing was closed before', 0],
    ['after one that is small', 5],
  ])('a bucket that is more than the heap takes, %s, is not read whole', async (_, small) => {
    const world = new Harness(counting(), { limits: { advanceBytes: 100_000, partRows: 30 } })
    const { ingest } = world.container()
    const values = [
      ...Array.from({ length: small }, (_, i) => at(-90_000, `s${i}`)),
      ...Array.from({ length: 600 }, (_, i) => at(1, `k${i}`)),
    ]
    // One split holds the watermark back until all rows have been written.
    await ingest(fileEvent('readings', 'q', 0, [at(-100_000)]))
    for (let i = 0; i < values.length; i += 20) await ingest(fileEvent('readings', 'p', i, values.slice(i, i + 20)))
    world.sources.readings!.splits = ['p', 'q'].map((split) => ({ split, closed: true }))
    await world.container().tick()
    expect(world.rows.get('out')).toHaveLength(601 + small)
    expect(world.metrics.get('KeyRanges')).toBeGreaterThan(0)
  })

  it('what merges takes no more heap: the same keys in every batch need no ranges, unless their folds grow', async () => {
    for (const [name, fold, ranges] of [
      ['sum', sum((r: Reading) => r.v), false],
      ['list', collect((r: Reading) => r.v, { max: 1_000 }), true],
    ] as const) {
      const made = pipeline('same', { deadLetter: ndjson('dead'), keyGroups: 1, minAdvance: 0 }, (p) =>
        p
          .from(readings())
          .keyBy((r) => r.k)
          .window(tumbling('10s'))
          .aggregate('w', { [name]: fold as any })
          .to(ndjson('out')),
      )
      const world = new Harness(made, { limits: { advanceBytes: 200_000, partRows: 30 } })
      const { ingest } = world.container()
      const values = Array.from({ length: 100 }, (_, i) => at(1, `k${i}`))
      for (let i = 0; i < 50; i++) await ingest(fileEvent('readings', 'p', 100 * i, values))
      await finish(world)
      expect((world.metrics.get('KeyRanges') ?? 0) > 0).toBe(ranges)
      expect(world.rows.get('out')).toHaveLength(100)
    }
  })

  it('of an open bucket only what is new is read', async () => {
    const wide = pipeline('wide', { deadLetter: ndjson('dead'), keyGroups: 1, minAdvance: 0 }, (p) =>
      p
        .from(fileSource('readings', { timestamp: (r: Reading) => r.t, watermark: outOfOrder('1h') }))
        .keyBy((r) => r.k)
        .window(tumbling('1m'))
        .aggregate('w', { n: count(), sum: sum((r) => r.v) })
        .to(ndjson('out')),
    )
    const world = new Harness(wide)
    const { ingest } = world.container()
    for (let i = 0; i < 60; i++) {
      const values = [
        ...Array.from({ length: 100 }, (_, key) => at(60 * i + 1, `some-longer-key-${key}`)),
        at(3600 + 60 * i),
      ]
      await ingest(fileEvent('readings', 'p', 101 * i, values))
    }
    const read = world.metrics.get('SegmentsRead')!
    const segments = (await world.segments('w')).length
    expect(world.rows.get('out')!.length).toBeGreaterThan(5_000)
    // Reading all of them again at each closing would be about 900 of the 30 slices of each bucket.
    expect(read).toBeLessThan(3 * segments)
  })
})

describe('invariant 11: nothing waits for a clock', () => {
  const YEAR_MS = 365 * 86_400_000

  it('a claim by a container whose clock is a year ahead is none', async () => {
    const world = new Harness(counting())
    const { ingest } = world.container()
    await ingest(fileEvent('readings', 'p', 0, [at(1), at(20)]))
    const key = groupKey('counting.1', 'w', 0)
    await world.store.update({ key, set: { until: world.now + YEAR_MS }, when: [] })
    await ingest(fileEvent('readings', 'p', 2, [at(40)]))
    expect(world.rows.get('out')).toHaveLength(2)
    // A claim that ends within the clock bound is valid.
    await world.store.update({ key, set: { until: world.now + 60_000 }, when: [] })
    await ingest(fileEvent('readings', 'p', 3, [at(60)]))
    expect(world.rows.get('out')).toHaveLength(2)
  })

  it('a split whose checkpoint is a year ahead is quiet, careful, and parted like any other', async () => {
    const world = new Harness(counting())
    await world.container().ingest(fileEvent('readings', 'p', 0, [at(1)]))
    await world.edit('readings/p', { at: world.now + YEAR_MS })
    world.sources.readings!.splits = [{ split: 'p', closed: false }]
    world.calls.length = 0
    await world.container().ingest(fileEvent('readings', 'p', 1, [at(2), at(3)]))
    expect(world.logs.some((line) => line.includes('careful'))).toBe(true)
    await world.edit('readings/p', { at: world.now + YEAR_MS })
    await world.container().tick()
    expect((await world.split('readings/p'))!.at).toBeLessThanOrEqual(world.now)
    world.now += 120_000
    await world.container().tick()
    expect((await world.split('readings/p'))!.status).toBe('out')
  })
})

describe('invariants 7, 11: damage stops what is damaged, and nothing else', () => {
  it('a key group whose segments are damaged stops loudly; all others and ingest go on', async () => {
    const world = new Harness(counting({ keyGroups: 4 }))
    const { ingest } = world.container()
    await ingest(
      fileEvent(
        'readings',
        'p',
        0,
        Array.from({ length: 40 }, (_, i) => at(1, `k${i}`)),
      ),
    )
    const [segment] = await world.segments('w', 2)
    await world.store.update({ key: segment!, set: { data: new Uint8Array([1, 2, 3]) }, when: [] })
    const answer = await ingest(fileEvent('readings', 'p', 40, [at(100, 'k0')]))
    expect(undoneOf(answer)).toBeUndefined()
    const out = world.rows.get('out')!.length
    expect(out).toBeGreaterThan(20)
    expect(out).toBeLessThan(40)
    expect(world.metrics.get('StoppedKeyGroups')).toBe(1)
    expect(
      world.logs.some((line) => line.startsWith('error a key group has stopped') && line.includes('"keyGroup":2')),
    ).toBe(true)
    await ingest(fileEvent('readings', 'p', 41, [at(200, 'k0')]))
    expect(world.rows.get('out')!.length).toBe(out + 1)
  })
})
