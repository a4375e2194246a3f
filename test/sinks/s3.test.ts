import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { CreateBucketCommand, GetObjectCommand, paginateListObjectsV2, S3Client } from '@aws-sdk/client-s3'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { ConfigError } from '../../lib/index.js'
import type { Sink } from '../../lib/ports/index.js'
import { openBucket } from '../../lib/sinks/s3/index.js'
import { LocalAws, REGION } from '../services/aws/local-aws.js'
import { awsToolsFor } from '../services/aws/tools.js'
import { describeSink, range } from './conformance.js'

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
  }, 90_000)
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
        // Objects have no order: a reader's is that of their ids.
        rows: async () =>
          (await objectsIn(await bucket))
            .map(({ text }): { id: string; row: unknown } => JSON.parse(text))
            .sort((a, b) => byNumbers.compare(a.id, b.id))
            .map(({ row }) => row),
      }
    },
    { exactlyOnce: true, rowsAtOnce: 2_000 },
  )

  it('a row is an object under its id, in the folder that the place names', async () => {
    const bucket = await freshBucket()
    await (await open(`s3://${bucket}/orders/rejected/`)).write([range('a/b', 0, 1, () => [{ reason: 'bad-json' }])])
    expect(await objectsIn(bucket)).toEqual([
      {
        Key: 'orders/rejected/a%2Fb%2F00000000000000000000%2F0.json',
        text: '{"id":"a/b/00000000000000000000/0","row":{"reason":"bad-json"}}\n',
      },
    ])
  })

  it('a row of some MB is whole, and ids that no name can hold stay apart', async () => {
    const bucket = await freshBucket()
    const ids = ['x'.repeat(5_000), `${'x'.repeat(4_999)}y`, 'half a \ud800', 'half a \ud801', 'half a \ufffd']
    const rows = ids.map((id, i) => ({ id, order: String(i), value: { payload: String(i).repeat(6_000_000) } }))
    const sink = await open(`s3://${bucket}`)
    for (const row of rows) await sink.write([{ kind: 'split', split: 's', from: '0', to: '1', rows: [row] }])
    const found = await objectsIn(bucket)
    expect(found.map(({ text }) => JSON.parse(text).row.payload[0]).sort()).toEqual(['0', '1', '2', '3', '4'])
    expect(found.map(({ text }) => JSON.parse(text).row.payload.length)).toEqual(ids.map(() => 6_000_000))
  })

  it('what stands is not written again, whoever comes later', async () => {
    const bucket = await freshBucket()
    const first = await open(`s3://${bucket}`)
    await first.write([range('s', 0, 2, () => ['first'])])
    await (await open(`s3://${bucket}`)).write([range('s', 1, 3, () => ['second'])])
    expect((await objectsIn(bucket)).map(({ text }) => JSON.parse(text).row)).toEqual(['first', 'first', 'second'])
  })

  it('a bucket that is not there, and a place that is none, are one sentence', async () => {
    const sink = await open('s3://no-such-bucket')
    const error = await sink.write([range('s', 0, 1)]).catch((thrown) => thrown)
    expect(error).toBeInstanceOf(ConfigError)
    expect(error.message).toBe(
      `The bucket "no-such-bucket" does not exist at ${aws.endpoint}. Check its name, the region and the account, or create it.`,
    )
    await expect(open('s3://No_Bucket')).rejects.toThrow(
      "A bucket is given as s3://NAME or s3://NAME/PREFIX, its name of 3 to 63 lower-case letters, digits, '-' and '.'; it is \"s3://No_Bucket\".",
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

  const write = async () => {
    const sink = await openBucket('s3://letters', {
      endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    })
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

  it('with 412 has the row already', async () => {
    answers = [[412, 'PreconditionFailed']]
    await write()
    expect(asked).toBe(1)
  })

  it.each([
    [403, 'AccessDenied', /^The bucket "letters" refuses the call at .*: as it is\.$/],
    [301, 'PermanentRedirect', /^The bucket "letters" is in another region, and not at .*\. Give its own\.$/],
    [403, 'SignatureDoesNotMatch', /^The AWS credentials are not accepted for the bucket "letters"/],
  ])('with %i %s is one sentence', async (status, code, words) => {
    answers = [[status, code]]
    await expect(write()).rejects.toThrow(words)
    expect(asked).toBe(1)
  })
})
