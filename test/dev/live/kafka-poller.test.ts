import { setTimeout as sleep } from 'node:timers/promises'
import kafkajs from 'kafkajs'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type KafkaPollerOptions, pollKafka } from '../../../lib/dev/live/kafka-poller.js'
import { ConfigError, kafkaSource } from '../../../lib/index.js'
import { silentLogger } from '../../../lib/observe/index.js'
import { kafkaInspector } from '../../../lib/sources/kafka/inspector.js'
import { describeLive } from '../../services/local.js'
import { at, KafkaTools, type Message, numbered } from '../../sources/live/kafka-tools.js'
import { type Click, clicks, clicksOf, expected, LiveWorld, theEnd } from './world.js'

const records = (event: any): any[] => Object.values<any[]>(event.records).flat()
const text = (record: any): string => Buffer.from(record.value, 'base64').toString()
const texts = (event: any): string[] => records(event).map(text)
const numbers = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, i) => String(from + i))
const undone = (...offsets: [string, number][]) => ({
  batchItemFailures: offsets.map(([partition, offset]) => ({ itemIdentifier: { partition, offset } })),
})

describeLive('a poller of a real Kafka topic', ['kafka'], (services) => {
  let tools: KafkaTools
  let connection: { readonly brokers: readonly string[] }
  const stops: (() => Promise<void>)[] = []

  beforeAll(async () => {
    connection = { brokers: [services.endpoint('kafka')] }
    tools = new KafkaTools(connection)
    await tools.admin.connect()
  })
  afterEach(async () => {
    for (const stop of stops.splice(0)) await stop()
  })
  afterAll(() => tools?.close())

  /** Polls until the test is over, or until it stops it. */
  const poll = (topic: string, invoke: (event: any) => unknown, more: Partial<KafkaPollerOptions> = {}) => {
    const stopping = new AbortController()
    const polling = pollKafka({
      topic,
      connection,
      group: `group of ${topic}`,
      invoke: async (_, event) => invoke(event),
      positionOf: async () => undefined,
      batch: 100,
      batchingWindowMs: 50,
      logger: silentLogger,
      ...more,
      signal: stopping.signal,
    })
    polling.catch(() => undefined)
    const stop = async (): Promise<void> => {
      stopping.abort()
      await polling
    }
    stops.push(() => stop().catch(() => undefined))
    return { stop, polling }
  }
  const committed = async (topic: string): Promise<Record<number, number>> => {
    const [found] = await tools.admin.fetchOffsets({ groupId: `group of ${topic}`, topics: [topic] })
    return Object.fromEntries(found!.partitions.map(({ partition, offset }) => [partition, Number(offset)]))
  }

  it('delivers several partitions in one event of Lambda’s form, and commits what was taken', async () => {
    await tools.create('forms', 2)
    const headers = { plain: 'text', twice: ['a', 'b'], bytes: Buffer.from([0, 127, 128, 255]) }
    await tools.send('forms', [
      { key: 'ü', value: 'one', partition: 0, timestamp: '1600000000000', headers },
      { key: null, value: null, partition: 0, timestamp: '1600000000001' },
      { key: 'k', value: 'two', partition: 1, timestamp: '1600000000002' },
    ])
    const events: any[] = []
    let delivered = 0
    const poller = poll('forms', (event) => void events.push(event), { onDelivered: (count) => (delivered += count) })
    await expect.poll(() => delivered).toBe(3)
    const all = Object.assign({}, ...events.map((event) => event.records))
    expect(events[0]).toMatchObject({ eventSource: 'SelfManagedKafka', bootstrapServers: services.endpoint('kafka') })
    const base64 = (value: string): string => Buffer.from(value).toString('base64')
    const common = { topic: 'forms', timestampType: 'CREATE_TIME' }
    expect(all).toEqual({
      'forms-0': [
        {
          ...common,
          partition: 0,
          offset: 0,
          timestamp: 1_600_000_000_000,
          key: base64('ü'),
          value: base64('one'),
          headers: [{ plain: [116, 101, 120, 116] }, { twice: [97] }, { twice: [98] }, { bytes: [0, 127, -128, -1] }],
        },
        { ...common, partition: 0, offset: 1, timestamp: 1_600_000_000_001, headers: [] },
      ],
      'forms-1': [
        {
          ...common,
          partition: 1,
          offset: 0,
          timestamp: 1_600_000_000_002,
          key: base64('k'),
          value: base64('two'),
          headers: [],
        },
      ],
    })
    await poller.stop()
    expect(await committed('forms')).toEqual({ 0: 2, 1: 1 })
  })

  it('reads committed records only, packed or not, whatever transactions overlap and wherever a fetch begins', async () => {
    await tools.create('transactions')
    await tools.send('transactions', numbered(3), kafkajs.CompressionTypes.GZIP)
    const first = await tools.begin('transactions', 'live-a', numbered(4, 100))
    const second = await tools.begin('transactions', 'live-b', numbered(4, 200))
    // Two transactions were begun before this, and both will be taken back.
    await tools.commit('transactions', 'live-c', numbered(3, 3))
    await second.abort()
    await tools.send('transactions', numbered(1, 6))
    await first.abort()
    // A producer that took one back commits the next.
    await tools.commit('transactions', 'live-b', numbered(2, 7))
    const seen: string[] = []
    // It begins among the records of the second transaction.
    poll('transactions', (event) => void seen.push(...texts(event)), { positionOf: async () => at(8), batch: 2 })
    await expect.poll(() => seen).toEqual(numbers(3, 9))
    const all: string[] = []
    poll('transactions', (event) => void all.push(...texts(event)), { group: 'another' })
    await expect.poll(() => all).toEqual(numbers(0, 9))
  })

  it('invariant 11: an error brings the batch again, and a partial answer moves each partition by itself', async () => {
    await tools.create('answers', 2)
    await tools.send('answers', [...numbered(4, 0, 0), ...numbered(4, 10, 1)])
    const events: Record<string, string>[] = []
    const poller = poll('answers', (event) => {
      const seen = Object.fromEntries(
        Object.entries<any[]>(event.records).map(([split, group]) => [split, group.map(text).join()]),
      )
      // The first fetch may have seen one partition only.
      if (events.length === 0 && Object.keys(seen).length < 2) return undone([Object.keys(seen)[0]!, 0])
      events.push(seen)
      if (events.length === 1) throw new Error('the sink is down')
      if (events.length === 2) return undone(['answers-0', 3], ['answers-0', 1], ['answers-1', 2])
      return events.length === 3 ? undone(['answers-0', 77]) : ''
    })
    const whole = { 'answers-0': '0,1,2,3', 'answers-1': '10,11,12,13' }
    const rest = { 'answers-0': '1,2,3', 'answers-1': '12,13' }
    await expect.poll(() => events).toEqual([whole, whole, rest, rest])
    await poller.stop()
    expect(await committed('answers')).toEqual({ 0: 4, 1: 4 })
  })

  describe('begins', () => {
    it('at what the group has committed where the handler is not behind, and where the handler is if it is', async () => {
      await tools.create('begins', 4)
      await tools.send(
        'begins',
        [0, 1, 2, 3].flatMap((partition) => numbered(10, partition * 10, partition)),
      )
      await tools.setOffsets('group of begins', 'begins', { 0: 4, 1: 9, 3: 8 })
      await expect.poll(() => committed('begins')).toEqual({ 0: 4, 1: 9, 2: -1, 3: 8 })
      // 0: the group is behind. 1: it is ahead. 2: it knows nothing. 3: the handler knows nothing, so nothing was
      // counted.
      const positions: Record<string, string> = { 'begins-0': at(6), 'begins-1': at(2), 'begins-2': at(7) }
      const seen: string[] = []
      poll('begins', (event) => void seen.push(...texts(event)), { positionOf: async (split) => positions[split] })
      const wanted = [...numbers(4, 10), ...numbers(13, 20), ...numbers(28, 30), ...numbers(30, 40)]
      await expect.poll(() => [...seen].sort()).toEqual([...wanted].sort())
    })

    it('where the log does, if that is later', async () => {
      await tools.create('cut')
      await tools.send('cut', numbered(10))
      await tools.trim('cut', 0, 6)
      const seen: string[] = []
      const logs: string[] = []
      const logger = { ...silentLogger, error: (message: string) => void logs.push(message) }
      poll('cut', (event) => void seen.push(...texts(event)), { positionOf: async () => at(2), logger })
      await expect.poll(() => seen).toEqual(numbers(6, 10))
      expect(logs).toEqual(['records after a position were deleted unread'])
    })

    it('not at all in a topic that was made anew, until the position is reset', async () => {
      await tools.create('renewed', 2)
      await tools.send('renewed', [...numbered(3), ...numbered(3, 10, 1)])
      const positions: Record<string, string> = { 'renewed-0': at(50) }
      const seen: string[] = []
      const logs: string[] = []
      const logger = { ...silentLogger, error: (message: string) => void logs.push(message) }
      poll('renewed', (event) => void seen.push(...texts(event)), {
        positionOf: async (split) => positions[split],
        logger,
      })
      await expect.poll(() => seen).toEqual(numbers(10, 13))
      expect(logs).toEqual([
        'a log ends before the position because its topic was recreated: the partition waits for an operator',
      ])
      positions['renewed-0'] = '0'
      positions['renewed-1'] = at(2)
      await expect.poll(() => seen).toEqual([...numbers(10, 13), ...numbers(0, 3)])
    })
  })

  it('two of one group share the partitions, one that leaves gives them back at once, and new ones are found', async () => {
    await tools.create('shared', 4)
    const seen: Record<string, Set<number>> = { one: new Set(), two: new Set() }
    const values: string[] = []
    const take = (name: string) => (event: any) => {
      for (const record of records(event)) {
        seen[name]!.add(record.partition)
        values.push(text(record))
      }
    }
    const one = poll('shared', take('one'))
    const round = (from: number, partitions = 4) =>
      tools.send(
        'shared',
        Array.from({ length: partitions }, (_, partition) => numbered(1, from + partition, partition)[0]!),
      )
    await round(0)
    await expect.poll(() => values.length).toBe(4)
    expect(seen.one!.size).toBe(4)
    poll('shared', take('two'))
    let from = 4
    await expect
      .poll(async () => {
        for (const partitions of Object.values(seen)) partitions.clear()
        await round(from)
        from += 4
        await sleep(400)
        return [seen.one!.size, seen.two!.size]
      })
      .toEqual([2, 2])
    await one.stop()
    await tools.admin.createPartitions({ topicPartitions: [{ topic: 'shared', count: 5 }] })
    await expect
      .poll(async () => {
        seen.two!.clear()
        await round(from, 5)
        from += 5
        await sleep(400)
        return seen.two!.size
      })
      .toBe(5)
    await expect.poll(() => new Set(values).size).toBe(from)
  })

  it('stops in order: the batch in flight is finished and committed, none follows, and it is over soon', async () => {
    await tools.create('stops')
    await tools.send('stops', numbered(20))
    let begun = 0
    let ended = 0
    const poller = poll(
      'stops',
      async () => {
        begun++
        await sleep(300)
        ended++
      },
      { batch: 5 },
    )
    await expect.poll(() => begun).toBe(1)
    await poller.stop()
    // Soon: it has left its group, which does not wait for it to be missed.
    const { groups } = await tools.admin.describeGroups(['group of stops'])
    expect(groups.map(({ state, members }) => [state, members.length])).toEqual([['Empty', 0]])
    expect([begun, ended]).toEqual([1, 1])
    expect(await committed('stops')).toEqual({ 0: 5 })
  })

  it('what cannot be polled is one sentence', async () => {
    await expect(poll('no-such-topic', () => undefined).polling).rejects.toThrow(ConfigError)
    await expect(poll('no-such-topic', () => undefined).polling).rejects.toThrow(
      'The Kafka topic "no-such-topic" does not exist',
    )
    await tools.create('snappy', 1, { 'compression.type': 'snappy' })
    await tools.send('snappy', numbered(3))
    await expect(poll('snappy', () => undefined).polling).rejects.toThrow(
      'The topic holds records compressed with snappy, which cannot be read here. Install a codec and register it with kafkajs (CompressionCodecs).',
    )
  })

  it('with a pipeline behind it, counts every record exactly once while a broker restarts and two processes share the work', async () => {
    await tools.create('clicks', 3)
    const inspector = kafkaInspector({ topic: 'clicks', connection })
    const world = new LiveWorld(clicksOf(kafkaSource, 'clicks'), inspector)
    const { logger, positionOf } = world
    const [first, second] = [world.environment(), world.environment()]
    const invokedBy: Record<string, number> = {}
    const invoke = (name: string, environment: typeof first) => (event: unknown) => {
      invokedBy[name] = (invokedBy[name] ?? 0) + 1
      return environment.invoke('ingest', event)
    }
    const all = clicks(3_000)
    const messages = (some: readonly Click[]): Message[] =>
      some.map((click) => ({ key: click.k, value: JSON.stringify(click), partition: click.v % 3 }))
    const put = (from: number, to: number) => tools.send('clicks', messages(all.slice(from, to)))

    const one = poll('clicks', invoke('one', first), { logger, positionOf, batch: 60 })
    await put(0, 800)
    await tools.abort('clicks', 'tx-1', messages(clicks(20, 9_000)))
    poll('clicks', invoke('two', second), { logger, positionOf, batch: 60 })
    await put(800, 1_400)
    await tools.commit('clicks', 'tx-2', messages(all.slice(1_400, 1_410)))
    // A broker that is killed between a commit and its marker may keep the transaction open for long.
    await expect.poll(() => world.counted()).toBe(1_410)
    await services.stop('kafka')
    await sleep(500)
    await services.start('kafka')
    for (let from = 1_410; from < 2_600; from += 119) {
      await put(from, Math.min(2_600, from + 119))
      await sleep(50)
    }
    await expect.poll(() => invokedBy.two ?? 0).toBeGreaterThan(0)
    await one.stop()
    await tools.abort('clicks', 'tx-3', messages(clicks(20, 9_000)))
    await put(2_600, 3_000)
    await expect.poll(() => world.counted()).toBe(3_000)
    await tools.send(
      'clicks',
      [0, 1, 2].map((partition) => ({ value: JSON.stringify(theEnd), partition })),
    )
    const results = expected(all)
    await expect.poll(() => Object.keys(world.results()).length).toBe(Object.keys(results).length)
    expect(world.results()).toEqual(results)
    expect(invokedBy.one).toBeGreaterThan(0)
    await world.close()
    await inspector.close()
  })
})
