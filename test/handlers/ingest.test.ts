import { describe, expect, it } from 'vitest'
import { ingest } from '../../lib/handlers/index.js'
import { fileSource, ndjson, outOfOrder, pipeline, RetryableError, StopError } from '../../lib/index.js'
import { InvocationMetrics, silentLogger } from '../../lib/observe/index.js'
import { memoryStore } from '../../lib/state/memory/index.js'
import { fileEvent, Harness } from '../runtime/harness.js'
import { at } from '../runtime/pipelines.js'
import { brokers, checkpointOf, kafkaEvent, kinesisEvent, partition, sequence, shard } from './worlds.js'

const throttle =
  (...calls: string[]) =>
  (call: string) => {
    if (calls.some((start) => call.startsWith(start))) throw new RetryableError('throttled', 'The store throttled.')
  }
const three = [at(1), at(2), at(3)]

describe('the answer to a stream', () => {
  it('is empty when all is done', async () => {
    const world = new Harness(brokers())
    expect(await world.container().ingest(kinesisEvent(0, three))).toEqual({ batchItemFailures: [] })
    expect((await world.split(shard))?.position).toBe(`020:${sequence(2)}`)
  })

  it('invariant 11: a failure names the lowest undone record, once', async () => {
    const world = new Harness(brokers())
    world.before = throttle(checkpointOf(shard))
    expect(await world.container().ingest(kinesisEvent(0, three))).toEqual({
      batchItemFailures: [{ itemIdentifier: sequence(0) }],
    })
    world.before = () => undefined
    expect(await world.container().ingest(kinesisEvent(0, three))).toEqual({ batchItemFailures: [] })
    expect(JSON.parse((await world.split(shard))!.counters as string)[0].slice(0, 5)).toEqual([3, 0, 0, 3, 0])
  })

  it('invariant 11: what has its checkpoint is done, and the first after it is named', async () => {
    const world = new Harness(brokers(), { timeoutMs: 1_000 })
    await world.container().ingest(kinesisEvent(0, three))
    world.now += 2_001 // Careful: a checkpoint after 1, 2, 4 records.
    let checkpoints = 0
    world.before = (call) => {
      if (call.startsWith(checkpointOf(shard)) && ++checkpoints === 3)
        throw new RetryableError('throttled', 'Throttled.')
    }
    const answer = await world.container().ingest(kinesisEvent(1, [at(2), at(3), at(4), at(5), at(6), at(7), at(8)]))
    expect(answer).toEqual({ batchItemFailures: [{ itemIdentifier: sequence(6) }] })
  })

  it('a watermark that could not be moved leaves no record undone', async () => {
    const world = new Harness(brokers())
    world.before = throttle('update ! proposed')
    expect(await world.container().ingest(kinesisEvent(0, [at(1), at(60)]))).toEqual({ batchItemFailures: [] })
    expect(world.logs.filter((line) => line.startsWith('error'))).toHaveLength(1)
    world.before = () => undefined
    await world.container().ingest(kinesisEvent(2, [at(80)]))
    expect(world.rows.get('out')!.map((row) => row.value.n)).toEqual([1, 1])
  })

  it('invariant 11: a deadline leaves the rest of the batch undone', async () => {
    const world = new Harness(brokers())
    world.remainingMs = 900
    expect(await world.container().ingest(kinesisEvent(0, three))).toEqual({
      batchItemFailures: [{ itemIdentifier: sequence(0) }],
    })
    expect(world.logs.some((line) => line.startsWith('warn part of a batch is not done'))).toBe(true)
  })
})

describe('invariant 11: the answer to a topic', () => {
  const event = kafkaEvent({ 0: three, 1: three, 2: three })

  it('a stopped partition throws with each batch that holds it, once the others of it are done', async () => {
    const world = new Harness(brokers())
    await world.container().ingest(event)
    world.sources['orders-topic']!.verify = async () => [
      { split: 'orders-topic-0', kind: 'trimmed', detail: 'the log begins at 90.' },
    ]
    world.sources['orders-topic']!.splits = [0, 1, 2].map((n) => ({ split: `orders-topic-${n}`, closed: false }))
    await world.container().tick()
    const four = [...three, at(4)]
    for (let n = 0; n < 2; n++)
      await expect(world.container().ingest(kafkaEvent({ 0: four, 1: four, 2: four }))).rejects.toThrow('has stopped')
    for (const n of [1, 2]) expect((await world.split(partition(n)))?.position).toBe('00000000000000000003')
    expect((await world.split(partition(0)))?.position).toBe('00000000000000000002')
    // A batch that holds only a healthy partition is processed.
    await world.container().ingest(kafkaEvent({ 1: [...four, at(5)] }))
    expect((await world.split(partition(1)))?.position).toBe('00000000000000000004')
  })

  it('by default a failure throws, after the other partitions are done', async () => {
    const world = new Harness(brokers())
    world.before = throttle(checkpointOf(partition(0)))
    await expect(world.container().ingest(event)).rejects.toThrow(
      '1 partition is not done, the first from orders-topic-0 position 00000000000000000000 on. This mapping accepts no partial responses, so the whole batch is retried and finished records are skipped.',
    )
    for (const n of [1, 2]) expect((await world.split(partition(n)))?.position).toBe('00000000000000000002')
    world.before = throttle(checkpointOf(partition(0)), checkpointOf(partition(2)))
    await expect(world.container().ingest(kafkaEvent({ 0: three, 2: [...three, at(4)] }))).rejects.toThrow(
      /^2 partitions are not done, the first from orders-topic-0 position 0{20} on/,
    )
    world.before = () => undefined
    expect(await world.container().ingest(event)).toEqual({ batchItemFailures: [] })
    expect(world.metrics.get('Records')).toBe(9)
    expect(world.metrics.get('Repeats')).toBe(6)
  })

  it('with provisioned pollers the first undone record and all after it are reported', async () => {
    const world = new Harness(brokers(), { kafkaPartialAnswers: true })
    world.before = throttle(checkpointOf(partition(1)))
    expect(await world.container().ingest(event)).toEqual({
      batchItemFailures: [0, 1, 2].map((offset) => ({
        itemIdentifier: { partition: 'orders-topic-1', offset },
      })),
    })
    expect((await world.split(partition(2)))?.position).toBe('00000000000000000002')
  })

  it('a partition that must stop is said loudly, but not before the others are done', async () => {
    for (const kafkaPartialAnswers of [false, true]) {
      const world = new Harness(brokers(), { kafkaPartialAnswers })
      world.before = (call) => {
        if (call.startsWith(checkpointOf(partition(0)))) throw new StopError('damaged', 'The item is damaged.')
        if (call.startsWith(checkpointOf(partition(1)))) throw new RetryableError('throttled', 'Throttled.')
      }
      await expect(world.container().ingest(event)).rejects.toThrow('The item is damaged.')
      expect((await world.split(partition(2)))?.position).toBe('00000000000000000002')
    }
  })
})

describe('an event that does not belong here', () => {
  const refused = async (event: unknown, sentence: string | RegExp): Promise<void> => {
    const world = new Harness(brokers())
    await expect(world.container().ingest(event)).rejects.toThrow(sentence)
    expect(world.calls.filter((call) => call.startsWith('update') || call.startsWith('sink'))).toEqual([])
  }

  it.each([
    [{ foo: 1, bar: 2 }, 'an object with foo, bar'],
    [{}, 'an object with no fields'],
    [null, 'object'],
    ['hello', 'string'],
    [fileEvent('orders', 'p', 0, [at(1)]), 'an object with eventSource, source, records'],
    [{ Records: [{ eventSource: 'aws:sqs', body: '{}' }] }, 'an object with Records'],
  ])('%j', async (event, shape) => {
    await refused(
      event,
      `Pipeline "brokers" expects events from kinesis, kafka, but this one is ${shape}. Check which mapping invokes this function.`,
    )
  })

  it('that two connectors claim: one half of it would be acknowledged and lost', async () => {
    await refused(
      { ...kafkaEvent({ 0: three }), ...kinesisEvent(0, three) },
      'this one is of kinesis and kafka at once',
    )
  })

  it('but an empty list claims nothing beside another source', async () => {
    const world = new Harness(brokers())
    await world.container().ingest({ ...kafkaEvent({ 0: three }), Records: [] })
    expect((await world.split(partition(0)))?.position).toBe('00000000000000000002')
  })

  it('of an unknown stream or topic: says what there is, and the fix', async () => {
    await refused(
      kinesisEvent(0, three, 'orders-v2'),
      `Pipeline "brokers" has no kinesis source "orders-v2"; it has orders. Use that name for the source, or bind origins: { 'orders-v2': '...' }.`,
    )
    await refused(
      kafkaEvent({ 0: three }, 'orders'),
      `Pipeline "brokers" has no kafka source "orders"; it has orders-topic. Use that name for the source, or bind origins: { 'orders': '...' }.`,
    )
  })

  it('with something missing: says what', async () => {
    const event: any = kinesisEvent(0, three)
    delete event.Records[1].kinesis.sequenceNumber
    await refused(event, /^A Kinesis event needs Records\[1\]\.kinesis\.sequenceNumber to be .*; it is missing\.$/)
  })

  it('of two streams that are bound to one source, whose shards have one name', async () => {
    const [a, b] = [kinesisEvent(5, three), kinesisEvent(0, three, 'legacy')]
    const world = new Harness(brokers(), { origins: { legacy: 'orders' } })
    await expect(world.container().ingest({ Records: [...a.Records, ...b.Records] })).rejects.toThrow(
      'A Kinesis event needs the records of a shard to come from one stream; those of shardId-000000000006 of the source "orders" come from two.',
    )
    expect(world.calls.filter((call) => call.startsWith('update'))).toEqual([])
  })

  it('names that every object has are names like any other', async () => {
    const made = pipeline('odd', { deadLetter: ndjson('dead') }, (p) =>
      p
        .from(fileSource('constructor', { timestamp: (r: any) => r.t, watermark: outOfOrder('1s') }))
        .to(ndjson('valueOf')),
    )
    const store = memoryStore()
    const rows: unknown[] = []
    const handler = ingest(made, {
      state: store,
      origins: {},
      inspectors: {},
      resources: {},
      logger: silentLogger,
      metrics: new InvocationMetrics(),
      sink: () =>
        Promise.resolve({
          write: async (batches) => void rows.push(...batches.flatMap((batch) => batch.rows)),
          close: async () => undefined,
        }),
    })
    expect(await handler(fileEvent('constructor', 'p', 0, [at(1)]))).toEqual({ batchItemFailures: [] })
    expect(rows).toHaveLength(1)
  })

  it('origins bind what an event says to a source of another name', async () => {
    const world = new Harness(brokers(), { origins: { 'orders-v2-8FHA3': 'orders', legacy: 'orders-topic' } })
    await world.container().ingest(kinesisEvent(0, three, 'orders-v2-8FHA3'))
    await world.container().ingest(kafkaEvent({ 4: three }, 'legacy'))
    expect((await world.split(shard))?.position).toBe(`020:${sequence(2)}`)
    expect((await world.split('orders-topic/legacy-4'))?.position).toBe('00000000000000000002')
    const wrong = new Harness(brokers(), { origins: { x: 'nothing' } })
    await expect(wrong.container().ingest(kinesisEvent(0, three, 'x'))).rejects.toThrow(
      'origins names the source "nothing", but pipeline "brokers" has orders, orders-topic.',
    )
    // A stream and a topic with the same name are distinguished.
    const both = new Harness(brokers(), { origins: { 'kinesis:x': 'orders', 'kafka:x': 'orders-topic' } })
    await both.container().ingest(kinesisEvent(0, three, 'x'))
    expect((await both.split('orders/shardId-000000000006'))?.status).toBe('member')
  })
})

describe('what a handler needs', () => {
  it('a state store, by a sentence', async () => {
    const sentence =
      'The handler of "brokers" needs a state store: pass { state } as its second argument, such as ingest(pipeline, { state: memoryStore }).'
    await expect(ingest(brokers())(kinesisEvent(0, three))).rejects.toThrow(sentence)
    await expect(ingest(brokers(), {} as never)(kinesisEvent(0, three))).rejects.toThrow(sentence)
  })

  it('what could not be opened is tried again by the next invocation', async () => {
    let tries = 0
    const flaky = <T>(open: () => T): T => {
      if (++tries % 2 === 1) throw new Error('not now')
      return open()
    }
    const source = fileSource('readings', { timestamp: (r: any) => r.t, watermark: outOfOrder('1s') })
    const nodes = { ...source, open: () => flaky(source.open) }
    const made = pipeline('flaky', { deadLetter: ndjson('dead') }, (p) => p.from(nodes).to(ndjson('out')))
    const store = memoryStore()
    const handler = ingest(made, {
      state: async () => flaky(() => store),
      logger: silentLogger,
      metrics: new InvocationMetrics(),
      sink: () => Promise.resolve({ write: async () => undefined, close: async () => undefined }),
    })
    const event = fileEvent('readings', 'p', 0, [at(1)])
    await expect(handler(event)).rejects.toThrow('not now') // The store.
    await expect(handler(event)).rejects.toThrow('not now') // The decoder.
    expect(await handler(event)).toEqual({ batchItemFailures: [] })
    expect(tries).toBe(4)
  })

  it('the graph that wrote the state: a change is refused with its name and the remedy', async () => {
    const world = new Harness(brokers())
    await world.container().ingest(kinesisEvent(0, three))
    const changed = new Harness(brokers('5s'), { state: world.store })
    await expect(changed.container().ingest(kinesisEvent(3, three))).rejects.toThrow(
      /^The state of run 1 of "brokers" belongs to another graph: operator "\w+": window was tumbling\(10s\) and is tumbling\(5s\)\. Deploy the graph that wrote it, or open a new run \(locally: --fresh\)\.$/,
    )
    await expect(changed.container().tick()).rejects.toThrow('belongs to another graph')
    expect((await world.split(shard))?.position).toBe(`020:${sequence(2)}`)
    // A new run has a new namespace.
    const second = new Harness(brokers('5s'), { state: world.store, run: 2 })
    expect(await second.container().ingest(kinesisEvent(0, three))).toEqual({ batchItemFailures: [] })
  })
})
