import { describe, expect, it } from 'vitest'
import { EMPTY_PROOF_MS, QUIET_MS, RESET_MS, RetryableError } from '../../lib/base/index.js'
import type { SplitFault } from '../../lib/ports/index.js'
import { findSplit, resetSplit } from '../../lib/runtime/log-faults.js'
import { foundEmpty } from '../../lib/runtime/split-item.js'
import { fileEvent, Harness, undoneOf } from './harness.js'
import { at, counting, STAGE } from './pipelines.js'

/**
 * A world whose source reports about its logs. Once the fault of a split is set, it holds for every position but the
 * sentinel.
 */
function logged() {
  const world = new Harness(counting())
  const source = world.sources.readings!
  const faults = new Map<string, SplitFault>()
  source.bounded = false
  source.splits = [{ split: 'p', closed: false }]
  source.verify = async (positions) => [...positions.keys()].flatMap((split) => faults.get(split) ?? [])
  const reset = async (name = 'readings/p') => {
    const split = await findSplit(world.store, 'counting.1', STAGE, name, 1)
    return await resetSplit(world.store, 'counting.1', STAGE, split!, world.now + RESET_MS)
  }
  return { world, source, faults, reset, ...world.container() }
}

const beyondEnd: SplitFault = { split: 'p', kind: 'beyond-end', detail: 'the log ends at 3.' }
const trimmed: SplitFault = { split: 'p', kind: 'trimmed', detail: 'the log begins at 50.', retentionMs: 86_400_000 }

describe('a log that was made anew', () => {
  it('stops its split loudly instead of taking new records for repeats', async () => {
    const { world, faults, ingest } = logged()
    await ingest(fileEvent('readings', 'p', 0, [at(1), at(2), at(3), at(4)]))
    // The topic was deleted and recreated: the records that arrive at offsets 0 and 1 were never seen.
    faults.set('p', beyondEnd)
    const anew = fileEvent('readings', 'p', 0, [at(5), at(6)])
    await expect(ingest(anew)).rejects.toMatchObject({
      name: 'StopError',
      code: 'split-stopped',
      message: expect.stringContaining(
        'has stopped at position 00000000000000000003: beyond-end: the log ends at 3. No more of its records are read until you run "millrace splits reset"',
      ),
    })
    await expect(ingest(anew)).rejects.toMatchObject({ code: 'split-stopped' })
    expect(world.metrics.get('StoppedSplits')).toBe(1)
    expect((await world.split('readings/p'))?.position).toBe('00000000000000000003')
  })

  it('goes on from its start as another split once it is reset, and positions never fall (invariant 9)', async () => {
    const { world, source, faults, ingest, tick, reset } = logged()
    await ingest(fileEvent('readings', 'p', 0, [at(1), at(2), at(3), at(4)]))
    faults.set('p', beyondEnd)
    await expect(ingest(fileEvent('readings', 'p', 0, [at(4)]))).rejects.toThrow('has stopped')
    expect(await reset()).toBe('readings/p@1')
    faults.clear()
    expect(undoneOf(await ingest(fileEvent('readings', 'p', 0, [at(4), at(5), '{bad'])))).toBeUndefined()
    expect(await world.split('readings/p')).toMatchObject({ status: 'ended', position: '00000000000000000003' })
    expect(await world.split('readings/p@1')).toMatchObject({ status: 'member', position: '00000000000000000002' })
    // Ids of rejected records differ from those of the previous log.
    expect(world.rows.get('dead')).toMatchObject([{ split: 'p@1', position: '00000000000000000002' }])
    // Recreated once more. Then the source closes it, and all of it counts.
    faults.set('p', beyondEnd)
    await tick()
    expect(await reset('readings/p@1')).toBe('readings/p@2')
    faults.clear()
    await ingest(fileEvent('readings', 'p', 0, [at(6)]))
    source.splits = [{ split: 'p', closed: true }]
    source.bounded = true
    await tick()
    expect(await world.split('readings/p@2')).toMatchObject({ status: 'ended' })
    const counted = (world.rows.get('out') ?? []).reduce((sum, row) => sum + row.value.n, 0)
    const expired = (world.rows.get('late') ?? []).length
    expect(counted + expired).toBe(7)
  })

  it('does not stop a split that has moved on while its source was asked', async () => {
    const { world, faults, ingest, tick } = logged()
    await ingest(fileEvent('readings', 'p', 0, [at(1), at(2)]))
    faults.set('p', beyondEnd)
    const other = world.container()
    let asked = false
    world.before = async (call) => {
      if (asked || !call.startsWith('verify')) return
      asked = true
      await other.ingest(fileEvent('readings', 'p', 2, [at(3)]))
    }
    await tick()
    expect(asked).toBe(true)
    expect(await world.split('readings/p')).toMatchObject({ position: '00000000000000000002' })
    expect(await world.split('readings/p')).not.toHaveProperty('stopped')
  })

  it('is asked for only where a batch brings nothing new, or its split was quiet for long', async () => {
    const { world, ingest } = logged()
    const asked = () => world.calls.filter((call) => call.startsWith('verify')).length
    await ingest(fileEvent('readings', 'p', 0, [at(1)]))
    await ingest(fileEvent('readings', 'p', 0, [at(1), at(2)]))
    expect(asked()).toBe(0)
    expect(undoneOf(await ingest(fileEvent('readings', 'p', 0, [at(1), at(2)])))).toBeUndefined()
    expect(asked()).toBe(1)
    world.now += QUIET_MS + 1
    await ingest(fileEvent('readings', 'p', 2, [at(3)]))
    expect(asked()).toBe(2)
  })
})

describe('records that were deleted unread', () => {
  it('stop their split at the next tick, also while nothing comes, and hold the watermark', async () => {
    const { world, source, faults, ingest, tick } = logged()
    await ingest(fileEvent('readings', 'p', 0, [at(1), at(30)]))
    faults.set('p', trimmed)
    source.waiting.add('p')
    await tick()
    await expect(ingest(fileEvent('readings', 'p', 50, [at(99)]))).rejects.toThrow('trimmed: the log begins at 50.')
    expect(world.logs.filter((line) => line.startsWith('error split stopped'))).toHaveLength(1)
    expect(world.metrics.get('StoppedNow')).toBe(1)
    await tick()
    // Reported with every tick for as long as it is true.
    expect(world.metrics.get('StoppedNow')).toBe(2)
    expect(await world.split('readings/p')).toMatchObject({
      status: 'member',
      stopped: 'trimmed: the log begins at 50.',
    })
  })

  it('are none where the source said a while ago that nothing waits: a quiet log loses its old records too', async () => {
    const { world, source, faults, ingest, tick } = logged()
    await ingest(fileEvent('readings', 'p', 0, [at(1), at(2)]))
    world.now += 60_001
    await tick()
    expect(await world.split('readings/p')).toMatchObject({ status: 'out', empty: world.now })
    // Over several days, a tick every minute asks a few times an hour.
    for (let hours = 0; hours < 48; hours++) {
      world.now += 3_600_000
      await tick()
    }
    expect(world.calls.filter((call) => call.startsWith('peek')).length).toBeLessThan(60)
    // The records that were counted have been deleted by now, and a new one has arrived: it is the first that can be
    // read.
    faults.set('p', trimmed)
    source.waiting.add('p')
    await tick()
    expect(undoneOf(await ingest(fileEvent('readings', 'p', 50, [at(99)])))).toBeUndefined()
    expect(await world.split('readings/p')).toMatchObject({ status: 'member', position: '00000000000000000050' })
    // If it is left unread for longer than the proof is valid, records may be missing.
    world.now += EMPTY_PROOF_MS
    await expect(ingest(fileEvent('readings', 'p', 90, [at(100)]))).rejects.toThrow('trimmed')
  })

  describe('where a log holds markers of transactions, whose retention nobody knows', () => {
    /** Records at 0 and 1, and a marker at 2. Everything before `low` is deleted. */
    function marked() {
      const made = logged()
      const { source } = made
      const log = { low: 0, end: 2 }
      const place = (offset: number): string => String(offset).padStart(20, '0')
      source.end = async () => place(log.end)
      source.verify = async (positions) =>
        [...positions]
          .filter(([, position]) => position < place(log.low - 1))
          .map(([split]) => ({ split, kind: 'trimmed' as const, detail: `the log begins at ${log.low}.` }))
      return { ...made, log, ...made.world.container() }
    }

    it('what its source had proved to be the end may go', async () => {
      const { world, log, ingest, tick } = marked()
      await ingest(fileEvent('readings', 'p', 0, [at(1), at(2)]))
      world.now += 60_001
      await tick()
      expect(await world.split('readings/p')).toMatchObject({ status: 'out', emptyTo: '00000000000000000002' })
      log.low = 3
      for (let hours = 0; hours < 48; hours++) {
        world.now += 3_600_000
        await tick()
      }
      expect(undoneOf(await ingest(fileEvent('readings', 'p', 3, [at(99)])))).toBeUndefined()
      const split = await world.split('readings/p')
      expect(split).toMatchObject({ status: 'member', position: '00000000000000000003' })
      expect(split).not.toHaveProperty('emptyTo')
      expect(split).not.toHaveProperty('stopped')
    })

    it('so it is where the split parts', async () => {
      const { world, log, ingest, tick } = marked()
      await ingest(fileEvent('readings', 'p', 0, [at(1), at(2)]))
      world.now += 60_001
      let peeks = 0
      world.before = (call) => {
        // The second one is after the mark.
        if (call === 'peek p' && ++peeks === 2) log.end = 9
      }
      await tick()
      expect(peeks).toBe(2)
      expect(await world.split('readings/p')).toMatchObject({ status: 'out', emptyTo: '00000000000000000002' })
    })

    it('nor is a split stopped by an attempt that had read it before the proof', async () => {
      const { world, log, ingest, tick } = marked()
      await ingest(fileEvent('readings', 'p', 0, [at(1), at(2)]))
      const seen = (await findSplit(world.store, 'counting.1', STAGE, 'readings/p', 1))!
      log.low = 3
      world.before = async (call) => {
        if (!call.startsWith('verify')) return
        const set = foundEmpty(seen, world.now, '00000000000000000002')
        await world.store.update({ key: (await world.split('readings/p'))!, set, when: [] })
      }
      await tick()
      expect(await world.split('readings/p')).not.toHaveProperty('stopped')
    })

    it('invariant 12: a proof that somebody has changed is refused', async () => {
      const { world, ingest, tick } = marked()
      await ingest(fileEvent('readings', 'p', 0, [at(1), at(2)]))
      world.now += 60_001
      await tick()
      const split = (await world.split('readings/p'))!
      await world.store.update({ key: split, set: { emptyTo: '00000000000000000009' }, when: [] })
      await expect(ingest(fileEvent('readings', 'p', 3, [at(99)]))).rejects.toMatchObject({ code: 'damaged-state' })
    })

    it('and no more than that', async () => {
      const { world, log, ingest, tick } = marked()
      await ingest(fileEvent('readings', 'p', 0, [at(1), at(2)]))
      world.now += 60_001
      await tick()
      // One more record arrived and was not read.
      log.low = 4
      world.now += QUIET_MS + 1
      await expect(ingest(fileEvent('readings', 'p', 4, [at(99)]))).rejects.toThrow('trimmed: the log begins at 4.')
    })

    it('the end is asked for before whether something waits: what comes between the two is not in it', async () => {
      const { world, log, ingest, tick } = marked()
      await ingest(fileEvent('readings', 'p', 0, [at(1), at(2)]))
      world.now += 60_001
      await tick()
      world.now += 3_600_000
      world.before = (call) => {
        if (call === 'peek p') log.end = 9
      }
      await tick()
      expect(await world.split('readings/p')).toMatchObject({ empty: world.now, emptyTo: '00000000000000000002' })
    })
  })

  it('are accepted by a reset, which asks no more of that position', async () => {
    const { world, faults, ingest, tick, reset } = logged()
    await ingest(fileEvent('readings', 'p', 0, [at(1), at(2)]))
    faults.set('p', trimmed)
    await tick()
    expect(await reset()).toBe('readings/p')
    await tick()
    expect(undoneOf(await ingest(fileEvent('readings', 'p', 50, [at(3)])))).toBeUndefined()
    expect(await world.split('readings/p')).toMatchObject({ position: '00000000000000000050' })
    expect(await world.split('readings/p')).not.toHaveProperty('stopped')
  })

  it('a reset that comes too late changes nothing', async () => {
    const { world, faults, ingest, tick } = logged()
    await ingest(fileEvent('readings', 'p', 0, [at(1)]))
    faults.set('p', trimmed)
    await tick()
    const seen = (await findSplit(world.store, 'counting.1', STAGE, 'readings/p', 1))!
    expect(await resetSplit(world.store, 'counting.1', STAGE, seen, world.now + RESET_MS)).toBe('readings/p')
    expect(await resetSplit(world.store, 'counting.1', STAGE, seen, world.now + RESET_MS)).toBeUndefined()
    // An attempt that was running when the split stopped has moved its position forward.
    faults.set('p', { ...trimmed, detail: 'the log begins at 60.' })
    await ingest(fileEvent('readings', 'p', 1, [at(2)]))
    await tick()
    const stopped = (await findSplit(world.store, 'counting.1', STAGE, 'readings/p', 1))!
    expect(stopped.stopped).toContain('60')
    const { key, position } = {
      key: { pk: 'counting.1#0#splits', sk: 's#readings/p' },
      position: '00000000000000000009',
    }
    await world.store.update({ key, set: { position }, when: [] })
    expect(await resetSplit(world.store, 'counting.1', STAGE, stopped, world.now + RESET_MS)).toBeUndefined()
  })
})

describe('what a source says of its logs', () => {
  it('a partition that was gone and is there again does not pass for what was counted', async () => {
    const { world, source, faults, ingest, tick, reset } = logged()
    source.splits = [...source.splits, { split: 'q', closed: false }]
    await tick()
    await ingest(fileEvent('readings', 'p', 0, [at(1), at(2), at(3)]))
    source.splits = source.splits.slice(1)
    for (let minute = 0; minute < 32; minute++) {
      world.now += 60_000
      await tick()
    }
    expect(await world.split('readings/p')).toMatchObject({ status: 'ended' })
    source.splits = [{ split: 'p', closed: false }, ...source.splits]
    faults.set('p', beyondEnd)
    await expect(ingest(fileEvent('readings', 'p', 0, [at(9), at(10)]))).rejects.toThrow('has stopped')
    expect(await reset()).toBe('readings/p@1')
    faults.clear()
    await ingest(fileEvent('readings', 'p', 0, [at(9), at(10)]))
    expect(await world.split('readings/p@1')).toMatchObject({ position: '00000000000000000001' })
  })

  it('two short absences of a split are not one long one', async () => {
    const { world, source, tick } = logged()
    source.splits = [...source.splits, { split: 'q', closed: false }]
    await tick()
    const all = source.splits
    for (let minute = 0; minute < 62; minute++) {
      source.splits = minute === 0 || minute === 31 ? all.slice(1) : all
      world.now += 60_000
      await tick()
    }
    expect((await world.split('readings/p'))?.status).not.toBe('ended')
  })

  it('an attempt under way while its split stops and is reset moves it no more', async () => {
    const { world, faults, ingest, reset } = logged()
    await ingest(fileEvent('readings', 'p', 0, [at(1), at(2)]))
    const other = world.container()
    let done = false
    world.before = async (call) => {
      if (done || !call.startsWith('insert g#')) return
      done = true
      faults.set('p', beyondEnd)
      await other.tick()
      await reset()
      faults.clear()
    }
    expect(undoneOf(await ingest(fileEvent('readings', 'p', 2, [at(3)])))).toBe(2)
    expect(done).toBe(true)
    expect(await world.split('readings/p')).toMatchObject({ status: 'ended', position: '00000000000000000001' })
    // If a process died after it named a successor and before it created it, the next attempt creates it.
    expect(await world.split('readings/p@1')).toMatchObject({ origin: 'p', generation: 1 })
  })

  it('an attempt under way while its split stops counts nothing more', async () => {
    const { world, faults, ingest } = logged()
    await ingest(fileEvent('readings', 'p', 0, [at(1), at(2)]))
    const other = world.container()
    world.before = async (call) => {
      if (!call.startsWith('insert g#')) return
      world.before = () => undefined
      faults.set('p', trimmed)
      await other.tick()
    }
    expect(undoneOf(await ingest(fileEvent('readings', 'p', 2, [at(3)])))).toBe(2)
    expect(await world.split('readings/p')).toMatchObject({ position: '00000000000000000001' })
  })

  it('a stopped split is neither parted nor ended by the same tick', async () => {
    const { world, source, faults, ingest, tick } = logged()
    await ingest(fileEvent('readings', 'p', 0, [at(1), at(2)]))
    world.now += 60_001
    faults.set('p', { split: 'p', kind: 'trimmed', detail: 'the log begins at 50.' })
    await tick()
    expect(await world.split('readings/p')).toMatchObject({
      status: 'member',
      stopped: 'trimmed: the log begins at 50.',
    })
    source.splits = [{ split: 'p', closed: true }]
    await tick()
    expect((await world.split('readings/p'))?.status).toBe('member')
  })

  it('where it does not answer, new records are counted, and repeats come again', async () => {
    const { world, source, ingest } = logged()
    await ingest(fileEvent('readings', 'p', 0, [at(1)]))
    source.verify = () => Promise.reject(new RetryableError('unreachable', 'No broker answers.'))
    world.now += QUIET_MS + 1
    expect(undoneOf(await ingest(fileEvent('readings', 'p', 1, [at(2)])))).toBeUndefined()
    expect(undoneOf(await ingest(fileEvent('readings', 'p', 1, [at(2)])))).toBe(1)
    expect(world.metrics.get('UnansweredSources')).toBe(1)
  })

  it('invariant 6: a child waits for what took the place of its parent', async () => {
    const { world, source, faults, ingest, tick, reset } = logged()
    await ingest(fileEvent('readings', 'p', 0, [at(1)]))
    faults.set('p', beyondEnd)
    await tick()
    await reset()
    faults.clear()
    await ingest(fileEvent('readings', 'p', 0, [at(5)]))
    source.splits = [
      { split: 'p', closed: true },
      { split: 'c', closed: false, parents: ['p'] },
    ]
    source.waiting.add('p')
    expect(undoneOf(await ingest(fileEvent('readings', 'c', 0, [at(20)])))).toBe(0)
    source.waiting.clear()
    expect(undoneOf(await ingest(fileEvent('readings', 'c', 0, [at(20)])))).toBeUndefined()
    expect(await world.split('readings/p@1')).toMatchObject({ status: 'ended' })
  })

  it('a first batch is counted though its source has deleted what it holds', async () => {
    const { world, source, ingest } = logged()
    source.splits = [{ split: 'p', closed: false, start: '00000000000000000049' }]
    await ingest(fileEvent('readings', 'p', 40, [at(1), at(2)]))
    expect(await world.split('readings/p')).toMatchObject({ position: '00000000000000000041' })
  })
})

describe('invariant 5: nothing waits where all was deleted', () => {
  it('a split whose last records are deleted unread between two questions stops, and does not part', async () => {
    const world = new Harness(counting({ idle: { after: '1s' } }))
    world.sources.readings!.splits = [{ split: 'p', closed: false }]
    let isGone = false
    world.sources.readings!.verify = async () =>
      isGone ? [{ split: 'p', kind: 'trimmed' as const, detail: 'Records were deleted.' }] : []
    await world.container().ingest(fileEvent('readings', 'p', 0, [at(1)]))
    world.now += 5_000
    world.before = (call) => {
      // A moment ago, the source confirmed that its log continues.
      if (call === 'peek p') isGone = true
    }
    await world.container().tick()
    expect((await world.split('readings/p'))?.stopped).toMatch(/^trimmed/)
    expect((await world.split('readings/p'))?.status).not.toBe('out')
  })
})
