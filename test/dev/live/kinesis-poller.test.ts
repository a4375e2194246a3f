import { setTimeout as sleep } from 'node:timers/promises'
import { PutRecordCommand } from '@aws-sdk/client-kinesis'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type KinesisPollerOptions, pollKinesis } from '../../../lib/dev/live/kinesis-poller.js'
import { ConfigError, kinesisSource } from '../../../lib/index.js'
import { silentLogger } from '../../../lib/observe/index.js'
import { kinesisInspector } from '../../../lib/sources/kinesis/inspector.js'
import { describeLive } from '../../services/local.js'
import { startKinesisLocal } from '../../sources/live/kinesis-local.js'
import { KinesisTools, positionAt, shardId } from '../../sources/live/kinesis-tools.js'
import { type Click, clicks, clicksOf, expected, LiveWorld, theEnd } from './world.js'

const data = (record: any): string => Buffer.from(record.kinesis.data, 'base64').toString()
const texts = (event: any): string[] => event.Records.map(data)
const undone = (...sequences: string[]) => ({
  batchItemFailures: sequences.map((itemIdentifier) => ({ itemIdentifier })),
})

describeLive('a poller of a real Kinesis stream', ['kinesis'], (services) => {
  let tools: KinesisTools
  const stops: (() => Promise<void>)[] = []

  beforeAll(() => {
    tools = new KinesisTools(services.endpoint('kinesis'))
  })
  afterEach(async () => {
    for (const stop of stops.splice(0)) await stop()
  })

  /** Polls until the test is over, or until it stops it. */
  const poll = (stream: string, invoke: (event: any) => unknown, more: Partial<KinesisPollerOptions> = {}) => {
    const stopping = new AbortController()
    const polling = pollKinesis({
      stream,
      endpoint: services.endpoint('kinesis'),
      region: 'eu-west-1',
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

  describe('with a pipeline behind it', () => {
    it('counts every record exactly once while shards split and merge, and two processes poll all of them', async () => {
      await tools.create('clicks', 2)
      const inspector = kinesisInspector({
        stream: 'clicks',
        endpoint: services.endpoint('kinesis'),
        region: 'eu-west-1',
      })
      const world = new LiveWorld(clicksOf(kinesisSource, 'clicks'), inspector)
      const { logger, positionOf } = world
      const [first, second] = [world.environment(), world.environment()]
      const invokedBy: Record<string, number> = {}
      const invoke = (name: string, environment: typeof first) => (event: unknown) => {
        invokedBy[name] = (invokedBy[name] ?? 0) + 1
        return environment.invoke('ingest', event)
      }
      const one = poll('clicks', invoke('one', first), { logger, positionOf })
      const all = clicks(3_000)
      const put = (some: readonly Click[]) =>
        tools.putAll(
          'clicks',
          some.map((click) => JSON.stringify(click)),
          (line) => JSON.parse(line).k,
        )
      await put(all.slice(0, 500))
      const flow = (async () => {
        for (let from = 500; from < 2_500; from += 100) {
          await put(all.slice(from, from + 100))
          await sleep(30)
        }
      })()
      await tools.split('clicks', shardId(0))
      const two = poll('clicks', invoke('two', second), { logger, positionOf })
      await tools.merge('clicks', shardId(3), shardId(1))
      await tools.split('clicks', shardId(4))
      await flow
      await put(all.slice(2_500))
      // One poller dies; the other has all.
      await expect.poll(() => world.counted()).toBe(3_000)
      await one.stop()
      await endAll('clicks', tools)
      const results = { ...expected(all) }
      await expect.poll(() => Object.keys(world.results()).length).toBe(Object.keys(results).length)
      expect(world.results()).toEqual(results)
      await two.stop()
      const [stage] = (await world.status()).stages
      const ended = stage!.splits.filter(({ status }) => status === 'ended').map(({ split }) => split)
      expect(ended.sort()).toEqual([0, 1, 3, 4].map((index) => `clicks/${shardId(index)}`))
      expect(stage!.splits.length).toBe(7)
      expect(invokedBy.one).toBeGreaterThan(0)
      expect(invokedBy.two).toBeGreaterThan(0)
      await world.close()
    })

    it('started again it goes on after the checkpoint', async () => {
      await tools.create('again', 1)
      const inspector = kinesisInspector({
        stream: 'again',
        endpoint: services.endpoint('kinesis'),
        region: 'eu-west-1',
      })
      const world = new LiveWorld(clicksOf(kinesisSource, 'again'), inspector)
      const { logger, positionOf } = world
      const environment = world.environment()
      const all = clicks(40)
      await tools.putAll(
        'again',
        all.slice(0, 30).map((click) => JSON.stringify(click)),
      )
      const one = poll('again', (event) => environment.invoke('ingest', event), { logger, positionOf, batch: 10 })
      await expect.poll(() => world.counted()).toBe(30)
      await one.stop()
      await tools.putAll(
        'again',
        all.slice(30).map((click) => JSON.stringify(click)),
      )
      const seen: string[] = []
      const spy = (event: any) => {
        seen.push(...texts(event))
        return environment.invoke('ingest', event)
      }
      const two = poll('again', spy, { logger, positionOf })
      await expect.poll(() => world.counted()).toBe(40)
      await two.stop()
      expect(seen.map((line) => JSON.parse(line))).toEqual(all.slice(30))
      await world.close()
    })
  })

  it('delivers a shard in order, in batches of Lambda’s form, each after the last was taken', async () => {
    await tools.create('order')
    const lines = Array.from({ length: 25 }, (_, i) => `line ${i}`)
    const putFrom = Date.now()
    for (const line of lines) await tools.put('order', line, 'key "ü"')
    const putTo = Date.now()
    const batches: string[][] = []
    let running = 0
    let event: any
    let delivered = 0
    poll(
      'order',
      async (next) => {
        expect(++running).toBe(1)
        await sleep(5)
        running--
        event ??= next
        batches.push(texts(next))
      },
      { batch: 10, onDelivered: (records) => (delivered += records) },
    )
    await expect.poll(() => batches.flat().length).toBe(25)
    expect(batches.map((batch) => batch.length)).toEqual([10, 10, 5])
    expect(batches.flat()).toEqual(lines)
    expect(delivered).toBe(25)
    const [record] = event.Records
    expect(record).toMatchObject({
      eventSource: 'aws:kinesis',
      eventID: `${shardId(0)}:${record.kinesis.sequenceNumber}`,
      eventSourceARN: expect.stringMatching(/^arn:aws:kinesis:[a-z0-9-]+:\d+:stream\/order$/),
      awsRegion: expect.stringMatching(/^[a-z]+-[a-z]+-\d$/),
      kinesis: { partitionKey: 'key "ü"', kinesisSchemaVersion: '1.0' },
    })
    const arrivalMs = record.kinesis.approximateArrivalTimestamp * 1000
    // Some services round to seconds.
    expect(arrivalMs).toBeGreaterThan(putFrom - 1_000)
    expect(arrivalMs).toBeLessThan(putTo + 1_000)
  })

  it('a partial answer goes on at the lowest number; an error or a wrong answer brings halves, for ever', async () => {
    await tools.create('answers')
    const sequences: string[] = []
    for (let i = 0; i < 8; i++) sequences.push((await tools.put('answers', String(i), 'k')).sequence)
    const batches: string[][] = []
    poll('answers', (event) => {
      batches.push(texts(event))
      if (batches.length === 1) return undone(sequences[6]!, sequences[3]!, sequences[5]!)
      if (batches.length === 2) throw new Error('the sink is down')
      if (batches.length === 3) return undone('49590338271490256608559692538361571095921575989136588898')
      if (batches.length === 4) throw new Error('the sink is down')
      return ''
    })
    const came = () => batches.map((batch) => batch.join(''))
    await expect.poll(came).toEqual(['01234567', '34567', '345', '34', '3', '4567'])
  })

  it('invariant 6: children begin when their parents are read to their ends and taken', async () => {
    await tools.create('family')
    for (let i = 0; i < 6; i++) await tools.put('family', `parent ${i}`)
    await tools.split('family', shardId(0))
    for (let i = 0; i < 6; i++) await tools.put('family', `child ${i}`)
    const seen: string[] = []
    let failures = 3
    poll(
      'family',
      async (event) => {
        await sleep(20)
        if (texts(event).some((text) => text.startsWith('parent')) && failures-- > 0) throw new Error('not yet')
        seen.push(...texts(event))
      },
      { batch: 2 },
    )
    await expect.poll(() => seen.length).toBe(12)
    expect(seen.slice(0, 6)).toEqual([0, 1, 2, 3, 4, 5].map((i) => `parent ${i}`))
    expect(seen.slice(6).sort()).toEqual([0, 1, 2, 3, 4, 5].map((i) => `child ${i}`))
  })

  it('stops in order: the batch in flight is finished, none follows, and it is over soon', async () => {
    await tools.create('stops')
    for (let i = 0; i < 20; i++) await tools.put('stops', String(i), 'k')
    const { client } = new KinesisTools(services.endpoint('kinesis'))
    let reads = 0
    client.middlewareStack.add(
      (next, context) => (args) => {
        if (context.commandName === 'GetRecordsCommand') reads++
        return next(args)
      },
      { step: 'initialize' },
    )
    let begun = 0
    let ended = 0
    const poller = poll(
      'stops',
      async () => {
        begun++
        await sleep(300)
        ended++
      },
      { batch: 5, client },
    )
    await expect.poll(() => begun).toBe(1)
    const before = reads
    await poller.stop()
    // Soon: it reads no more, but for what was under way.
    expect(reads - before).toBeLessThanOrEqual(1)
    expect([begun, ended]).toEqual([1, 1])
  })

  it('iterators that expire, throttled reads and a service that is gone for a while lose nothing and repeat nothing', async () => {
    await tools.create('rough')
    const { client } = new KinesisTools(services.endpoint('kinesis'))
    const faults = ['ExpiredIteratorException', 'ProvisionedThroughputExceededException', 'InternalFailureException']
    let reads = 0
    client.middlewareStack.add(
      (next, context) => async (args) => {
        if (context.commandName === 'GetRecordsCommand' && ++reads % 2 === 0 && faults.length > 0) {
          const $metadata = { httpStatusCode: faults[0]!.startsWith('Internal') ? 500 : 400 }
          throw Object.assign(new Error('injected'), { name: faults.shift(), $metadata })
        }
        return next(args)
      },
      { step: 'initialize' },
    )
    const seen: string[] = []
    poll('rough', (event) => void seen.push(...texts(event)), { client, batch: 3 })
    for (let i = 0; i < 10; i++) {
      await tools.put('rough', String(i), 'k')
      await sleep(100)
    }
    await expect.poll(() => seen.length).toBe(10)
    expect(seen).toEqual(Array.from({ length: 10 }, (_, i) => String(i)))
    expect(faults).toEqual([])
  })

  it('a position of another stream holds its shard until somebody resets it', async () => {
    await tools.create('before')
    await tools.put('before', 'old')
    await sleep(1_100)
    await tools.create('after')
    await tools.put('after', 'new')
    let position = positionAt((await tools.put('before', 'old too')).sequence)
    const seen: string[] = []
    const logs: string[] = []
    const logger = { ...silentLogger, error: (message: string) => void logs.push(message) }
    poll('after', (event) => void seen.push(...texts(event)), { positionOf: async () => position, logger })
    await expect
      .poll(() => logs)
      .toContain('a position is not valid because its stream was recreated: the shard waits for an operator')
    expect(seen).toEqual([])
    position = '0'
    await expect.poll(() => seen).toEqual(['new'])
  })

  it('a stream that does not exist ends it with a sentence', async () => {
    const { polling } = poll('no-such-stream', () => undefined)
    await expect(polling).rejects.toThrow(ConfigError)
    await expect(polling).rejects.toThrow('The Kinesis stream "no-such-stream" does not exist')
  })
})

describe('a poller of a Kinesis with closed shards', () => {
  it('reads a stream by its ARN through a change of its shard count', async () => {
    const kinesis = await startKinesisLocal()
    const stopping = new AbortController()
    try {
      const tools = new KinesisTools(kinesis.endpoint, 'us-east-1')
      await tools.create('scaled', 1)
      const seen: string[] = []
      const polling = pollKinesis({
        stream: 'arn:aws:kinesis:us-east-1:000000000000:stream/scaled',
        endpoint: kinesis.endpoint,
        invoke: async (_, event) => void seen.push(...texts(event)),
        positionOf: async () => undefined,
        batch: 10,
        batchingWindowMs: 50,
        logger: silentLogger,
        signal: stopping.signal,
      })
      const lines = Array.from({ length: 30 }, (_, i) => `line ${i}`)
      for (const line of lines.slice(0, 15)) await tools.put('scaled', line)
      await tools.split('scaled', shardId(0))
      for (const line of lines.slice(15)) await tools.put('scaled', line)
      await expect.poll(() => seen.length).toBe(30)
      expect(seen.slice(0, 15)).toEqual(lines.slice(0, 15))
      expect([...seen].sort()).toEqual([...lines].sort())
      stopping.abort()
      await polling
    } finally {
      stopping.abort()
      await kinesis.stop()
    }
  })
})

/** Puts the end into every open shard. */
async function endAll(stream: string, tools: KinesisTools): Promise<void> {
  for (const hash of await tools.openHashKeys(stream)) {
    const Data = Buffer.from(JSON.stringify(theEnd))
    await tools.client.send(
      new PutRecordCommand({ StreamName: stream, PartitionKey: 'end', ExplicitHashKey: hash, Data }),
    )
  }
}
