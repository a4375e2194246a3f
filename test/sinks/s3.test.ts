import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { CreateBucketCommand, GetObjectCommand, paginateListObjectsV2, S3Client } from '@aws-sdk/client-s3'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { ConfigError } from '../../lib/index.js'
import type { Sink } from '../../lib/ports/index.js'
import { openBucket } from '../../lib/sinks/s3/index.js'
import { namedRows } from '../../lib/sinks/s3/objects.js'
import { LocalAws, REGION } from '../services/aws/local-aws.js'
import { awsToolsFor } from '../services/aws/tools.js'
import { describeSink, part, range } from './conformance.js'

interface Line {
  readonly id: string
  readonly order?: string
  readonly row: unknown
}

const linesOf = (text: string): Line[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))

/** What a reader finds: each id once, sorted by id, because objects have no order. */
function rowsOf(objects: readonly { readonly text: string }[]): unknown[] {
  const rows = new Map<string, unknown>()
  for (const { id, row } of objects.flatMap(({ text }) => linesOf(text))) if (!rows.has(id)) rows.set(id, row)
  return [...rows].sort(([a], [b]) => byNumbers.compare(a, b)).map(([, row]) => row)
}

const byNumbers = new Intl.Collator('en', { numeric: true })
const tools = await awsToolsFor('the suite of buckets')

describe.skipIf(tools === undefined)('buckets as sinks', () => {
  let aws: LocalAws
  let client: S3Client
  let buckets = 0
  beforeAll(async () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'local')
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'local')
    vi.stubEnv('AWS_REGION', REGION)
    aws = await LocalAws.start(tools!)
    client = new S3Client({ endpoint: aws.endpoint, forcePathStyle: true })
  })
  afterAll(async () => {
    client?.destroy()
    await aws?.stop()
    vi.unstubAllEnvs()
  })

  async function freshBucket(): Promise<string> {
    const Bucket = `letters-${buckets++}`
    await client.send(new CreateBucketCommand({ Bucket, CreateBucketConfiguration: { LocationConstraint: REGION } }))
    return Bucket
  }
  const open = (place: string): Promise<Sink> => openBucket(place, { endpoint: aws.endpoint })

  async function objectsIn(Bucket: string): Promise<{ Key: string; text: string }[]> {
    const found: { Key: string; text: string }[] = []
    for await (const { Contents } of paginateListObjectsV2({ client }, { Bucket }))
      for (const { Key } of Contents ?? []) {
        const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }))
        found.push({ Key: Key!, text: await Body!.transformToString() })
      }
    return found
  }

  describeSink(
    'a bucket',
    () => {
      const bucket = freshBucket()
      return {
        open: async () => open(`s3://${await bucket}/letters`),
        rows: async () => rowsOf(await objectsIn(await bucket)),
      }
    },
    { exactlyOnce: true },
  )

  it('a batch is an object that its name tells of, in the folder that the place names', async () => {
    const bucket = await freshBucket()
    const sink = await open(`s3://${bucket}/orders/rejected/`)
    await sink.write([range('a/b_c', 2, 4, () => [{ reason: 'bad-json' }]), part('w-1', [7], 'by_day')])
    const [operators, splits] = await objectsIn(bucket)
    expect(splits!.Key).toMatch(
      /^orders\/rejected\/s\.a%2Fb%5Fc_00000000000000000001_00000000000000000003_[0-9a-f]{32}\.ndjson$/,
    )
    expect(splits!.text).toBe(
      [2, 3]
        .map(
          (i) =>
            `{"order":"0000000000000000000${i}","id":"a/b_c/0000000000000000000${i}/0","row":{"reason":"bad-json"}}\n`,
        )
        .join(''),
    )
    expect(operators!.Key).toMatch(/^orders\/rejected\/o\.by%5Fday_w-1_[0-9a-f]{32}\.ndjson$/)
    expect(operators!.text).toBe('{"id":"by_day/w-1/0","row":7}\n')
    const names = [operators!, splits!].map(({ Key }) => namedRows(Key.slice('orders/rejected/'.length)))
    expect(names).toEqual([
      { group: 'o.by%5Fday_w-1', from: '' },
      { group: 's.a%2Fb%5Fc', from: '00000000000000000001' },
    ])
  })

  it('a batch of many MB is several objects, and a row of more is one', async () => {
    const bucket = await freshBucket()
    const sink = await open(`s3://${bucket}`)
    const batch = range('s', 0, 5, (i) => ['x'.repeat(i === 2 ? 6_000_000 : 1_500_000)])
    for (let attempt = 0; attempt < 2; attempt++) await sink.write([batch])
    const found = await objectsIn(bucket)
    const orders = found.map(({ text }) => linesOf(text).map(({ order }) => Number(order)))
    expect(orders.sort((a, b) => a[0]! - b[0]!)).toEqual([[0, 1], [2], [3, 4]])
  })

  it('names that are too long, or that none can hold, stay apart', async () => {
    const bucket = await freshBucket()
    const splits = ['x'.repeat(5_000), `${'x'.repeat(4_999)}y`, 'half a \ud800', 'half a \ud801', 'half a \ufffd']
    const sink = await open(`s3://${bucket}`)
    for (const split of splits) await sink.write([range(split, 0, 1, () => [split])])
    const long = { ...range('z'.repeat(5_000), 0, 1), from: 'f'.repeat(2_000) }
    await sink.write([long, { ...long, to: 't'.repeat(2_000) }, part('p'.repeat(5_000), ['p'])])
    const found = await objectsIn(bucket)
    expect(found.map(({ Key }) => Key.length).every((length) => length < 200)).toBe(true)
    expect(found).toHaveLength(8)
    expect(found.every(({ Key }) => namedRows(Key) !== undefined)).toBe(true)
    expect(rowsOf(found)).toHaveLength(7)
  })

  it('what stands is not written again, whoever comes later', async () => {
    const bucket = await freshBucket()
    const first = await open(`s3://${bucket}`)
    await first.write([range('s', 1, 3, () => ['first'])])
    await (await open(`s3://${bucket}`)).write([range('s', 1, 3, () => ['second']), range('s', 2, 4, () => ['third'])])
    const found = await objectsIn(bucket)
    expect(found.map(({ text }) => linesOf(text).map(({ row }) => row))).toEqual([
      ['first', 'first'],
      ['third', 'third'],
    ])
    expect(rowsOf(found)).toEqual(['first', 'first', 'third'])
  })

  it('other rows in the same range are kept too: an operator may have had a record skipped', async () => {
    const bucket = await freshBucket()
    const sink = await open(`s3://${bucket}`)
    const all = range('s', 0, 3)
    await sink.write([{ ...all, rows: all.rows.slice(1) }])
    await sink.write([all])
    expect(rowsOf(await objectsIn(bucket))).toEqual(['s:0', 's:1', 's:2'])
  })

  it('a bucket that is not there, and a place that is none, are one sentence', async () => {
    const sink = await open('s3://no-such-bucket')
    const error = await sink.write([range('s', 0, 1)]).catch((thrown) => thrown)
    expect(error).toBeInstanceOf(ConfigError)
    expect(error.message).toBe(
      `The bucket "no-such-bucket" does not exist at ${aws.endpoint}. Check its name, the region and the account, or create it.`,
    )
    await expect(open('s3://No_Bucket')).rejects.toThrow(
      "A bucket is given as s3://NAME or s3://NAME/PREFIX, with a name of 3 to 63 lower-case letters, digits, '-' and '.'; it is \"s3://No_Bucket\".",
    )
  })
})

describe('a bucket that answers ill', () => {
  let server: Server
  let answers: [status: number, code: string][] = []
  let asked = 0
  beforeAll(async () => {
    server = createServer((request, response) => {
      request.resume().on('end', () => {
        asked++
        const [status, code] = answers.shift() ?? [200, '']
        response.writeHead(status, { 'content-type': 'application/xml' })
        response.end(code && `<Error><Code>${code}</Code><Message>as it is</Message></Error>`)
      })
    })
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  })
  beforeEach(() => {
    asked = 0
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'local')
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'local')
    vi.stubEnv('AWS_REGION', REGION)
  })
  afterEach(() => vi.unstubAllEnvs())
  afterAll(() => server.close())

  const open = (): Promise<Sink> =>
    openBucket('s3://letters', { endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}` })
  const write = async () => {
    const sink = await open()
    await sink.write([range('s', 0, 1)]).finally(() => sink.close())
  }

  it.each([
    [503, 'SlowDown'],
    [500, 'InternalError'],
    [400, 'RequestTimeout'],
    [403, 'RequestTimeTooSkewed'],
    [409, 'OperationAborted'],
    [409, 'ConditionalRequestConflict'],
    [400, 'KMS.ThrottlingException'],
  ])('with %i %s is asked again', async (status, code) => {
    answers = [[status, code]]
    await write()
    expect(asked).toBe(2)
  })

  it('with 412 has the rows already', async () => {
    answers = [[412, 'PreconditionFailed']]
    await write()
    expect(asked).toBe(1)
  })

  it('is asked little in a flood: six chunks of 10,000 rejected records are 6 writes', async () => {
    const sink = await open()
    const letter = {
      reason: 'bad-json',
      detail: 'x'.repeat(60),
      source: 'orders',
      split: 'orders-0',
      payload: '{'.repeat(80),
    }
    for (let chunk = 0; chunk < 6; chunk++)
      await sink.write([range('orders/orders-0', chunk * 10_000, (chunk + 1) * 10_000, () => [letter])])
    await sink.close()
    expect(asked).toBe(6)
  })

  it('stops a write of many objects at the first that is refused', async () => {
    answers = [[403, 'AccessDenied']]
    const sink = await open()
    const batches = Array.from({ length: 200 }, (_, i) => part(`p${i}`, [i]))
    await expect(sink.write(batches)).rejects.toThrow('refuses the call')
    const then = asked
    await sink.close()
    expect(then).toBeLessThanOrEqual(64)
    expect(asked).toBe(then)
  })

  it.each([
    [403, 'AccessDenied', /^The bucket "letters" refuses the call at .*: as it is\.$/],
    [
      301,
      'PermanentRedirect',
      /^The bucket "letters" is in another region, not at .*\. Give the region that it is in\.$/,
    ],
    [403, 'SignatureDoesNotMatch', /^The AWS credentials are not accepted for the bucket "letters"/],
  ])('with %i %s is one sentence', async (status, code, words) => {
    answers = [[status, code]]
    await expect(write()).rejects.toThrow(words)
    expect(asked).toBe(1)
  })
})
