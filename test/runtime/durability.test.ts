import { describe, expect, it } from 'vitest'
import { freshCursor } from '../../lib/runtime/group-cursor.js'
import { groupKey } from '../../lib/runtime/keys.js'
import { fileEvent, Harness, undoneOf } from './harness.js'
import { at, counting } from './pipelines.js'

describe('invariant 3: dead letters and expired records, segments, checkpoint, answer', () => {
  it('writes in this order', async () => {
    const world = new Harness(counting())
    const { ingest } = world.container()
    await ingest(fileEvent('readings', 'p', 0, [at(1)]))
    world.calls.length = 0
    // 40 moves the own watermark to 38. Then 5 is expired, and the text is not valid JSON.
    await ingest(fileEvent('readings', 'p', 1, [at(40), at(5), '{bad']))
    const order = world.calls.map((call) => call.split(' ').slice(0, 2).join(' ').replace(/#.*/, ''))
    const place = (prefix: string): number => order.findIndex((call) => call.startsWith(prefix))
    expect(place('sink late')).toBeGreaterThanOrEqual(0)
    expect(place('sink dead')).toBeGreaterThanOrEqual(0)
    expect(place('insert g')).toBeGreaterThan(Math.max(place('sink late'), place('sink dead')))
    expect(place('update s')).toBeGreaterThan(place('insert g'))
  })

  it('a dead letter that cannot be written leaves the batch undone, and nothing behind it is durable', async () => {
    const world = new Harness(counting())
    const { ingest } = world.container()
    world.before = (call) => {
      if (call === 'sink dead') throw new Error('no space')
    }
    expect(undoneOf(await ingest(fileEvent('readings', 'p', 0, [at(1), '{bad'])))).toBe(0)
    expect(await world.segments('w')).toEqual([])
    expect((await world.split('readings/p'))?.position).toBe('0')
    world.before = () => undefined
    expect(undoneOf(await ingest(fileEvent('readings', 'p', 0, [at(1), '{bad'])))).toBeUndefined()
    expect(world.rows.get('dead')).toHaveLength(1)
  })
})

describe('invariant 2: segments are inserted only', () => {
  it('a conflict leaves what is there, and appends what it lacks', async () => {
    const world = new Harness(counting())
    const first = world.container().ingest(fileEvent('readings', 'p', 0, [at(1), at(2)]))
    await first
    // Another attempt read the split earlier. It has the same records and one more, and its checkpoint was never seen.
    await world.edit('readings/p', { position: '0', own: -4e15, tails: '', counters: '[[0,0,0,0,0],[0,0,0]]' })
    await world.container().ingest(fileEvent('readings', 'p', 0, [at(1), at(2), at(3)]))
    const segments = await world.segments('w')
    expect(segments.map((item) => [item.sk.split('#').at(-1), item.to])).toEqual([
      ['0', '00000000000000000001'],
      ['00000000000000000001', '00000000000000000002'],
    ])
    world.sources.readings!.splits = [{ split: 'p', closed: true }]
    await world.container().tick()
    expect(world.rows.get('out')?.map((row) => row.value)).toEqual([{ n: 3, sum: 3 }])
  })

  it('a wrong tail costs a query, never a hole', async () => {
    const world = new Harness(counting())
    await world.container().ingest(fileEvent('readings', 'p', 0, [at(1), at(2)]))
    await world.edit('readings/p', { tails: '' })
    world.calls.length = 0
    await world.container().ingest(fileEvent('readings', 'p', 2, [at(3)]))
    expect(world.calls.filter((call) => call.startsWith('query g#'))).toHaveLength(1)
    expect((await world.segments('w')).map((item) => item.to)).toEqual(['00000000000000000001', '00000000000000000002'])
  })
})

describe('invariant 9: what grows never goes back', () => {
  it('an old batch that comes again moves nothing and is counted as repeats', async () => {
    const world = new Harness(counting())
    const { ingest } = world.container()
    await ingest(fileEvent('readings', 'p', 0, [at(1), at(2), at(3)]))
    const before = await world.split('readings/p')
    await ingest(fileEvent('readings', 'p', 0, [at(1), at(2)]))
    expect(await world.split('readings/p')).toEqual(before)
    expect(world.metrics.get('Repeats')).toBe(2)
  })

  it("invariant 5: a checkpoint under a gate that is no longer the split's is refused", async () => {
    const world = new Harness(counting())
    const { ingest } = world.container()
    await ingest(fileEvent('readings', 'p', 0, [at(1)]))
    world.before = async (call) => {
      if (!call.startsWith('insert g#')) return
      world.before = () => undefined
      await world.edit('readings/p', { gate: 5000 })
    }
    expect(undoneOf(await ingest(fileEvent('readings', 'p', 1, [at(2)])))).toBe(1)
    expect((await world.split('readings/p'))?.position).toBe('00000000000000000000')
  })
})

describe('invariant 7: a reader fails loudly', () => {
  const closed = async (damage: (world: Harness) => Promise<void>) => {
    const world = new Harness(counting())
    await world.container().ingest(fileEvent('readings', 'p', 0, [at(1), at(2)]))
    await world.container().ingest(fileEvent('readings', 'p', 2, [at(3)]))
    await damage(world)
    world.sources.readings!.splits = [{ split: 'p', closed: true }]
    return world.container().tick()
  }

  it('on a hole in a chain', async () => {
    const damaged = closed(async (world) => {
      const [first] = await world.segments('w')
      world.table.remove(first!)
    })
    await expect(damaged).rejects.toThrow(
      /has a hole: the segment starts at 00000000000000000001, but the one before it ends at 0\./,
    )
  })

  it("on a segment's reach that was changed", async () => {
    const damaged = closed(async (world) => {
      const [, last] = await world.segments('w')
      await world.store.update({ key: { pk: last!.pk, sk: last!.sk }, set: { to: '00000000000000000009' }, when: [] })
    })
    await expect(damaged).rejects.toThrow(/The checksum of a segment is wrong/)
  })

  it('on a payload that was changed', async () => {
    const damaged = closed(async (world) => {
      const [first] = await world.segments('w')
      await world.store.update({
        key: { pk: first!.pk, sk: first!.sk },
        set: { data: Buffer.from('[[],[]]') },
        when: [],
      })
    })
    await expect(damaged).rejects.toThrow(/The checksum of the segment counting\.1#w#0 .* is wrong/)
  })

  it('on a format it does not know', async () => {
    const damaged = closed(async (world) => {
      const [first] = await world.segments('w')
      await world.store.update({ key: { pk: first!.pk, sk: first!.sk }, set: { format: 2 }, when: [] })
    })
    await expect(damaged).rejects.toThrow(/This version reads state in format 1, but the segment .* has format 2/)
  })

  it('invariant 9: on a segment past its time to live', async () => {
    const damaged = closed(async (world) => {
      world.now += 60 * 86_400_000
      // Although its key group states that everything was kept.
      const key = groupKey('counting.1', 'w', 0)
      await world.store.insert([{ ...key, ...freshCursor() }])
      await world.store.update({ key, set: { kept: world.now + 1_000 }, when: [] })
    })
    await expect(damaged).rejects.toThrow(/is past its time to live/)
  })
})
