import { describe, expect, it } from 'vitest'
import type { Duration } from '../../lib/base/index.js'
import { fileEvent, Harness, undoneOf } from './harness.js'
import { at, counting } from './pipelines.js'

const eager = { idle: { after: '1s' } } as const

describe('invariant 4: nothing is proposed before registration is complete', () => {
  it('a listed split that was never read holds the watermark back', async () => {
    const world = new Harness(counting())
    world.sources.readings!.splits = [
      { split: 'p', closed: false },
      { split: 'q', closed: false },
    ]
    world.sources.readings!.waiting.add('q')
    await world.container().ingest(fileEvent('readings', 'p', 0, [at(1), at(100)]))
    await world.container().tick()
    expect((await world.watermark())?.registered).toBe(true)
    expect((await world.split('readings/q'))?.status).toBe('joining')
    expect((await world.watermark())?.watermark).toBeUndefined()
    await world.container().ingest(fileEvent('readings', 'q', 0, [at(50)]))
    await world.container().tick()
    expect((await world.watermark())?.watermark).toBe(48_000)
  })

  it('a registration that dies half-way is not taken for a whole one', async () => {
    const world = new Harness(counting())
    const source = world.sources.readings!
    source.splits = [{ split: 'p', closed: false }]
    source.waiting.add('q')
    let isBegun = false
    world.before = (call) => {
      if (call.startsWith('update s#')) isBegun = true
      else if (isBegun && call === 'list') throw new Error('killed')
    }
    const batch = fileEvent('readings', 'p', 0, [at(1), at(100)])
    await world.container().ingest(batch)
    expect(isBegun).toBe(true)
    world.before = () => undefined
    source.splits = [...source.splits, { split: 'q', closed: false }]
    await world.container().ingest(batch)
    await world.container().ingest(fileEvent('readings', 'p', 2, [at(200)]))
    expect((await world.split('readings/q'))?.status).toBe('joining')
    expect((await world.watermark())?.proposed).toBeUndefined()
  })

  /** p has 100 and is about to propose 98. q is out, and returns with a record of time 4 just before a call. */
  const rejoining = async (when: (call: string, proposed: boolean) => boolean) => {
    const world = new Harness(counting(eager))
    world.sources.readings!.splits = [
      { split: 'p', closed: false },
      { split: 'q', closed: false },
    ]
    await world.container().ingest(fileEvent('readings', 'q', 0, [at(3)]))
    await world.container().ingest(fileEvent('readings', 'p', 0, [at(3)]))
    world.now += 5000
    world.sources.readings!.waiting.add('p')
    await world.container().tick()
    expect((await world.split('readings/q'))?.status).toBe('out')
    let proposed = false
    world.before = async (call) => {
      if (!when(call, proposed)) {
        proposed ||= call === 'update ! proposed'
        return
      }
      world.before = () => undefined
      await world.container().ingest(fileEvent('readings', 'q', 1, [at(4)]))
    }
    await world.container().ingest(fileEvent('readings', 'p', 1, [at(100)]))
    return world
  }

  it('who joins before the proposal is written is seen by the second listing: it holds the watermark back', async () => {
    const world = await rejoining((call) => call === 'update ! proposed')
    expect((await world.watermark())?.proposed).toBe(98_000)
    expect((await world.watermark())?.watermark as number).toBeLessThanOrEqual(2_000)
    expect(world.rows.get('late')).toBeUndefined()
    world.sources.readings!.splits = world.sources.readings!.splits.map((split) => ({ ...split, closed: true }))
    world.sources.readings!.waiting.clear()
    await world.container().tick()
    expect(world.rows.get('out')?.map((row) => [row.window.start, row.value.n])).toEqual([
      [0, 3],
      [100_000, 1],
    ])
  })

  it('who joins after it takes it as its gate: its record is visibly expired, in no closed window', async () => {
    const world = await rejoining((call, proposed) => proposed && call.startsWith('query s#'))
    expect((await world.split('readings/q'))?.gate).toBe(98_000)
    expect((await world.watermark())?.watermark).toBe(98_000)
    expect(world.rows.get('late')?.map((row) => row.payload.t)).toEqual([4000])
  })
})

describe('invariant 5: parting needs evidence', () => {
  const quiet = async (waiting: boolean) => {
    const world = new Harness(counting(eager))
    world.sources.readings!.splits = [{ split: 'p', closed: false }]
    await world.container().ingest(fileEvent('readings', 'p', 0, [at(1)]))
    if (waiting) world.sources.readings!.waiting.add('p')
    world.now += 2000
    return world
  }

  it('a quiet split with nothing waiting parts, and the mark comes before the question', async () => {
    const world = await quiet(false)
    world.calls.length = 0
    await world.container().tick()
    const mark = world.calls.indexOf('update s#readings/p status,was,epoch')
    expect(mark).toBeGreaterThanOrEqual(0)
    expect(world.calls.lastIndexOf('peek p')).toBeGreaterThan(mark)
    expect((await world.split('readings/p'))?.status).toBe('out')
  })

  it('a split with something waiting stays', async () => {
    const world = await quiet(true)
    await world.container().tick()
    expect((await world.split('readings/p'))?.status).toBe('member')
  })

  it.each([
    ['before', 1],
    ['after', 2],
  ])(
    'an attempt that comes %s the mark, while the source is asked, makes the parting fail: it puts the mark back first',
    async (_, question) => {
      const world = await quiet(false)
      let questions = 0
      world.before = async (call) => {
        if (call !== 'peek p' || ++questions !== question) return
        world.before = () => undefined
        await world.container().ingest(fileEvent('readings', 'p', 1, [at(2)]))
      }
      await world.container().tick()
      expect((await world.split('readings/p'))?.status).toBe('member')
      expect((await world.split('readings/p'))?.position).toBe('00000000000000000001')
    },
  )

  it('invariant 6: a split that changed while it was to end, ends as it stands then', async () => {
    const world = await quiet(false)
    world.sources.readings!.splits = [{ split: 'p', closed: true }]
    let isLate = false
    world.before = async (call) => {
      if (call !== 'update s#readings/p status,epoch,at') return
      world.before = () => undefined
      const { epoch } = (await world.split('readings/p'))!
      isLate = true
      await world.edit('readings/p', { status: 'parting', was: 'out', epoch: (epoch as number) + 1 })
    }
    await world.container().tick()
    expect(isLate).toBe(true)
    await world.container().tick()
    expect((await world.split('readings/p'))?.status).toBe('ended')
  })

  it('evidence for one mark is none for the next', async () => {
    const world = await quiet(false)
    world.before = async (call) => {
      if (call !== 'update s#readings/p status,was,epoch,empty') return
      world.before = () => undefined
      // Its answer was "nothing". Since then a record has arrived and been counted, and another tick has marked the
      // split again.
      await world.container().ingest(fileEvent('readings', 'p', 1, [at(2)]))
      const { epoch } = (await world.split('readings/p'))!
      await world.edit('readings/p', { status: 'parting', was: 'member', epoch: (epoch as number) + 1 })
    }
    await world.container().tick()
    expect((await world.split('readings/p'))?.status).toBe('parting')
  })

  it('every change raises the epoch', async () => {
    const world = await quiet(false)
    const epoch = async () => (await world.split('readings/p'))?.epoch as number
    const member = await epoch()
    await world.container().tick()
    const out = await epoch()
    expect(out).toBeGreaterThan(member)
    await world.container().ingest(fileEvent('readings', 'p', 1, [at(2)]))
    expect(await epoch()).toBeGreaterThan(out)
  })

  it('a source that cannot be asked is never parted', async () => {
    const world = new Harness(counting(eager), { inspectors: {} })
    await world.container().ingest(fileEvent('readings', 'p', 0, [at(1)]))
    world.now += 3_600_000
    await world.container().tick()
    expect((await world.split('readings/p'))?.status).toBe('member')
    expect(world.logs.some((line) => /cannot list its splits/.test(line))).toBe(true)
  })
})

describe('invariant 6: splits come and go', () => {
  const resharded = () => {
    const world = new Harness(counting())
    world.sources.readings!.splits = [
      { split: 'parent', closed: true },
      { split: 'child', parents: ['parent'], closed: false },
    ]
    return world
  }

  it("a child waits for its parent's end, and starts at its final own watermark", async () => {
    const world = resharded()
    world.sources.readings!.waiting.add('parent')
    await world.container().ingest(fileEvent('readings', 'parent', 0, [at(30)]))
    expect(undoneOf(await world.container().ingest(fileEvent('readings', 'child', 0, [at(5)])))).toBe(0)
    world.sources.readings!.waiting.delete('parent')
    await world.container().ingest(fileEvent('readings', 'child', 0, [at(5), at(40)]))
    expect((await world.split('readings/parent'))?.status).toBe('ended')
    // The parent ended at 28: the record of time 5 is behind it.
    expect(world.rows.get('late')?.map((row) => row.payload.t)).toEqual([5000])
    expect((await world.split('readings/child'))?.own).toBe(38_000)
  })

  it('a parent that is neither registered nor listed counts as ended', async () => {
    const world = new Harness(counting())
    world.sources.readings!.splits = [{ split: 'child', parents: ['trimmed'], closed: false }]
    expect(undoneOf(await world.container().ingest(fileEvent('readings', 'child', 0, [at(5)])))).toBeUndefined()
  })

  it('successors are registered before their parent ends', async () => {
    const world = new Harness(counting())
    world.sources.readings!.splits = [{ split: 'parent', closed: false }]
    await world.container().ingest(fileEvent('readings', 'parent', 0, [at(30)]))
    world.sources.readings!.splits = [
      { split: 'parent', closed: true },
      { split: 'child', parents: ['parent'], closed: false },
    ]
    world.sources.readings!.waiting.add('child')
    world.calls.length = 0
    await world.container().tick()
    const ended = world.calls.indexOf('update s#readings/parent status,epoch,at')
    expect(world.calls.indexOf('insert s#readings/child')).toBeLessThan(ended)
    expect((await world.split('readings/child'))?.status).toBe('joining')
    // The child is part of the minimum before any of it was read, so nothing closes.
    expect((await world.watermark())?.watermark ?? 0).toBeLessThanOrEqual(28_000)
  })

  it('a registered split that is no longer listed ends with an alarm, once it has been missing for a while', async () => {
    const world = new Harness(counting())
    world.sources.readings!.splits = [
      { split: 'p', closed: false },
      { split: 'q', closed: false },
    ]
    await world.container().ingest(fileEvent('readings', 'p', 0, [at(1)]))
    await world.container().tick()
    world.sources.readings!.splits = [{ split: 'q', closed: false }]
    await world.container().tick()
    expect((await world.split('readings/p'))?.status).not.toBe('ended')
    // Ten minutes are not enough: clocks may differ by as much.
    world.now += 601_000
    await world.container().tick()
    expect((await world.split('readings/p'))?.status).not.toBe('ended')
    world.now += 1_200_000
    await world.container().tick()
    expect((await world.split('readings/p'))?.status).toBe('ended')
    expect(world.logs.some((line) => /^error the source no longer lists a registered split/.test(line))).toBe(true)
    // What it delivers after that is not dropped silently.
    await expect(world.container().ingest(fileEvent('readings', 'p', 1, [at(2)]))).rejects.toThrow(
      /has ended, but the source delivers records/,
    )
    await world.container().ingest(fileEvent('readings', 'p', 0, [at(1)]))
  })

  it('one empty listing ends nothing', async () => {
    const world = new Harness(counting())
    world.sources.readings!.splits = [{ split: 'p', closed: false }]
    await world.container().ingest(fileEvent('readings', 'p', 0, [at(1)]))
    world.sources.readings!.splits = []
    for (let minute = 0; minute < 10; minute++) {
      await world.container().tick()
      world.now += 60_000
    }
    expect((await world.split('readings/p'))?.status).not.toBe('ended')
    expect((await world.watermark())?.watermark ?? 0).toBeLessThan(4e15)
  })

  it('a source that cannot be listed keeps no other from going on', async () => {
    const world = new Harness(counting())
    world.sources.readings!.splits = [{ split: 'p', closed: true }]
    await world.container().ingest(fileEvent('readings', 'p', 0, [at(1)]))
    let lists = 0
    world.before = (call) => {
      if (call === 'list' && lists++ === 0) throw new Error('access denied')
    }
    await expect(world.container().tick()).rejects.toThrow('access denied')
    expect((await world.watermark())?.registered).toBe(true)
  })

  it('the watermark is infinite only when all have ended and no source can have more', async () => {
    const world = new Harness(counting())
    const source = world.sources.readings!
    source.splits = [{ split: 'p', closed: true }]
    source.bounded = false
    await world.container().ingest(fileEvent('readings', 'p', 0, [at(1)]))
    await world.container().tick()
    expect((await world.watermark())?.watermark ?? 0).toBeLessThan(4e15)
    source.bounded = true
    await world.container().tick()
    expect((await world.watermark())?.watermark).toBe(4e15)
    expect(world.rows.get('out')).toHaveLength(1)
  })
})

describe('invariant 6: out is not ended', () => {
  it('a bounded source whose splits are all quiet may still have more', async () => {
    const world = new Harness(counting(eager))
    world.sources.readings!.splits = [{ split: 'p', closed: false }]
    await world.container().ingest(fileEvent('readings', 'p', 0, [at(1)]))
    world.now += 2000
    await world.container().tick()
    await world.container().tick()
    expect((await world.split('readings/p'))?.status).toBe('out')
    expect((await world.watermark())?.watermark as number).toBeLessThan(4e15)
  })
})

describe('idle close', () => {
  const allOut = async (close: Duration | 'clock' | false) => {
    const world = new Harness(counting({ idle: { after: '1s', close } }))
    world.sources.readings!.splits = [{ split: 'p', closed: false }]
    world.sources.readings!.bounded = false
    await world.container().ingest(fileEvent('readings', 'p', 0, [at(5)]))
    world.now += 2000
    await world.container().tick()
    world.now += 20_000
    await world.container().tick()
    return world
  }

  it('event time goes on with the clock when every split is out, where that is asked for', async () => {
    const world = await allOut('clock')
    expect(world.rows.get('out')).toHaveLength(1)
    // Records that return behind it are visibly expired.
    await world.container().ingest(fileEvent('readings', 'p', 1, [at(6)]))
    expect(world.rows.get('late')).toHaveLength(1)
  })

  it('unless the pipeline says that it must not', async () => {
    expect((await allOut(false)).rows.get('out')).toBeUndefined()
  })
})
