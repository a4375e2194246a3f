import { describe, expect, it } from 'vitest'
import { LAG_MS, RESET_MS } from '../../lib/base/index.js'
import { count, kafkaSource, ndjson, outOfOrder, pipeline, tumbling } from '../../lib/index.js'
import type { SplitFault } from '../../lib/ports/index.js'
import { findSplit, resetSplit } from '../../lib/runtime/log-faults.js'
import { kafkaEvent, kafkaRecord } from '../../lib/testing/events.js'
import { fileEvent, Harness, undoneOf } from './harness.js'
import { at, counting, type Reading, STAGE } from './pipelines.js'

/** Defects of the runtime that the simulation has found, each reduced to a minimal case. */

/** A world whose source reports about its logs what `faults` contains. */
function logged(built = counting(), split = 'p') {
  const world = new Harness(built)
  const source = world.sources.readings!
  const faults: SplitFault[] = []
  source.splits = [{ split, closed: false }]
  source.verify = async (positions) => faults.filter((fault) => positions.has(fault.split))
  return { world, source, faults, ...world.container() }
}

const trimmed = (split: string): SplitFault => ({ split, kind: 'trimmed', detail: 'Records were deleted.' })
const beyondEnd: SplitFault = { split: 'p', kind: 'beyond-end', detail: 'The log ends at 0.' }

describe('invariant 6: a split ends only where all of it was read', () => {
  it('a closed shard whose last records were deleted unread stops, and its child waits', async () => {
    const { world, source, faults, ingest } = logged()
    await ingest(fileEvent('readings', 'p', 0, [at(1)]))
    source.splits = [
      { split: 'p', closed: true },
      { split: 'c', parents: ['p'], closed: false },
    ]
    // Nothing is left to read after its position, since nothing is there any more.
    faults.push(trimmed('p'))
    expect(undoneOf(await ingest(fileEvent('readings', 'c', 0, [at(20)])))).toBe(0)
    expect(await world.split('readings/p')).toMatchObject({
      status: 'member',
      stopped: 'trimmed: Records were deleted.',
    })
  })

  it('a shard that never had a record hands its parents’ watermark on', async () => {
    const { world, source, ingest, tick } = logged()
    await ingest(fileEvent('readings', 'p', 0, [at(30)]))
    source.splits = [
      { split: 'p', closed: true },
      { split: 'empty', parents: ['p'], closed: true },
      { split: 'c', parents: ['empty'], closed: false },
    ]
    source.waiting.add('c')
    await tick()
    await ingest(fileEvent('readings', 'c', 0, [at(5)]))
    expect(await world.split('readings/empty')).toMatchObject({ status: 'ended', own: 28_000 })
    expect(await world.split('readings/c')).toMatchObject({ own: 28_000 })
    // At the time that the first of them had reached, this record is late, whichever attempt delivers it.
    expect(world.rows.get('late')?.map((row) => row.payload.t)).toEqual([5_000])
  })

  it('a split that its source does not list among others waits until it does: it may have parents', async () => {
    const { world, source, ingest } = logged()
    await ingest(fileEvent('readings', 'p', 0, [at(30)]))
    expect(undoneOf(await ingest(fileEvent('readings', 'c', 0, [at(5)])))).toBe(0)
    expect(world.logs.join()).toContain('delivers records from the split c, but does not list it among its 1 splits')
    expect(await world.split('readings/c')).toBeUndefined()
    source.splits = [
      { split: 'p', closed: true },
      { split: 'c', parents: ['p'], closed: false },
    ]
    await ingest(fileEvent('readings', 'c', 0, [at(5)]))
    expect(await world.split('readings/c')).toMatchObject({ own: 28_000, parents: '["p"]' })
  })

  it('a successor that the reset’s process died before is registered by the next tick', async () => {
    const { world, source, faults, ingest, tick } = logged()
    source.bounded = false
    await ingest(fileEvent('readings', 'p', 0, [at(1)]))
    faults.push(beyondEnd)
    await tick()
    const stopped = (await findSplit(world.store, 'counting.1', STAGE, 'readings/p', 1))!
    const dying = { ...world.store, insert: () => Promise.reject(new Error('killed')) }
    await expect(resetSplit(dying, 'counting.1', STAGE, stopped, world.now + RESET_MS)).rejects.toThrow('killed')
    faults.length = 0
    expect(await world.split('readings/p@1')).toBeUndefined()
    await tick()
    // It holds the watermark back, like any split that has not been read yet.
    expect(await world.split('readings/p@1')).toMatchObject({ status: 'joining', origin: 'p', generation: 1 })
  })
})

describe('invariant 10: what was deleted unread is never passed over', () => {
  it('an accepted loss does not hide that the log was made anew', async () => {
    const { world, faults, ingest, tick } = logged()
    await ingest(fileEvent('readings', 'p', 0, [at(1), at(2)]))
    faults.push(trimmed('p'))
    await tick()
    const stopped = (await findSplit(world.store, 'counting.1', STAGE, 'readings/p', 1))!
    expect(await resetSplit(world.store, 'counting.1', STAGE, stopped, world.now + RESET_MS)).toBe('readings/p')
    await tick()
    expect(await world.split('readings/p')).not.toHaveProperty('stopped')
    faults.splice(0, 1, beyondEnd)
    await tick()
    expect((await world.split('readings/p'))?.stopped).toBe('beyond-end: The log ends at 0.')
  })

  it('where the record before was old, others after it may have been deleted, however new the next one is', async () => {
    const built = pipeline('lagging', { keyGroups: 1, deadLetter: ndjson('dead') }, (p) =>
      p
        .from(kafkaSource('readings', { timestamp: (r: Reading) => r.t, watermark: outOfOrder('2s') }))
        .keyBy((r) => r.k)
        .window(tumbling('10s'))
        .aggregate('w', { n: count() })
        .to(ndjson('out')),
    )
    const { world, faults, ingest } = logged(built, 'readings-0')
    const batch = (offset: number, timestamp: number) =>
      JSON.parse(
        kafkaEvent('"eventSource":"aws:kafka","bootstrapServers":"b:9092"', [
          [
            'readings-0',
            [
              kafkaRecord({
                topic: 'readings',
                partition: 0,
                offset,
                timestamp,
                timestampType: 'LOG_APPEND_TIME',
                key: null,
                value: Buffer.from(JSON.stringify(at(offset))).toString('base64'),
                headers: '[]',
              }),
            ],
          ],
        ]),
      )
    await ingest(batch(7, world.now - LAG_MS - 1))
    faults.push(trimmed('readings-0'))
    // Offsets are consecutive, no split was idle, and this record is recent.
    await expect(ingest(batch(8, world.now))).rejects.toThrow('trimmed: Records were deleted.')
  })

  it('an attempt that finds a log made anew while another stops the split acknowledges nothing', async () => {
    const { world, faults, ingest, tick } = logged()
    await ingest(fileEvent('readings', 'p', 0, [at(1), at(2), at(3)]))
    faults.push(beyondEnd)
    const other = world.container()
    world.before = async (call) => {
      if (!call.startsWith('update s#readings/p')) return
      world.before = () => undefined
      await other.tick()
    }
    // Offsets 0 and 1 are behind the position, and hold records that have never been counted.
    const anew = fileEvent('readings', 'p', 0, [at(7), at(8)])
    await expect(ingest(anew)).rejects.toMatchObject({ code: 'split-stopped' })
    expect(world.metrics.get('StoppedSplits')).toBe(1)
    await tick()
  })

  it('nor does one whose split has moved on meanwhile: the batch comes again', async () => {
    const { world, faults, ingest } = logged()
    await ingest(fileEvent('readings', 'p', 0, [at(1), at(2), at(3)]))
    faults.push(beyondEnd)
    world.before = async (call) => {
      if (!call.startsWith('update s#readings/p')) return
      world.before = () => undefined
      await world.edit('readings/p', { position: '00000000000000000003' })
    }
    expect(undoneOf(await ingest(fileEvent('readings', 'p', 0, [at(7), at(8)])))).toBe(0)
  })
})
