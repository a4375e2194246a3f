import { createServer } from 'node:http'
import { type GetRecordsCommandInput, UpdateShardCountCommand } from '@aws-sdk/client-kinesis'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { freePort } from '../../../lib/dev/services/daemon.js'
import { ConfigError, RetryableError } from '../../../lib/index.js'
import { kinesisInspector } from '../../../lib/sources/kinesis/inspector.js'
import { describeLive } from '../../services/local.js'
import { startKinesisLocal } from './kinesis-local.js'
import { KinesisTools, positionAt, shardId } from './kinesis-tools.js'

describeLive('a Kinesis stream that is asked', ['kinesis'], (services) => {
  let tools: KinesisTools
  const inspector = (stream: string) =>
    kinesisInspector({ stream, endpoint: services.endpoint('kinesis'), region: 'eu-west-1' })

  beforeAll(() => {
    tools = new KinesisTools(services.endpoint('kinesis'))
  })

  it('invariant 6: lists shards with their parents after splits and merges, while records flow', async () => {
    await tools.create('lists', 2)
    const source = inspector('lists')
    expect(await source.list()).toEqual([
      { split: shardId(0), closed: false },
      { split: shardId(1), closed: false },
    ])
    let flows = true
    const flow = (async () => {
      for (let i = 0; flows; i++) await tools.put('lists', `record ${i}`)
    })()
    await tools.split('lists', shardId(0))
    await tools.merge('lists', shardId(3), shardId(1))
    flows = false
    await flow
    expect(await source.list()).toEqual([
      { split: shardId(0), closed: true },
      { split: shardId(1), closed: true },
      { split: shardId(2), parents: [shardId(0)], closed: false },
      { split: shardId(3), parents: [shardId(0)], closed: true },
      { split: shardId(4), parents: [shardId(3), shardId(1)], closed: false },
    ])
    expect(source.bounded).toBe(false)
  })

  describe('peek', () => {
    it('an empty shard has nothing; a record waits until the position is there', async () => {
      await tools.create('plain')
      const source = inspector('plain')
      expect(await source.peek(shardId(0), '0')).toBe('nothing')
      const first = await tools.put('plain', 'a')
      const second = await tools.put('plain', 'b')
      expect(await source.peek(shardId(0), '0')).toBe('waiting')
      expect(await source.peek(shardId(0), positionAt(first.sequence))).toBe('waiting')
      expect(await source.peek(shardId(0), positionAt(second.sequence))).toBe('nothing')
      // A position within a KPL aggregate is its record's.
      expect(await source.peek(shardId(0), `${positionAt(second.sequence)}:00000003`)).toBe('nothing')
    })

    it('a closed shard has nothing at its end, and something before it', async () => {
      await tools.create('closed')
      const record = await tools.put('closed', 'a')
      await tools.split('closed', shardId(0))
      const source = inspector('closed')
      expect(await source.peek(shardId(0), '0')).toBe('waiting')
      expect(await source.peek(shardId(0), positionAt(record.sequence))).toBe('nothing')
      expect(await source.peek(shardId(1), '0')).toBe('nothing')
    })

    it('does not know of a shard or a number that is none of the stream', async () => {
      await tools.create('foreign', 2)
      const [record] = [await tools.put('foreign', 'a')]
      const other = record.shard === shardId(0) ? shardId(1) : shardId(0)
      const source = inspector('foreign')
      expect(await source.peek(shardId(9), '0')).toBe('unknown')
      expect(await source.peek(other, positionAt(record.sequence))).toBe('unknown')
    })

    it('follows a shard that is behind for a few reads, and goes on there the next time', async () => {
      await tools.create('behind')
      await tools.put('behind', 'a')
      const { client } = new KinesisTools(services.endpoint('kinesis'))
      let reads = 0
      let behind = 8
      client.middlewareStack.add(
        (next, context) => async (args) => {
          const answer: any = await next(args)
          if (context.commandName !== 'GetRecordsCommand') return answer
          reads++
          // As a shard with long gaps answers: nothing here, and not at the end.
          if (behind-- > 0)
            Object.assign(answer.output, {
              Records: [],
              MillisBehindLatest: 60_000,
              NextShardIterator: (args.input as GetRecordsCommandInput).ShardIterator,
            })
          return answer
        },
        { step: 'initialize' },
      )
      const source = kinesisInspector({ stream: 'behind', client })
      expect(await source.peek(shardId(0), '0')).toBe('unknown')
      expect(reads).toBe(5)
      expect(await source.peek(shardId(0), '0')).toBe('waiting')
      expect(reads).toBe(9)
    })

    it('of an iterator that never comes out of a deleted record, looks at the oldest one left', async () => {
      await tools.create('stuck')
      const [a, b] = [await tools.put('stuck', 'a'), await tools.put('stuck', 'b')]
      const { client } = new KinesisTools(services.endpoint('kinesis'))
      const stuck = new Set<string>()
      client.middlewareStack.add(
        (next, context) => async (args) => {
          const answer: any = await next(args)
          const { ShardIteratorType, ShardIterator } = args.input as any
          if (context.commandName === 'GetShardIteratorCommand' && ShardIteratorType === 'AFTER_SEQUENCE_NUMBER') {
            stuck.add(answer.output.ShardIterator)
          }
          if (stuck.has(ShardIterator)) {
            Object.assign(answer.output, {
              Records: [],
              MillisBehindLatest: 86_400_000,
              NextShardIterator: ShardIterator,
            })
          }
          return answer
        },
        { step: 'initialize' },
      )
      const source = kinesisInspector({ stream: 'stuck', client })
      // A position of before the first record that is left.
      const earlier = positionAt(await tools.start('stuck', shardId(0)))
      expect(earlier < positionAt(a.sequence)).toBe(true)
      expect(await source.peek(shardId(0), positionAt(a.sequence))).toBe('unknown')
      expect(await source.peek(shardId(0), positionAt(b.sequence))).toBe('unknown')
      expect(await source.peek(shardId(0), earlier)).toBe('waiting')
    })

    it('invariant 11: tries again when it is throttled, for a bounded time', async () => {
      await tools.create('throttled')
      const { sequence } = await tools.put('throttled', 'a')
      const { client } = new KinesisTools(services.endpoint('kinesis'))
      let throttles = 3
      let refused = -3
      client.middlewareStack.add(
        (next, context) => async (args) => {
          if (context.commandName === 'GetRecordsCommand' && throttles-- > 0) {
            refused++
            throw Object.assign(new Error('Rate exceeded for shard shardId-000000000000'), {
              name: 'ProvisionedThroughputExceededException',
              $fault: 'client',
              $metadata: { httpStatusCode: 400 },
            })
          }
          return next(args)
        },
        { step: 'initialize' },
      )
      const source = kinesisInspector({ stream: 'throttled', client })
      expect(await source.peek(shardId(0), '0')).toBe('waiting')
      expect(throttles).toBe(-1)
      throttles = Number.POSITIVE_INFINITY
      expect(await source.peek(shardId(0), '0')).toBe('unknown')
      expect(refused).toBeLessThanOrEqual(10)
      expect(await source.verify!(new Map([[shardId(0), positionAt(sequence)]]))).toEqual([])
    })
  })

  describe('what cannot be asked is one sentence', () => {
    afterEach(() => {
      vi.unstubAllEnvs()
    })

    it('a stream that does not exist', async () => {
      await expect(inspector('nothing-here').list()).rejects.toThrow(
        new ConfigError(
          'not-found',
          `The Kinesis stream "nothing-here" does not exist at ${services.endpoint('kinesis')}. Check its name, the region and the account, or create it.`,
        ),
      )
    })

    it('a name that is none', async () => {
      await expect(inspector('no name').list()).rejects.toThrow(
        `A Kinesis stream is given by its name (letters, digits, '_', '.', '-') or its ARN (arn:aws:kinesis:REGION:ACCOUNT:stream/NAME); this one is "no name".`,
      )
    })

    it('a service that nobody runs', async () => {
      const source = kinesisInspector({
        stream: 's',
        endpoint: `http://127.0.0.1:${await freePort()}`,
        region: 'eu-west-1',
      })
      const error = await source.list().catch((thrown) => thrown)
      expect(error).toBeInstanceOf(RetryableError)
      expect(error.message).toMatch(
        /^The list of shards of the Kinesis stream "s" at http:\S+ got no answer in \d+ attempts/,
      )
    })

    it('no region, and no credentials', async () => {
      for (const file of ['AWS_CONFIG_FILE', 'AWS_SHARED_CREDENTIALS_FILE']) vi.stubEnv(file, '/dev/null')
      vi.stubEnv('AWS_REGION', undefined)
      await expect(kinesisInspector({ stream: 's' }).list()).rejects.toMatchObject({ code: 'no-region' })
      vi.stubEnv('AWS_ACCESS_KEY_ID', undefined)
      await expect(inspector('s').list()).rejects.toMatchObject({ code: 'no-credentials' })
    })

    it('no permission', async () => {
      const denial = 'User: arn:aws:iam::1:role/x is not authorized to perform: kinesis:ListShards on resource: s'
      const server = createServer((_, response) => {
        response.writeHead(400, { 'content-type': 'application/x-amz-json-1.1' })
        response.end(JSON.stringify({ __type: 'AccessDeniedException', Message: denial }))
      })
      await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
      const endpoint = `http://127.0.0.1:${(server.address() as { port: number }).port}`
      try {
        await expect(kinesisInspector({ stream: 's', endpoint, region: 'eu-west-1' }).list()).rejects.toThrow(
          new ConfigError('no-permission', `The Kinesis stream "s" refuses the call at ${endpoint}: ${denial}.`),
        )
      } finally {
        server.close()
      }
    })
  })
})

describe('a Kinesis stream with more than kinesalite knows', () => {
  let kinesis: Awaited<ReturnType<typeof startKinesisLocal>>
  let tools: KinesisTools

  beforeAll(async () => {
    kinesis = await startKinesisLocal()
    tools = new KinesisTools(kinesis.endpoint, 'us-east-1')
  })

  afterAll(() => kinesis?.stop())

  it('by its ARN, after its shard count was changed, a page at a time', async () => {
    await tools.create('scaled', 2)
    const stream = 'arn:aws:kinesis:us-east-1:000000000000:stream/scaled'
    const { client } = new KinesisTools(kinesis.endpoint, 'us-east-1')
    let pages = 0
    client.middlewareStack.add(
      (next, context) => (args) => {
        if (context.commandName === 'ListShardsCommand') {
          pages++
          ;(args.input as { MaxResults?: number }).MaxResults = 1
        }
        return next(args)
      },
      { step: 'initialize' },
    )
    const record = await tools.put('scaled', 'a')
    await tools.client.send(
      new UpdateShardCountCommand({ StreamName: 'scaled', TargetShardCount: 4, ScalingType: 'UNIFORM_SCALING' }),
    )
    await tools.isActive('scaled')
    const source = kinesisInspector({ stream, client })
    const listed = await source.list()
    expect(listed).toEqual([
      { split: shardId(0), closed: true },
      { split: shardId(1), closed: true },
      { split: shardId(2), parents: [shardId(0)], closed: false },
      { split: shardId(3), parents: [shardId(0)], closed: false },
      { split: shardId(4), parents: [shardId(1)], closed: false },
      { split: shardId(5), parents: [shardId(1)], closed: false },
    ])
    expect(pages).toBeGreaterThanOrEqual(6)
    // At the end of a closed shard there is no iterator any more.
    expect(await source.peek(record.shard, '0')).toBe('waiting')
    expect(await source.peek(record.shard, positionAt(record.sequence))).toBe('nothing')
  })
})
