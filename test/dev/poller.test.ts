import { afterEach, describe, expect, it, vi } from 'vitest'
import { pollStream, pollTopic } from '../../lib/dev/poller/poller.js'
import { RetryableError, StopError } from '../../lib/index.js'
import { inputOf, numbered, polling, Scripted } from './inputs.js'

afterEach(() => {
  vi.useRealTimers()
})

const offsets = (event: any): number[] => event.records.map((record: any) => record.offset)
const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i)
const undone = (...itemIdentifiers: unknown[]) => ({
  batchItemFailures: itemIdentifiers.map((itemIdentifier) => ({ itemIdentifier })),
})

describe('a stream mapping', () => {
  it('delivers a split in order, in batches, to its end', async () => {
    const input = inputOf('file', [numbered(25)])
    const batches: number[][] = []
    const options = polling(input, 10, (event) => void batches.push(offsets(event)))
    await pollStream(options, input.logs[0]!)
    expect(batches.map((batch) => batch.length)).toEqual([10, 10, 5])
    expect(batches.flat()).toEqual(upTo(25))
    expect(options.delivered).toBe(25)
    expect(input.logs[0]!.kept).toBe(0)
  })

  it('an error brings the batch again in halves, until the record that fails is alone', async () => {
    const input = inputOf('file', [numbered(16)])
    const sizes: number[] = []
    let alone = 0
    const options = polling(input, 16, (event) => {
      const batch = offsets(event)
      sizes.push(batch.length)
      if (!batch.includes(5)) return
      if (batch.length > 1) throw new RetryableError('x', 'cut it')
      if (++alone < 3) throw new TypeError('not yet')
    })
    await pollStream(options, input.logs[0]!)
    // What passes by itself makes the next batch a whole one again.
    expect(sizes).toEqual([16, 8, 4, 12, 6, 3, 2, 1, 11, 6, 3, 2, 1, 1, 1, 10])
    expect(options.delivered).toBe(16)
  })

  it('a partial answer goes on at the lowest record reported', async () => {
    const input = inputOf('file', [numbered(9)])
    const batches: number[][] = []
    const options = polling(input, 6, (event) => {
      batches.push(offsets(event))
      return batches.length === 1 ? undone({ split: 'part-0', offset: 4 }, { split: 'part-0', offset: 2 }) : {}
    })
    await pollStream(options, input.logs[0]!)
    expect(batches).toEqual([upTo(6), [2, 3, 4, 5, 6, 7], [8]])
    expect(options.delivered).toBe(9)
  })

  it('an answer of a wrong shape is a failure of the batch', async () => {
    const input = inputOf('file', [numbered(4)])
    const sizes: number[] = []
    const options = polling(input, 4, (event) => {
      sizes.push(offsets(event).length)
      return sizes.length === 1 ? undone({ split: 'part-0', offset: 99 }) : null
    })
    await pollStream(options, input.logs[0]!)
    expect(sizes).toEqual([4, 2, 2])
  })

  it('may cut otherwise, bring delivered records again, and deliver a batch twice', async () => {
    const input = inputOf('file', [numbered(12)])
    const faults = new Scripted()
    faults.cuts = [3]
    faults.overlaps = [0, 2]
    faults.redeliveries = [true, false]
    const batches: number[][] = []
    const options = polling(input, 5, (event) => void batches.push(offsets(event)), faults)
    await pollStream(options, input.logs[0]!)
    expect(batches).toEqual([upTo(3), upTo(3), [1, 2, 3, 4, 5, 6, 7], [8, 9, 10, 11]])
    expect(options.delivered).toBe(12)
  })

  it('invariant 11: gives up with a sentence when it is stuck', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout'] })
    const input = inputOf('file', [numbered(4)])
    let deliveries = 0
    const failing = polling(input, 4, () => {
      deliveries++
      throw new Error('the sink is down')
    })
    const stuck = expect(pollStream(failing, input.logs[0]!)).rejects.toThrow(
      'part-0 made no progress in 50 deliveries; the last error was: the sink is down',
    )
    await vi.advanceTimersByTimeAsync(120_000)
    await stuck
    expect(deliveries).toBe(51)
    // What came from a file is named by its line.
    input.placeOf = async (split, index) => ({ file: `${split}.ndjson`, line: index + 1 })
    const idle = polling(input, 4, () => undone({ split: 'part-0', offset: 0 }))
    const waiting = expect(pollStream(idle, input.logs[0]!)).rejects.toThrow(
      'part-0 made no progress in 50 deliveries, starting at part-0.ndjson:1; the last error was: no record was accepted',
    )
    await vi.advanceTimersByTimeAsync(120_000)
    await waiting
  })

  it('what no redelivery mends ends it at once', async () => {
    const input = inputOf('file', [numbered(4)])
    let deliveries = 0
    const options = polling(input, 4, () => {
      deliveries++
      throw new StopError('graph-changed', 'The graph changed.')
    })
    await expect(pollStream(options, input.logs[0]!)).rejects.toThrow('The graph changed.')
    expect(deliveries).toBe(1)
  })

  it('stops between two batches when it is asked to, though lines wait', async () => {
    const input = inputOf('file', [numbered(20)])
    const options = polling(input, 5, () => {
      if (options.delivered === 5) input.stop()
    })
    await pollStream(options, input.logs[0]!)
    expect(options.delivered).toBe(10)
    // A split that is not read to its end has not ended.
    expect(await input.peek('part-0', input.numbering.position(9))).toBe('waiting')
  })
})

describe('a Kafka mapping', () => {
  const partitions = (event: any): Record<string, number[]> =>
    Object.fromEntries(
      Object.entries<any[]>(event.records).map(([name, records]) => [name, records.map((record) => record.offset)]),
    )

  it('delivers all partitions of a topic, several in one event', async () => {
    const input = inputOf('kafka', [numbered(7, 0), numbered(2, 1), numbered(0, 2)])
    const events: Record<string, number[]>[] = []
    const options = polling(input, 6, (event) => void events.push(partitions(event)))
    await pollTopic(options)
    expect(events).toEqual([{ 'clicks-0': [0, 1, 2], 'clicks-1': [0, 1] }, { 'clicks-0': [3, 4, 5, 6] }])
    expect(options.delivered).toBe(9)
  })

  it('invariant 11: an error brings all of the batch again', async () => {
    const input = inputOf('kafka', [numbered(3, 0), numbered(3, 1)])
    const events: unknown[] = []
    const options = polling(input, 6, (event) => {
      events.push(partitions(event))
      if (events.length < 3) throw new RetryableError('batch-undone', '1 partition is not done')
    })
    await pollTopic(options)
    expect(events).toEqual(Array(3).fill({ 'clicks-0': [0, 1, 2], 'clicks-1': [0, 1, 2] }))
    expect(options.delivered).toBe(6)
  })

  it('a partial answer moves each partition by itself', async () => {
    const input = inputOf('kafka', [numbered(4, 0), numbered(4, 1)])
    const events: Record<string, number[]>[] = []
    const options = polling(input, 8, (event) => {
      events.push(partitions(event))
      return events.length === 1
        ? undone({ partition: 'clicks-1', offset: 1 }, { partition: 'clicks-1', offset: 2 })
        : ''
    })
    await pollTopic(options)
    expect(events).toEqual([{ 'clicks-0': upTo(4), 'clicks-1': upTo(4) }, { 'clicks-1': [1, 2, 3] }])
    expect(options.delivered).toBe(8)
  })

  it('invariant 11: gives up with a sentence when no partition moves, by error or by answer', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout'] })
    const input = inputOf('kafka', [numbered(2)])
    const failing = polling(input, 4, () => {
      throw new RetryableError('throttled', 'The store throttled a request.')
    })
    const stuck = expect(pollTopic(failing)).rejects.toThrow(
      'clicks made no progress in 50 deliveries; the last error was: The store throttled a request.',
    )
    await vi.advanceTimersByTimeAsync(120_000)
    await stuck
    let deliveries = 0
    const idle = polling(input, 4, () => {
      if (++deliveries > 200) throw new StopError('endless', 'This never ends.')
      return undone({ partition: 'clicks-0', offset: 0 })
    })
    const waiting = expect(pollTopic(idle)).rejects.toThrow(
      'clicks made no progress in 50 deliveries; the last error was: no record was accepted',
    )
    await vi.advanceTimersByTimeAsync(120_000)
    await waiting
  })
})
