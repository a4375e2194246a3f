import { writeFileSync } from 'node:fs'
import { GetRecordsCommand, GetShardIteratorCommand } from '@aws-sdk/client-kinesis'
import { CreateBucketCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3'
import kafkajs from 'kafkajs'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { ingest } from '../../../lib/handlers/index.js'
import { dynamodbTable, kafkaSource, kinesisSource, ndjson, outOfOrder, pipeline } from '../../../lib/index.js'
import { InvocationMetrics, silentLogger } from '../../../lib/observe/index.js'
import { openBucket } from '../../../lib/sinks/s3/index.js'
import { createTable } from '../../../lib/state/dynamodb/table.js'
import { memoryStore } from '../../../lib/state/memory/index.js'
import { kinesisEvent } from '../../handlers/worlds.js'
import type { Reading } from '../../runtime/pipelines.js'
import { LocalAws, REGION } from '../../services/aws/local-aws.js'
import { awsToolsFor } from '../../services/aws/tools.js'
import { describeLive } from '../../services/local.js'
import { KafkaTools } from '../../sources/live/kafka-tools.js'
import { KinesisTools } from '../../sources/live/kinesis-tools.js'
import { millrace } from '../cli.js'
import { testFolder } from '../folders.js'

const path = testFolder('dead-letters')
const lib = new URL('../../../lib/index.ts', import.meta.url).href
const file = (source: string): string => `
import { kinesisSource, ndjson, outOfOrder, pipeline } from ${JSON.stringify(lib)}
export default pipeline('letters', (p) =>
  p.from(kinesisSource('${source}', { timestamp: (r) => r.t, watermark: outOfOrder('1s'), partitionKey: (r) => r.k })).to(ndjson('rows')),
)
`

/** A version of the pipeline with a slip: it does not know of negative values. */
const slip = pipeline('letters', { deadLetter: dynamodbTable('letters') }, (p) =>
  p
    .from(kinesisSource('orders', { timestamp: (r: Reading) => r.t, watermark: outOfOrder('1s') }))
    .map((r) => {
      if (r.v < 0) throw new Error('a negative value')
      return r
    })
    .to(ndjson('rows')),
)

describeLive('dead letters in their table', ['dynamodb', 'kinesis'], (services) => {
  beforeEach(() => vi.stubEnv('AWS_REGION', 'eu-west-1'))
  afterEach(() => vi.unstubAllEnvs())

  it('are listed by reason, and sent again once the slip is mended', async () => {
    writeFileSync(path('pipeline.mjs'), file('orders'))
    writeFileSync(path('renamed.mjs'), file('purchases'))
    const endpoint = services.endpoint('dynamodb')
    const tools = new KinesisTools(services.endpoint('kinesis'))
    await createTable('letters', { endpoint })
    await tools.create('orders')
    const places = ['--endpoint', endpoint, '--kinesis-endpoint', services.endpoint('kinesis')]
    const state = memoryStore()
    const handler = ingest(slip, {
      state,
      sink: (node) =>
        node.name === 'letters'
          ? dynamodbTable('letters', { endpoint }).open({ pipeline: 'letters', run: 1 })
          : Promise.resolve({ write: async () => undefined, close: async () => undefined }),
      logger: silentLogger,
      metrics: new InvocationMetrics(),
    })
    const readings: Reading[] = [-1, 2, -3].map((v, i) => ({ t: 1_000 * i, k: 'a', v }))
    await handler(kinesisEvent(0, [...readings, '{oops', '{"t":"when"}']))
    const list = await millrace('dead-letters', 'list', '--table', 'letters', '--endpoint', endpoint, '--json')
    expect(JSON.parse(list.out).map(({ reason, rows, again }: any) => [reason, rows, again])).toEqual([
      ['step-threw', 2, 2],
      expect.arrayContaining([1, 1]),
      expect.arrayContaining([1, 1]),
    ])
    const redrive = (...more: string[]) =>
      millrace('dead-letters', 'redrive', path('pipeline.mjs'), '--table', 'letters', ...places, ...more)
    expect((await redrive('--reason', 'step-threw', '--dry-run')).out).toBe(
      '2 records would be sent again, 0 left in place\n',
    )
    const wrong = await millrace('dead-letters', 'redrive', path('renamed.mjs'), '--table', 'letters', ...places)
    expect([wrong.code, wrong.err]).toEqual([
      2,
      expect.stringContaining(
        'A dead letter names the source "orders"; the sources of pipeline "letters" are purchases.',
      ),
    ])
    expect((await redrive('--reason', 'step-threw')).out).toBe('2 records sent again, 0 left in place\n')
    expect((await redrive('--reason', 'bad-json')).out).toBe('1 records sent again, 0 left in place\n')
    const sent = await recordsIn(tools, 'orders')
    expect(sent.filter((line) => line !== '{oops').sort()).toEqual(
      readings
        .filter(({ v }) => v < 0)
        .map((reading) => JSON.stringify(reading))
        .sort(),
    )
    expect([sent.length, sent.includes('{oops')]).toEqual([3, true])
    const rest = await millrace('dead-letters', 'list', '--table', 'letters', '--endpoint', endpoint, '--json')
    expect(JSON.parse(rest.out)).toHaveLength(1)
    const neither = await millrace('dead-letters', 'list')
    expect([neither.code, neither.err]).toEqual([
      2,
      'error: Dead letters are stored in a table, in a bucket, or in a file of a local run; none of them is given. Give --table NAME, --bucket s3://BUCKET/PREFIX, or, for "list", --file FILE.\n',
    ])
    const none = await millrace('dead-letters', 'list', '--table', 'nowhere', '--endpoint', endpoint)
    expect([none.code, none.err]).toEqual([2, expect.stringContaining('The table "nowhere"')])
  })
})

describeLive('dead letters of a topic', ['dynamodb', 'kafka'], (services) => {
  beforeEach(() => vi.stubEnv('AWS_REGION', 'eu-west-1'))
  afterEach(() => vi.unstubAllEnvs())

  it('are sent again byte by byte, to the partitions of their keys', { timeout: 60_000 }, async () => {
    const pipelineFile = path('topic.mjs')
    writeFileSync(
      pipelineFile,
      file('clicks').replaceAll('kinesisSource', 'kafkaSource').replace(', partitionKey: (r) => r.k', ''),
    )
    const endpoint = services.endpoint('dynamodb')
    const brokers = services.endpoint('kafka')
    const kafka = new KafkaTools({ brokers: [brokers] })
    try {
      await kafka.create('clicks', 5)
      await createTable('topic-letters', { endpoint })
      const table = dynamodbTable('topic-letters')
      const slipped = pipeline('letters', { deadLetter: table }, (p) =>
        p
          .from(kafkaSource('clicks', { timestamp: (r: Reading) => r.t, watermark: outOfOrder('1s') }))
          .map((r) => {
            if (r.v < 0) throw new Error('a negative value')
            return r
          })
          .to(ndjson('rows')),
      )
      const handler = ingest(slipped, {
        state: memoryStore(),
        sink: (node) =>
          node === table
            ? dynamodbTable('topic-letters', { endpoint }).open({ pipeline: 'letters', run: 1 })
            : Promise.resolve({ write: async () => undefined, close: async () => undefined }),
        logger: silentLogger,
        metrics: new InvocationMetrics(),
      })
      const stamp = Date.now() - 60_000
      const records = [
        { key: Buffer.from([0, 0, 0, 132]), value: Buffer.from('{"t":1,"k":"a","v":-1.10,"v":-1}') },
        { key: Buffer.from('cust-1'), value: Buffer.from('{"id":1524831183200260097}') },
        { key: Buffer.alloc(0), value: Buffer.from([0xff, 0, 0x7b]) },
        { key: null, value: Buffer.from('') },
      ]
      const headers = [{ b: [49] }, { b: [-1, 0] }, { a: [] }]
      await handler({
        eventSource: 'aws:kafka',
        bootstrapServers: 'b:9092',
        records: {
          'clicks-0': [
            ...records.map(({ key, value }, offset) => ({
              topic: 'clicks',
              partition: 0,
              offset,
              timestamp: stamp + offset,
              timestampType: 'CREATE_TIME',
              ...(key && { key: key.toString('base64') }),
              value: value.toString('base64'),
              headers,
            })),
            { topic: 'clicks', partition: 0, offset: 9, timestamp: 1, value: 'ew==', headers: [{ a: null }] },
          ],
        },
      })
      const redriven = await millrace(
        'dead-letters',
        'redrive',
        pipelineFile,
        '--table',
        'topic-letters',
        '--endpoint',
        endpoint,
        '--brokers',
        brokers,
      )
      expect([redriven.err, redriven.out.split('\n')]).toEqual([
        expect.any(String),
        [
          '4 records sent again, 1 left in place',
          expect.stringMatching(/^ {2}1 bad-json: the Kafka client cannot write its headers unchanged/),
          '',
        ],
      ])
      const found = await messagesIn(kafka, 'clicks', 4)
      const byStamp = found.sort((a, b) => Number(a.timestamp) - Number(b.timestamp))
      expect(byStamp.map(({ key, value, timestamp, headers }) => [key, value, Number(timestamp), headers])).toEqual(
        records.map(({ key, value }, i) => [
          key,
          value,
          stamp + i,
          { b: [Buffer.from('1'), Buffer.from([255, 0])], a: Buffer.alloc(0) },
        ]),
      )
      // As Java's client deals them: murmur2 of the key, over five partitions.
      const partitionOf = kafkajs.Partitioners.DefaultPartitioner()
      const partitionMetadata = Array.from({ length: 5 }, (_, partitionId) => ({ partitionId, leader: 0 })) as never
      for (const { key, partition } of byStamp.slice(0, 3))
        expect(partition).toBe(partitionOf({ topic: 'clicks', partitionMetadata, message: { key, value: null } }))
      const rest = await millrace('dead-letters', 'list', '--table', 'topic-letters', '--endpoint', endpoint, '--json')
      expect(JSON.parse(rest.out)).toMatchObject([{ reason: 'bad-json', rows: 1, again: 0 }])
    } finally {
      await kafka.close()
    }
  })
})

const tools = await awsToolsFor('dead letters in their bucket')

describe.skipIf(tools === undefined)('dead letters in a bucket', () => {
  let aws: LocalAws
  beforeAll(async () => {
    aws = await LocalAws.start(tools!)
  }, 90_000)
  beforeEach(() => {
    vi.stubEnv('AWS_REGION', REGION)
    vi.stubEnv('AWS_ENDPOINT_URL_S3', aws.endpoint)
  })
  afterEach(() => vi.unstubAllEnvs())
  afterAll(() => aws?.stop())

  describeLive('and their stream', ['kinesis'], (services) => {
    it('are sent again, each once, out of objects that overlap', { timeout: 60_000 }, async () => {
      writeFileSync(path('pipeline.mjs'), file('orders'))
      const client = new S3Client({ endpoint: aws.endpoint, forcePathStyle: true })
      await client.send(
        new CreateBucketCommand({ Bucket: 'letters', CreateBucketConfiguration: { LocationConstraint: REGION } }),
      )
      const stream = new KinesisTools(services.endpoint('kinesis'))
      await stream.create('orders')
      const place = 's3://letters/prod/letters/letters/'
      const bucket = ['--bucket', place]
      const attempt = (values: readonly unknown[]) =>
        ingest(slip, {
          // An attempt that knows of no other: as one that died before its checkpoint.
          state: memoryStore(),
          sink: (node) =>
            node.name === 'letters'
              ? openBucket(place)
              : Promise.resolve({ write: async () => undefined, close: async () => undefined }),
          logger: silentLogger,
          metrics: new InvocationMetrics(),
        })(kinesisEvent(0, values))
      const readings = Array.from({ length: 250 }, (_, i): Reading => ({ t: 1_000 * i, k: 'a', v: -1 - i }))
      const values = [...readings.slice(0, 100), '{oops', ...readings.slice(100)]
      for (const count of [values.length, 40, 120]) await attempt(values.slice(0, count))
      const objects = async (): Promise<number> =>
        (await client.send(new ListObjectsV2Command({ Bucket: 'letters' }))).KeyCount!
      expect(await objects()).toBe(3)
      const list = await millrace('dead-letters', 'list', ...bucket, '--json')
      expect(JSON.parse(list.out).map(({ reason, rows }: any) => [reason, rows])).toEqual([
        ['step-threw', 250],
        ['bad-json', 1],
      ])
      const redrive = (...more: string[]) =>
        millrace(
          'dead-letters',
          'redrive',
          path('pipeline.mjs'),
          ...bucket,
          '--kinesis-endpoint',
          services.endpoint('kinesis'),
          ...more,
        )
      expect((await redrive('--dry-run')).out).toBe('251 records would be sent again, 0 left in place\n')
      expect((await redrive('--reason', 'step-threw')).out).toBe('250 records sent again, 0 left in place\n')
      // What was not sent is there still, in both objects that hold it.
      expect(await objects()).toBe(2)
      const rest = await millrace('dead-letters', 'list', ...bucket, '--json')
      expect(JSON.parse(rest.out)).toMatchObject([{ reason: 'bad-json', rows: 1, again: 1 }])
      expect((await redrive()).out).toBe('1 records sent again, 0 left in place\n')
      expect((await millrace('dead-letters', 'list', ...bucket)).out).toBe('There are no dead letters.\n')
      expect((await recordsIn(stream, 'orders')).sort()).toEqual(
        [...readings.map((reading) => JSON.stringify(reading)), '{oops'].sort(),
      )
      client.destroy()
    })
  })
})

async function recordsIn({ client }: KinesisTools, stream: string): Promise<string[]> {
  const { ShardIterator } = await client.send(
    new GetShardIteratorCommand({
      StreamName: stream,
      ShardId: 'shardId-000000000000',
      ShardIteratorType: 'TRIM_HORIZON',
    }),
  )
  const { Records } = await client.send(new GetRecordsCommand({ ShardIterator: ShardIterator! }))
  return Records!.map(({ Data }) => Buffer.from(Data!).toString())
}

interface Found {
  readonly partition: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly timestamp: string
  readonly headers?: unknown
}

async function messagesIn({ kafka }: KafkaTools, topic: string, count: number): Promise<Found[]> {
  const consumer = kafka.consumer({ groupId: `read-${topic}` })
  const found: Found[] = []
  await consumer.connect()
  try {
    await consumer.subscribe({ topic, fromBeginning: true })
    await new Promise<void>((resolve, reject) => {
      consumer
        .run({
          eachMessage: async ({ partition, message: { key, value, timestamp, headers } }) => {
            found.push({ partition, key, value, timestamp, headers })
            if (found.length === count) resolve()
          },
        })
        .catch(reject)
    })
  } finally {
    await consumer.disconnect()
  }
  return found
}
