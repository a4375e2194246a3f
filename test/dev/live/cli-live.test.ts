import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { DynamoDBClient, paginateScan } from '@aws-sdk/client-dynamodb'
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { kinesisInspector } from '../../../lib/sources/kinesis/inspector.js'
import { built } from '../../services/built.js'
import { describeLive } from '../../services/local.js'
import { KafkaTools } from '../../sources/live/kafka-tools.js'
import { KinesisTools } from '../../sources/live/kinesis-tools.js'
import { millrace } from '../cli.js'
import { testFolder, writeLines } from '../folders.js'
import { LiveProcess, until } from './dev-process.js'

const path = testFolder('cli-live')
const lib = pathToFileURL(built('lib/index.js')).href

const options = `{ timestamp: (c) => c.t, watermark: outOfOrder('1s'), partitionKey: (c) => c.k }`
/** Clicks of a stream and of a topic, counted by key in two seconds, into a table and a file. */
const both = `
import { count, dynamodbTable, kafkaSource, kinesisSource, ndjson, outOfOrder, pipeline, tumbling } from ${JSON.stringify(lib)}
const options = ${options}
export default pipeline('both', { deadLetter: ndjson('dead'), keyGroups: 2, idle: { after: '1s', close: '1s' } }, (p) =>
  p.from(kinesisSource('views', options), kafkaSource('clicks', options))
   .keyBy((c) => c.k).window(tumbling('2s'), { late: ndjson('late') }).aggregate('counts', { n: count() })
   .to(dynamodbTable('counts')).to(ndjson('counts-file')),
)
`
const sourced = (connectors: readonly string[]): string => `
import { count, fileSource, kafkaSource, kinesisSource, ndjson, outOfOrder, pipeline, tumbling } from ${JSON.stringify(lib)}
export default pipeline('other', { deadLetter: ndjson('dead') }, (p) =>
  p.from(${connectors.map((connector, i) => `${connector}('source-${i}', ${options})`).join(', ')})
   .keyBy((c) => c.k).window(tumbling('2s')).aggregate('counts', { n: count() }).to(ndjson('counts')),
)
`

beforeAll(() => {
  writeFileSync(path('both.mjs'), both)
  writeFileSync(path('files.mjs'), sourced(['fileSource']))
  writeFileSync(path('topic.mjs'), sourced(['kafkaSource']))
  writeFileSync(path('topics.mjs'), sourced(['kafkaSource', 'kafkaSource']))
  writeFileSync(path('stream.mjs'), sourced(['kinesisSource']))
})
// Flags are put where clients look.
beforeEach(() => {
  vi.stubEnv('AWS_ENDPOINT_URL_DYNAMODB', undefined)
  vi.stubEnv('AWS_ENDPOINT_URL_KINESIS', undefined)
  vi.stubEnv('AWS_REGION', 'eu-west-1')
})
afterEach(() => vi.unstubAllEnvs())

describe('wrong bindings end with 2 and a sentence that says what is right', () => {
  const dev = (file: string, ...more: string[]) => ['dev', path(file), '--state', 'memory', ...more]
  it.each([
    [
      'no brokers',
      dev('topic.mjs'),
      'The Kafka source "source-0" needs brokers: --brokers host:port,… or MILLRACE_KAFKA_BROKERS.',
    ],
    ['no broker', dev('topic.mjs', '--brokers', 'here'), "A Kafka broker is given as 'host:port'"],
    ['files', dev('files.mjs'), '"source-0" is a file source, which is not live. Use "millrace run".'],
    [
      'an unknown name',
      dev('stream.mjs', '--bind', 'x=y'),
      '--bind names "x"; the names of pipeline "other" are source-0, counts, dead.',
    ],
    [
      'no name',
      dev('stream.mjs', '--bind', 'x'),
      '--bind must be NAME=PHYSICAL, such as orders=prod-orders-v2; it is "x".',
    ],
    [
      'a mechanism',
      dev('topic.mjs', '--brokers', 'a:1', '--kafka-mechanism', 'gssapi'),
      '--kafka-mechanism must be one of plain, scram-sha-256, scram-sha-512, aws-msk-iam; it is "gssapi".',
    ],
    [
      'one group',
      dev('topics.mjs', '--brokers', 'a:1', '--group', 'g'),
      '--group names one consumer group, but this pipeline has several Kafka sources',
    ],
    ['a batch', dev('stream.mjs', '--batch', '0'), '--batch must be a whole number from 1 to 10000; it is 0.'],
    ['a tick', dev('stream.mjs', '--tick', '5'), '--tick must be at least 100 ms; it is 5.'],
    [
      'an endpoint',
      ['table', 'create', 'abc', '--endpoint', 'local'],
      '--endpoint must be a URL such as http://127.0.0.1:8000; it is "local".',
    ],
    [
      'a table',
      ['splits', 'list', path('stream.mjs'), '--state', 'dynamodb:a/b'],
      `The name of a table must have 3 to 255 letters, digits, '_', '-' or '.'; --state names "a/b".`,
    ],
    [
      'no services',
      dev('stream.mjs', '--services', path('nowhere')),
      `has no services. Start them with: millrace services up --dir ${path('nowhere')}`,
    ],
    [
      'a service',
      ['services', 'up', '--only', 'redis'],
      '--only must list services of dynamodb, kinesis, kafka; it contains "redis".',
    ],
    [
      'fresh',
      [
        'run',
        path('files.mjs'),
        '--input',
        `source-0=${path('files.mjs')}`,
        '--state',
        'dynamodb:abc',
        '--out',
        path('o'),
        '--fresh',
      ],
      '--fresh deletes local state only, not the table "abc"',
    ],
    ['nothing to send', ['send', path('stream.mjs')], 'There is nothing to send. Add --input SOURCE=FILE.'],
  ])('%s', async (_, args, sentence) => {
    vi.stubEnv('MILLRACE_KAFKA_BROKERS', '')
    const { code, err } = await millrace(...args)
    expect(err).toContain(sentence)
    expect(code).toBe(2)
  })
})

describeLive('millrace services', [], () => {
  it('starts Kinesis in the background, keeps its data and its port, and ends it', async () => {
    vi.stubEnv('COLUMNS', '300')
    const dir = ['--dir', path('services')]
    expect((await millrace('services', 'status', ...dir)).out).toContain('No service has been started')
    const up = await millrace('services', 'up', '--only', 'kinesis', ...dir)
    expect(up.code, up.err).toBe(0)
    const endpoint = /AWS_ENDPOINT_URL_KINESIS=(\S+)/.exec(up.out)![1]!
    const tools = new KinesisTools(endpoint, 'us-east-1')
    await tools.create('kept', 1)
    tools.client.destroy()
    expect((await millrace('services', 'up', '--only', 'kinesis', ...dir)).out).toContain(endpoint)
    const fresh = await millrace('services', 'up', '--only', 'kinesis', '--fresh', ...dir)
    expect(fresh).toMatchObject({
      code: 2,
      err: expect.stringContaining('The service kinesis is running on this data.'),
    })
    expect((await millrace('services', 'down', ...dir)).out).toMatch(/kinesis +stopped/)
    const again = await millrace('services', 'up', '--only', 'kinesis', ...dir)
    expect(again.out).toContain(endpoint)
    const kept = await kinesisInspector({ stream: 'kept', endpoint, region: 'us-east-1' }).list()
    expect(kept).toHaveLength(1)
    const [{ pid }] = JSON.parse((await millrace('services', 'status', '--json', ...dir)).out)
    process.kill(pid, 'SIGKILL')
    await until('it is gone', async () =>
      (await millrace('services', 'status', ...dir)).out.includes('ended by itself'),
    )
    expect((await millrace('services', 'status', ...dir)).code).toBe(1)
    expect((await millrace('services', 'down', ...dir)).code).toBe(0)
  })
})

describeLive('millrace on live services', ['dynamodb', 'kinesis', 'kafka'], (services) => {
  const places = (): string[] => [
    '--endpoint',
    services.endpoint('dynamodb'),
    '--kinesis-endpoint',
    services.endpoint('kinesis'),
    '--brokers',
    services.endpoint('kafka'),
    '--region',
    'eu-west-1',
  ]
  const table = (...args: string[]) => millrace('table', ...args, '--endpoint', services.endpoint('dynamodb'))
  const itemsOf = async (TableName: string): Promise<{ pk: string; sk: string; n: number }[]> => {
    const client = new DynamoDBClient({ endpoint: services.endpoint('dynamodb') })
    const items = []
    for await (const page of paginateScan({ client }, { TableName }))
      items.push(...page.Items!.map((item) => ({ pk: item.pk!.S!, sk: item.windowStart!.S!, n: Number(item.n!.N) })))
    client.destroy()
    return items
  }

  it('makes a table, once, and says what one is', async () => {
    expect(await table('create', 'made')).toMatchObject({
      code: 0,
      out: expect.stringContaining('The table "made" was created'),
    })
    expect((await table('create', 'made')).out).toBe('The table "made" already exists and is suitable.\n')
    expect((await table('describe', 'made')).out).toMatch(/ACTIVE, on demand, keys pk \(S\), sk \(S\), 0 items/)
    expect(await table('describe', 'absent')).toMatchObject({
      code: 2,
      err: expect.stringContaining('The table "absent" does not exist'),
    })
  })

  it('says which of table, stream and topic is not there, before it reads anything', async () => {
    const dev = (...more: string[]) => millrace('dev', path('both.mjs'), ...places(), ...more)
    expect((await dev('--state', 'dynamodb:absent')).err).toContain('The table "absent" does not exist')
    await table('create', 'check')
    const state = ['--state', 'dynamodb:check']
    expect((await dev(...state)).err).toContain('The Kinesis stream "views" does not exist')
    await new KinesisTools(services.endpoint('kinesis')).create('views-2', 1)
    const { code, err } = await dev(...state, '--bind', 'views=views-2')
    expect(err).toMatch(/[Tt]opic "clicks"/)
    expect(code).toBe(2)
  })

  it('counts a stream and a topic at once, in two processes that share a table', async () => {
    const START = 1_700_000_000_000
    const line = (i: number) => ({ t: START + i * 10, k: `k${i % 5}` })
    const lines = Array.from({ length: 3_000 }, (_, i) => line(i))
    const views = writeLines(path('views.ndjson'), [...lines.slice(0, 1_500), '{bad'])
    const clicks = writeLines(path('clicks.ndjson'), lines.slice(1_500))
    const names = ['--bind', 'views=live-views', '--bind', 'clicks=live-clicks', '--bind', 'counts=live-counts']
    for (const name of ['live-state', 'live-counts']) await table('create', name)
    const input = ['--input', `views=${views}`, '--input', `clicks=${clicks}`]
    const sent = await millrace('send', path('both.mjs'), ...places(), ...names, '--create', '2', ...input)
    expect(sent.out, sent.err).toBe('views: 1,501 records sent\nclicks: 1,500 records sent\n')
    const args = ['dev', path('both.mjs'), '--state', 'dynamodb:live-state', '--tick', '500', '--out', path('live')]
    const processes = [0, 1].map(() => new LiveProcess([...args, ...places(), ...names]))
    // Both sources end 15 s apart in event time; once all is quiet the clock closes the last windows.
    const expected = new Map<string, number>()
    for (const { t, k } of lines) {
      const name = `${k} ${new Date(Math.floor(t / 2_000) * 2_000).toISOString()}`
      expected.set(name, (expected.get(name) ?? 0) + 1)
    }
    let found: Map<string, number>
    const countedOf = (): number => [...found.values()].reduce((sum, n) => sum + n, 0)
    const lateOf = (): number => {
      const file = path('live', 'late.ndjson')
      return existsSync(file) ? readFileSync(file, 'utf8').split('\n').length - 1 : 0
    }
    // A process that is starved may part a split that only waits for it: then whole windows are late.
    await until('every record is in the table, or late', async () => {
      found = new Map((await itemsOf('live-counts')).map(({ pk, sk, n }) => [`${pk} ${sk}`, n]))
      return countedOf() + lateOf() === 3_000 || [countedOf(), lateOf()]
    })
    const codes = await Promise.all(processes.map((live) => live.stop()))
    expect(codes, processes.map(({ err }) => err).join('\n')).toEqual([0, 0])
    const late = lateOf()
    const counted = countedOf()
    // Two processes read at their own pace, but a split's own watermark is its log's alone: what is late is the same.
    expect(counted + late).toBe(3_000)
    if (late === 0) expect(found!).toEqual(expected)
    const status = await millrace(
      'splits',
      'list',
      path('both.mjs'),
      '--state',
      'dynamodb:live-state',
      ...places().slice(0, 2),
      '--json',
    )
    const [{ splits }] = JSON.parse(status.out).stages
    expect(splits).toHaveLength(4)
    expect(splits.reduce((sum: number, split: any) => sum + split.in, 0)).toBe(3_001)
    expect(splits.reduce((sum: number, split: any) => sum + split.rejected, 0)).toBe(1)
    expect(processes[0]!.err).toContain('Reading both live. Press Ctrl-C to stop.')
    expect(processes[0]!.out).toContain('records were delivered by this process')
    expect(readFileSync(path('live', 'dead.ndjson'), 'utf8')).toContain('bad-json')
  })

  it('stops a split whose topic was made anew, and goes on once it is reset', async () => {
    const tools = new KafkaTools({ brokers: [services.endpoint('kafka')] })
    await tools.admin.connect()
    await tools.create('anew', 1)
    const values = (from: number, count: number) =>
      Array.from({ length: count }, (_, i) => ({
        value: JSON.stringify({ t: 1_700_000_000_000 + (from + i) * 1_000, k: 'a' }),
      }))
    await tools.send('anew', values(0, 10))
    const state = ['--state', `lmdb:${path('anew-state')}`]
    const args = [
      'dev',
      path('topic.mjs'),
      ...state,
      '--brokers',
      services.endpoint('kafka'),
      '--bind',
      'source-0=anew',
    ]
    const more = ['--tick', '500', '--out', path('anew')]
    const splits = async () =>
      JSON.parse((await millrace('splits', 'list', path('topic.mjs'), ...state, '--json')).out).stages[0].splits
    const first = new LiveProcess([...args, ...more])
    await until('it is counted', async () => (await splits()).some((split: any) => split.in === 10))
    expect(await first.stop(), first.err).toBe(0)
    await tools.admin.deleteTopics({ topics: ['anew'] })
    await until('it is deleted', async () => !(await tools.admin.listTopics()).includes('anew'))
    await tools.create('anew', 1)
    await tools.send('anew', values(100, 3))
    const second = new LiveProcess([...args, ...more])
    await until('its split has stopped', async () => (await splits())[0].stopped.startsWith('beyond-end'))
    expect(await second.stop(), second.err).toBe(0)
    expect(second.err).toContain('split stopped: its log does not continue')
    const shown = await millrace('splits', 'list', path('topic.mjs'), ...state)
    expect(shown.out).toMatch(/source-0\/anew-0 is stopped: beyond-end: .* See "millrace splits reset --help"\./)
    const reset = (...more: string[]) =>
      millrace('splits', 'reset', path('topic.mjs'), 'source-0/anew-0', ...state, ...more)
    expect(await reset()).toMatchObject({
      code: 1,
      err: expect.stringContaining('or pass --now if nothing is running'),
    })
    expect((await reset('--now')).out).toBe(
      'The split source-0/anew-0 has ended at position 00000000000000000009. Its new log is read from the start, as the split source-0/anew-0@1.\n',
    )
    expect(await reset()).toMatchObject({ code: 2, err: expect.stringContaining('"anew-0@1" replaced it') })
    const third = new LiveProcess([...args, ...more])
    await until('the new log is counted', async () =>
      (await splits()).some((split: any) => split.split.endsWith('@1') && split.in === 3),
    )
    expect(await third.stop(), third.err).toBe(0)
    await tools.close()
  })
})
