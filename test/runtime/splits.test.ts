import { describe, expect, it } from 'vitest'
import { fileSource, ndjson, outOfOrder, pipeline } from '../../lib/index.js'
import { splitName } from '../../lib/runtime/keys.js'
import { statusOf } from '../../lib/testing/status.js'
import { fileEvent, Harness } from './harness.js'
import { at, counting, type Reading } from './pipelines.js'

describe('splits with any name', () => {
  it('invariant 2: ids that hold what keys are parted by do not meet in one chain', async () => {
    const world = new Harness(counting())
    // The attempt on `log` dies between writing its segments and its checkpoint.
    world.before = (call) => {
      if (call.startsWith('update s#') && call.includes('position')) throw new Error('gone')
    }
    await world.container().ingest(fileEvent('readings', 'log', 0, [at(1), at(2)]))
    world.before = () => undefined
    await world.container().ingest(
      fileEvent(
        'readings',
        'log#1',
        0,
        Array.from({ length: 9 }, () => at(3)),
      ),
    )
    await world.container().ingest(fileEvent('readings', 'log', 0, [at(1), at(2), at(3), at(4)]))
    world.sources.readings!.splits = [
      { split: 'log', closed: true },
      { split: 'log#1', closed: true },
    ]
    await world.container().tick()
    expect(world.rows.get('out')?.map((row) => row.value.n)).toEqual([13])
  })

  it('long and odd ids have names of their own that fit a key', () => {
    const ids = ['a', 'a#b', 'a;b', 'a|b', 'a,b', 'ä', '~', 'x'.repeat(200), 'x'.repeat(201), 'x'.repeat(300)]
    const names = ids.map((id) => splitName('source', id))
    expect(new Set(names).size).toBe(ids.length)
    for (const name of names) expect(name).toMatch(/^source\/[A-Za-z0-9._:/@+=~-]{1,200}$/)
  })
})

describe('invariant 6: nothing is not the end', () => {
  it('a bounded source that lists no split yet is not complete', async () => {
    const world = new Harness(counting())
    await world.container().tick()
    await world.container().tick()
    expect((await world.watermark())?.watermark).toBeUndefined()
    world.sources.readings!.splits = [{ split: 'p', closed: true }]
    await world.container().ingest(fileEvent('readings', 'p', 0, [at(1)]))
    await world.container().tick()
    expect(world.rows.get('out')).toHaveLength(1)
    expect(world.rows.get('late')).toBeUndefined()
  })
})

describe('invariant 8: ids', () => {
  it('two branches to one sink, and several rows of one record, have ids of their own', async () => {
    const ids: string[] = []
    const out = ndjson('out')
    const branching = pipeline('branching', { deadLetter: ndjson('dead') }, (p) => {
      const stream = p.from(fileSource('readings', { timestamp: (r: Reading) => r.t, watermark: outOfOrder('1s') }))
      stream.map((r) => ({ a: r.v })).to(out)
      stream.flatMap((r) => [{ b: r.v }, { c: r.v }]).to(out)
    })
    const sink = {
      write: async (batches: readonly { rows: readonly { id: string }[] }[]) =>
        void ids.push(...batches.flatMap((batch) => batch.rows.map((row) => row.id))),
      close: async () => undefined,
    }
    const world = new Harness(branching, { sink: async () => sink })
    await world.container().ingest(fileEvent('readings', 'p', 0, [at(1)]))
    expect(ids).toEqual([
      'readings/p/00000000000000000000',
      'readings/p/00000000000000000000/1',
      'readings/p/00000000000000000000/2',
    ])
  })
})

describe('invariant 6: a split is registered as its source lists it', () => {
  it('from where its log begins, so that what is deleted from there on is missed', async () => {
    const world = new Harness(counting())
    const start = '00000000000000000041'
    world.sources.readings!.splits = [{ split: 'p', closed: false, start }]
    await world.container().tick()
    expect((await world.split('readings/p'))?.position).toBe(start)
    const asked: string[] = []
    world.sources.readings!.verify = async (positions) => {
      asked.push(...positions.values())
      return [{ split: 'p', kind: 'trimmed', detail: 'Records were deleted.' }]
    }
    await world.container().tick()
    expect(asked).toContain(start)
    expect((await world.split('readings/p'))?.stopped).toMatch(/^trimmed/)
  })
})

describe('invariant 11: fleets', () => {
  const names = Array.from({ length: 200 }, (_, i) => `p${String(i).padStart(3, '0')}`)
  async function fleet(): Promise<Harness> {
    const world = new Harness(counting({ idle: { close: false } }))
    world.sources.readings!.bounded = false
    world.sources.readings!.splits = names.map((split) => ({ split, closed: false }))
    const { ingest } = world.container()
    for (const split of names) await ingest(fileEvent('readings', split, 0, [at(1)]))
    world.calls.length = 0
    return world
  }

  it('a tick costs no call for a split that is at work', async () => {
    const world = await fleet()
    await world.container().tick()
    expect(world.calls.length).toBeLessThan(20)
  })

  it('splits that go quiet together are asked side by side, and parted in one tick', async () => {
    const world = await fleet()
    world.now += 120_000
    let atOnce = 0
    let most = 0
    world.before = async (call) => {
      if (!call.startsWith('peek')) return
      most = Math.max(most, ++atOnce)
      await new Promise((resolve) => setImmediate(resolve))
      atOnce--
    }
    await world.container().tick()
    expect(most).toBeGreaterThan(8)
    expect(most).toBeLessThanOrEqual(16)
    for (const split of names) expect((await world.split(`readings/${split}`))!.status).toBe('out')
  })

  it('the watermark is looked for now and then, where each split would hold the minimum in turn', async () => {
    const world = await fleet()
    const lookedIn = async (seconds: number): Promise<number> => {
      world.calls.length = 0
      for (const split of names) {
        world.now += 5
        await world.container().ingest(fileEvent('readings', split, seconds / 40, [at(seconds)]))
      }
      // Each time, all splits are listed, in pages of a megabyte.
      return world.calls.filter((call) => call === 'query s#').length
    }
    // 200 splits and batches for one second: without pacing, 400 of them would read all other splits.
    expect(await lookedIn(40)).toBeLessThan(6)
    expect(await lookedIn(80)).toBeLessThan(6)
    await world.container().tick()
    expect((await world.watermark())!.watermark).toBe(78_000)
  })

  it('invariant 2: their items may lie under several partition keys, and nothing else changes', async () => {
    const results = async (writeShards: number) => {
      const world = new Harness(counting({ writeShards, keyGroups: 2, lateness: '10s', idle: { close: false } }))
      const some = names.slice(0, 20)
      world.sources.readings!.splits = some.map((split) => ({ split, closed: false }))
      for (const seconds of [1, 15, 11, 29])
        for (const [i, split] of some.entries())
          await world.container().ingest(fileEvent('readings', split, seconds, [at(seconds, `k${i % 7}`)]))
      world.sources.readings!.splits = some.map((split) => ({ split, closed: true }))
      await world.container().tick()
      const pks = new Set([...world.table.all()].map(({ pk }) => pk))
      const status = await statusOf(world.pipeline, world.store)
      const rows = [...world.rows].map(([sink, all]) => [sink, all.map((row) => JSON.stringify(row)).sort()])
      return { rows, pks, splits: status.stages[0]!.splits, isComplete: status.complete }
    }
    const one = await results(1)
    const many = await results(5)
    expect(many.rows).toEqual(one.rows)
    expect(many.splits).toEqual(one.splits)
    expect([one.isComplete, many.isComplete]).toEqual([true, true])
    expect(one.pks.size).toBe(4)
    expect([...many.pks].filter((pk) => pk.startsWith('counting.1#0#splits'))).toHaveLength(5)
    expect([...many.pks].filter((pk) => /^counting\.1#w#[01](\.[1-4])?$/.test(pk)).length).toBeGreaterThan(6)
  })

  it('a tick that has no time at all says so', async () => {
    const world = await fleet()
    await world.container().tick()
    expect(world.logs.filter((line) => line.startsWith('warn a tick'))).toEqual([])
    world.remainingMs = 900
    await world.container().tick()
    expect(world.logs).toContain('warn a tick ran out of time: the next one continues {}')
    expect(world.metrics.get('UnfinishedTicks')).toBe(1)
  })

  it('a tick that has no time for all of them begins elsewhere the next time', async () => {
    const world = await fleet()
    const isOut = async (): Promise<number> => {
      let out = 0
      for (const split of names) if ((await world.split(`readings/${split}`))!.status === 'out') out++
      return out
    }
    world.now += 120_000
    for (let minute = 0; minute < 40 && (await isOut()) < names.length; minute++) {
      world.now += 37 * 60_000
      let peeks = 0
      world.remainingMs = 60_000
      world.before = (call) => {
        if (call.startsWith('peek') && ++peeks > 40) world.remainingMs = 500
      }
      await world.container().tick()
    }
    expect(await isOut()).toBe(names.length)
  })
})
