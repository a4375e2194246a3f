import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { LETTER_RECORD_BYTES_MAX } from '../../lib/base/index.js'
import { gzip, json, kafkaSource, kinesisSource, ndjson, outOfOrder, pipeline } from '../../lib/index.js'
import { keptRecord } from '../../lib/runtime/letter-record.js'
import { LIMITS } from '../../lib/runtime/limits.js'
import type { SourceOptions } from '../../lib/sources/node.js'
import { kinesisEvent, kinesisRecord } from '../../lib/testing/events.js'
import { aggregate } from '../../lib/testing/kpl-writer.js'
import { fileEvent, Harness } from './harness.js'
import { at, counting, type Reading } from './pipelines.js'

const T = 1_700_000_000_000
const options: SourceOptions<Reading> = { timestamp: (r) => r.t, watermark: outOfOrder('2s') }
const boom = (r: Reading): Reading => {
  if (r.v < 0) throw new Error('a slip')
  return r
}
const kafka = (more: Partial<SourceOptions<Reading>> = {}) =>
  new Harness(
    pipeline('letters', { deadLetter: ndjson('dead') }, (p) =>
      p
        .from(kafkaSource<Reading>('readings', { ...options, ...more }))
        .map(boom)
        .to(ndjson('rows')),
    ),
  )

interface Sent {
  readonly value: string | Buffer | null
  readonly key?: Buffer
  readonly headers?: unknown[]
  readonly timestamp?: number
}
const kafkaEvent = (...records: Sent[]) => ({
  eventSource: 'aws:kafka',
  bootstrapServers: 'b:9092',
  records: {
    'readings-0': records.map(({ value, key, headers = [], timestamp = T }, offset) => ({
      topic: 'readings',
      partition: 0,
      offset,
      timestamp,
      timestampType: 'CREATE_TIME',
      ...(key && { key: key.toString('base64') }),
      ...(value !== null && { value: Buffer.from(value as string).toString('base64') }),
      headers,
    })),
  },
})
const bytes = (...list: number[]) => list

async function letters(world: Harness, event: unknown): Promise<any[]> {
  expect(await world.container().ingest(event)).toEqual({ batchItemFailures: [] })
  return world.rows.get('dead') ?? []
}
const records = async (world: Harness, event: unknown): Promise<unknown[]> =>
  (await letters(world, event)).map(({ record }) => record)

describe('a dead letter keeps its record', () => {
  it('byte by byte, where its value would be another text', async () => {
    const texts = [
      `{"t":${T},"k":"a","v":-1,"id":1524831183200260097}`,
      `{ "t":${T}, "v":-1, "v":-2, "price":1.10 }`,
      '{oops',
      '\ufeff[]',
    ]
    const found = await letters(
      kafka(),
      kafkaEvent(...texts.map((value) => ({ value })), { value: Buffer.from([0xff, 0]) }),
    )
    expect(found.map(({ reason, record }) => [reason, record.value])).toEqual([
      ['inexact-number', texts[0]],
      ['step-threw', texts[1]],
      ['bad-json', texts[2]],
      ['bad-timestamp', texts[3]],
      ['bad-utf8', { base64: '/wA=' }],
    ])
    expect(found[1].payload).toEqual({ t: T, v: -2, price: 1.1 })
  })

  it('with key, headers in their order and timestamp', async () => {
    const value = JSON.stringify(at(1, 'a', -1))
    const world = kafka()
    const found = await records(
      world,
      kafkaEvent(
        {
          value,
          key: Buffer.from([0, 0, 0, 132]),
          headers: [{ b: bytes(49) }, { a: bytes(-1) }, { b: bytes(50) }, { n: null }],
          timestamp: T + 7,
        },
        { value, key: Buffer.from('cust-1'), timestamp: -1 },
        { value, key: Buffer.alloc(0) },
        { value },
      ),
    )
    expect(found).toEqual([
      {
        value,
        key: { base64: 'AAAAhA==' },
        headers: [
          ['b', '1'],
          ['a', { base64: '/w==' }],
          ['b', '2'],
          ['n', null],
        ],
        timestamp: T + 7,
      },
      { value, key: 'cust-1' },
      { value, key: '', timestamp: T },
      { value, timestamp: T },
    ])
  })

  it('as it came, where a codec unpacks it', async () => {
    const packed = gzipSync(JSON.stringify(at(1, 'a', -1)))
    expect(await records(kafka({ decode: gzip(json()) }), kafkaEvent({ value: packed }))).toEqual([
      { value: { base64: packed.toString('base64') }, timestamp: T },
    ])
  })

  it('and of one value of many that value, or none', async () => {
    const lines = [at(1), at(2, 'a', -1), at(3, 'a', -2)].map((row) => JSON.stringify(row))
    const event = kafkaEvent({ value: lines.join('\n'), key: Buffer.from('k') }, { value: lines[1]! })
    expect(await records(kafka({ decode: ndjson() as never }), event)).toEqual([
      { value: lines[1], part: true, key: 'k', timestamp: T },
      { value: lines[2], part: true, key: 'k', timestamp: T },
      { value: lines[1], timestamp: T },
    ])
    const decode = (all: Uint8Array) =>
      Buffer.from(all)
        .toString()
        .split('\n')
        .map((line) => JSON.parse(line))
    expect(await records(kafka({ decode }), event)).toEqual([undefined, undefined, { value: lines[1], timestamp: T }])
    const key = Buffer.alloc(1_025, 'k')
    expect(await records(kafka({ decode: ndjson() as never }), kafkaEvent({ value: lines.join('\n'), key }))).toEqual([
      undefined,
      undefined,
    ])
  })

  it('under its partition key, also out of an aggregate, or the whole of one that cannot be read', async () => {
    const world = new Harness(
      pipeline('letters', { deadLetter: ndjson('dead') }, (p) =>
        p.from(kinesisSource<Reading>('readings', options)).map(boom).to(ndjson('rows')),
      ),
    )
    const data = JSON.stringify({ t: T, k: 'a', v: -1 })
    const whole = aggregate([
      { key: 'é', data },
      { key: 'b', data: JSON.stringify({ t: T, k: 'a', v: 1 }), hashKey: '12345' },
      { key: 'c', data: '{oops' },
    ])
    const unreadable = aggregate([], Buffer.from([0xff, 0xff]))
    const event = kinesisEvent(
      [Buffer.from(data), whole, unreadable].map((record, i) =>
        kinesisRecord({
          split: 'shardId-000000000000',
          sequence: String(100 + i),
          partitionKey: `outer-${i}`,
          data: record.toString('base64'),
          arrivalMs: T,
          region: 'eu-west-1',
          arn: 'arn:aws:kinesis:eu-west-1:123456789012:stream/readings',
        }),
      ),
    )
    const found = await letters(world, JSON.parse(event))
    expect(found.map(({ reason, record }) => [reason, record])).toEqual([
      ['step-threw', { value: data, partitionKey: 'outer-0' }],
      ['step-threw', { value: data, partitionKey: 'é' }],
      ['bad-json', { value: '{oops', partitionKey: 'c' }],
      ['bad-aggregate', { value: { base64: unreadable.toString('base64') }, partitionKey: 'outer-2' }],
    ])
  })

  it('of a file too; not where the event has no sound bytes of it', async () => {
    const world = new Harness(counting())
    await world.container().ingest(fileEvent('readings', 'p', 0, ['{bad', '"\ud800']))
    expect(world.rows.get('dead')!.map(({ record }) => record)).toEqual([{ value: '{bad' }, undefined])
    const bad = kafkaEvent({ value: '{}' })
    ;(bad.records['readings-0'][0] as { value: string }).value = '!!!!'
    expect((await letters(kafka(), bad)).map(({ reason, record }) => [reason, record])).toEqual([
      ['bad-base64', undefined],
    ])
  })

  it('invariant 11: up to a limit, and a chunk counts its bytes', async () => {
    const batch = { sizeBound: () => LETTER_RECORD_BYTES_MAX + 1, unitRaw: undefined } as any
    const sized = (length: number) =>
      keptRecord(
        { ...batch, write: (_: number, target: Buffer) => target.fill(97, 0, length) && length },
        0,
        undefined,
        0,
      )
    expect(sized(LETTER_RECORD_BYTES_MAX)?.bytes).toBe(LETTER_RECORD_BYTES_MAX)
    expect(sized(LETTER_RECORD_BYTES_MAX + 1)).toBeUndefined()
    // Each record has a thousand bytes of headers and five bytes of payload.
    const event = kafkaEvent(
      ...Array.from({ length: 8 }, () => ({ value: '{oops', headers: [{ h: Array(1_000).fill(97) }] })),
    )
    const world = kafka()
    const { pipeline: made } = world
    const bounded = new Harness(made, { limits: { ...LIMITS, chunkBytes: 2_000 } } as never)
    await bounded.container().ingest(event)
    expect(bounded.calls.filter((call) => call === 'sink dead')).toHaveLength(4)
  })

  it('without its payload where the dead letter refuses both, and without either where it refuses that', async () => {
    const world = new Harness(counting())
    world.refuses = (_, value) => (value.payload === null ? undefined : 'it is too large.')
    await world.container().ingest(fileEvent('readings', 'p', 0, ['{bad']))
    expect(world.rows.get('dead')).toMatchObject([
      { payload: null, record: { value: '{bad' }, refused: 'it is too large.' },
    ])
    const small = new Harness(counting())
    small.refuses = (_, value) => (value.record === undefined ? undefined : 'it is too large.')
    await small.container().ingest(fileEvent('readings', 'p', 0, ['{bad']))
    expect(small.rows.get('dead')).toMatchObject([{ payload: null, refused: 'it is too large.' }])
    expect(small.rows.get('dead')![0]).not.toHaveProperty('record')
  })
})

describe('an aggregate that an operator had skipped', () => {
  it('is kept whole, under its own partition key', async () => {
    const world = new Harness(
      pipeline('letters', { deadLetter: ndjson('dead') }, (p) =>
        p.from(kinesisSource<Reading>('readings', options)).to(ndjson('rows')),
      ),
    )
    const records = [['one'], ['two', 'three']].map((keys) =>
      aggregate(keys.map((key) => ({ key, data: JSON.stringify(at(1)) }))),
    )
    const eventOf = (...which: number[]) =>
      JSON.parse(
        kinesisEvent(
          which.map((i) =>
            kinesisRecord({
              split: 'shardId-000000000000',
              sequence: String(100 + i),
              partitionKey: `outer-${i}`,
              data: records[i]!.toString('base64'),
              arrivalMs: T,
              region: 'eu-west-1',
              arn: 'arn:aws:kinesis:eu-west-1:123456789012:stream/readings',
            }),
          ),
        ),
      )
    await world.container().ingest(eventOf(0))
    const split = 'readings/shardId-000000000000'
    const { position } = (await world.split(split))!
    await world.edit(split, { skip: position as string })
    await world.container().ingest(eventOf(0, 1))
    expect(world.rows.get('dead')).toMatchObject([
      {
        reason: 'skipped',
        records: 2,
        record: { value: expect.anything(), partitionKey: 'outer-1' },
      },
    ])
    const { value } = world.rows.get('dead')![0].record
    expect(Buffer.from(value.base64, 'base64')).toEqual(records[1])
  })
})
