import {
  CreateBucketCommand,
  GetObjectCommand,
  PutObjectCommand,
  paginateListObjectsV2,
  S3Client,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { DeadLetter, DeadLetters } from '../../lib/dev/dead-letters/letter.js'
import { openLetters } from '../../lib/dev/dead-letters/open.js'
import { readAhead } from '../../lib/dev/dead-letters/read-ahead.js'
import type { SinkBatch } from '../../lib/ports/index.js'
import { openBucket } from '../../lib/sinks/s3/index.js'
import { LocalAws, REGION } from '../services/aws/local-aws.js'
import { awsToolsFor } from '../services/aws/tools.js'
import { part, range } from '../sinks/conformance.js'

const tools = await awsToolsFor('the suite of dead letters in a bucket')

const letter = (n: number) => ({
  reason: 'bad-json',
  detail: 'no JSON',
  source: 'orders',
  split: 'p',
  payload: `{${n}`,
})
/** Letters of the records from `from` up to, but not, `to`. */
const letters = (from: number, to: number, split = 'orders/p'): SinkBatch =>
  range(split, from, to, (index) => [letter(index)])

describe.skipIf(tools === undefined)('dead letters in a bucket', () => {
  let aws: LocalAws
  let client: S3Client
  let Bucket: string
  let buckets = 0
  beforeAll(async () => {
    aws = await LocalAws.start(tools!)
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'local')
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'local')
    vi.stubEnv('AWS_REGION', REGION)
    vi.stubEnv('AWS_ENDPOINT_URL_S3', aws.endpoint)
    client = new S3Client({ endpoint: aws.endpoint, forcePathStyle: true })
  }, 90_000)
  afterAll(async () => {
    client?.destroy()
    await aws?.stop()
    vi.unstubAllEnvs()
  })

  /** Each element is one write of an attempt, into a bucket of its own. */
  async function written(...writes: SinkBatch[][]): Promise<DeadLetters> {
    Bucket = `letters-${buckets++}`
    await client.send(new CreateBucketCommand({ Bucket, CreateBucketConfiguration: { LocationConstraint: REGION } }))
    const sink = await openBucket(`s3://${Bucket}/rejected`)
    for (const batches of writes) await sink.write(batches)
    await sink.close()
    return await opened()
  }
  const opened = (): Promise<DeadLetters> => openLetters({ bucket: `s3://${Bucket}/rejected` }, {})

  async function objects(): Promise<{ key: string; payloads: string[] }[]> {
    const found: { key: string; payloads: string[] }[] = []
    for await (const { Contents } of paginateListObjectsV2({ client }, { Bucket }))
      for (const { Key } of Contents ?? []) {
        const text = await (await client.send(new GetObjectCommand({ Bucket, Key }))).Body!.transformToString()
        const lines = text.trimEnd().split('\n')
        found.push({ key: Key!, payloads: lines.map((line) => JSON.parse(line).row?.payload ?? line) })
      }
    return found
  }
  const payloads = async (): Promise<string[][]> => (await objects()).map((object) => object.payloads)

  async function all(from: DeadLetters): Promise<DeadLetter[]> {
    const found: DeadLetter[] = []
    for await (const one of from.all()) found.push(one)
    return found
  }
  const shown = (found: readonly DeadLetter[]) => found.map(({ payload }) => payload)

  it('are given each once, however attempts had cut their splits', async () => {
    const from = await written(
      [letters(0, 5), letters(0, 2, 'orders/q')],
      [letters(0, 3)],
      [letters(3, 8), part('w1', [letter(100), letter(101)])],
      [letters(6, 9)],
      [letters(9, 12)],
    )
    const found = await all(from)
    expect(new Set(found.map(({ id }) => id)).size).toBe(found.length)
    const ofOrders = [...Array(12).keys(), 0, 1].map((n) => `{${n}`)
    expect(shown(found).sort()).toEqual([...ofOrders, '{100', '{101'].sort())
    from.close()
  })

  it('nothing else is: other objects, other lines, and the folder of another run', async () => {
    const from = await written([letters(0, 2)])
    const { key } = (await objects())[0]!
    const put = (Key: string, Body: string) => client.send(new PutObjectCommand({ Bucket, Key, Body }))
    await put('rejected/notes.txt', 'of ours')
    await put('rejected/s.x_0_%zz_no-digest.ndjson', '{}')
    await put(`rejected/s.x_%zz_1_${'0'.repeat(32)}.ndjson`, '{"id":"a","row":{"reason":"bad-json"}}\n')
    await put(key.replace('rejected/', 'rejected/run-2/'), '{"id":"b","row":{"reason":"bad-json"}}\n')
    await put(
      `rejected/s.x_0_1_${'0'.repeat(32)}.ndjson`,
      'no JSON\n{"id":"c","row":{"reason":"schema"}}\n[]\n\n{"id":7}',
    )
    expect((await all(from)).map(({ reason }) => reason)).toEqual(['bad-json', 'bad-json', 'schema'])
    from.close()
  })

  it('go with their object once all of them were sent, and with each that holds them', async () => {
    const from = await written([letters(0, 5)], [letters(0, 3)], [letters(3, 8)])
    await from.remove(await all(from))
    expect(await objects()).toEqual([])
    from.close()
  })

  it('stay where they were not sent, though their object had others', async () => {
    const from = await written([letters(0, 5)], [letters(0, 3)], [letters(3, 8)], [letters(8, 10)])
    const found = await all(from)
    await from.remove(found.filter((_, n) => n % 2 === 0))
    expect((await payloads()).flat().sort()).toEqual(['{1', '{1', '{3', '{3', '{5', '{7', '{9'])
    // The same ids again, as if by an attempt that comes late: what was sent does not come back.
    const sink = await openBucket(`s3://${Bucket}/rejected`)
    await sink.write([letters(0, 5), letters(8, 10)])
    await sink.close()
    const next = await opened()
    expect(shown(await all(next))).toEqual(['{1', '{3', '{5', '{7', '{9'])
    next.close()
    from.close()
  })

  it('that were sent while a look went on go, and those that it did not reach stay', async () => {
    const from = await written([letters(0, 3)], [letters(3, 100)])
    const sent: DeadLetter[] = []
    for await (const one of from.all()) {
      if (sent.length === 50) break
      sent.push(one)
      await from.remove([one])
    }
    await from.finish()
    expect((await payloads()).flat()).toEqual(Array.from({ length: 50 }, (_, n) => `{${n + 50}`))
    from.close()
  })

  it('of one object by two at a time: each takes out what it has sent, and none comes back', async () => {
    const from = await written([letters(0, 6)])
    const other = await opened()
    const [mine, others] = [await all(from), await all(other)]
    await Promise.all([from.remove(mine.slice(0, 2)), other.remove(others.slice(1, 4))])
    expect(await payloads()).toEqual([['{4', '{5']])
    await other.remove(others.slice(4))
    expect(await objects()).toEqual([])
    await from.remove(mine.slice(2))
    expect(await objects()).toEqual([])
    from.close()
    other.close()
  })

  it('and what is no letter stays in its object', async () => {
    const from = await written()
    const line = (id: string): string => JSON.stringify({ order: '1', id, row: letter(1) })
    const Key = `rejected/s.x_0_1_${'0'.repeat(32)}.ndjson`
    await client.send(new PutObjectCommand({ Bucket, Key, Body: `${line('a')}\n{"id":"b","row":7}\n${line('c')}\n` }))
    await from.remove(await all(from))
    expect(await payloads()).toEqual([['{"id":"b","row":7}']])
    from.close()
  })

  it('are given each once where each object overlaps the next', { timeout: 60_000 }, async () => {
    const chunks = Array.from({ length: 60 }, (_, i) => [letters(i * 10, i * 10 + 12)])
    const from = await written(...chunks)
    expect(shown(await all(from))).toEqual(Array.from({ length: 602 }, (_, n) => `{${n}`))
    from.close()
  })
})

describe('reading ahead', () => {
  it('keeps the order, and bounds what is under way by number and bytes', async () => {
    const sizes = Array.from({ length: 60 }, (_, i) => (i % 7 === 3 ? 500 : 10 + i))
    let bytes = 0
    let elements = 0
    const most = { bytes: 0, elements: 0 }
    const results: number[] = []
    const work = async (index: number): Promise<number> => {
      bytes += sizes[index]!
      elements++
      most.elements = Math.max(most.elements, elements)
      if (elements > 1) most.bytes = Math.max(most.bytes, bytes)
      await new Promise((done) => setTimeout(done, (index * 7) % 5))
      return index
    }
    for await (const index of readAhead([...sizes.keys()], { elements: 4, bytes: 200 }, (i) => sizes[i]!, work)) {
      results.push(index)
      await new Promise((done) => setTimeout(done, index % 3))
      bytes -= sizes[index]!
      elements--
    }
    expect(results).toEqual([...sizes.keys()])
    expect(most.elements).toBe(4)
    expect(most.bytes).toBeLessThanOrEqual(200)
  })

  it('throws what failed where it would have come', async () => {
    const results: number[] = []
    const work = async (n: number): Promise<number> => {
      if (n === 2) throw new Error('two')
      return n
    }
    const reading = async (): Promise<void> => {
      for await (const n of readAhead([0, 1, 2, 3], { elements: 4, bytes: 4 }, () => 1, work)) results.push(n)
    }
    await expect(reading()).rejects.toThrow('two')
    expect(results).toEqual([0, 1])
  })
})
