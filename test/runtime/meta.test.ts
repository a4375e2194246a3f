import { describe, expect, it } from 'vitest'
import {
  avg,
  collect,
  count,
  distinctCount,
  first,
  hex,
  kafkaSource,
  kinesisSource,
  last,
  max,
  maxBy,
  min,
  minBy,
  ndjson,
  outOfOrder,
  pipeline,
  stddev,
  sum,
  sumDecimal,
  tumbling,
} from '../../lib/index.js'
import type { Builder, Stream } from '../../lib/pipeline/index.js'
import type { RecordMeta } from '../../lib/ports/index.js'
import { kinesisEvent, kinesisRecord } from '../../lib/testing/events.js'
import { aggregate } from '../../lib/testing/kpl-writer.js'
import { Harness } from './harness.js'

interface Reading {
  readonly t: number
  readonly v: number
}
const T = 1_700_000_000_000
const options = { timestamp: (r: Reading) => r.t, watermark: outOfOrder('2s') }
const bytesOf = (id: number) => Buffer.from([0, 0, 0, 0, 0, 0, 0, id])

/** One Kafka event of a partition: one record for each key, with its offset in a header. */
const keyed = (...keys: (Buffer | null)[]) => ({
  eventSource: 'aws:kafka',
  bootstrapServers: 'b:9092',
  records: {
    'readings-0': keys.map((key, offset) => ({
      topic: 'readings',
      partition: 0,
      offset,
      timestamp: T + offset,
      timestampType: 'LOG_APPEND_TIME',
      ...(key && { key: key.toString('base64') }),
      value: Buffer.from(JSON.stringify({ t: T, v: offset })).toString('base64'),
      headers: [{ n: [...Buffer.from(String(offset))] }, { raw: [-1, offset] }],
    })),
  },
})

const made = (build: (p: Builder, stream: Stream<Reading, RecordMeta>) => unknown) =>
  new Harness(
    pipeline('meta', { deadLetter: ndjson('dead'), keyGroups: 2 }, (p) =>
      build(p, p.from(kafkaSource<Reading>('readings', options))),
    ),
  )

/** The rows of each sink, once all windows are closed. */
async function rowsOf(world: Harness, event: unknown): Promise<Map<string, any[]>> {
  expect(await world.container().ingest(event)).toEqual({ batchItemFailures: [] })
  world.sources.readings!.splits = [{ split: 'readings-0', closed: true }]
  await world.container().tick()
  return world.rows
}

describe('the meta of a record', () => {
  it('reaches every step after a source, as that of its own record', async () => {
    const world = made((_, stream) =>
      stream
        .filter((_, meta) => meta.header('n') !== '0')
        .flatMap((r, meta) => [r, { ...r, v: -Number(meta.position) }])
        .sideOutput(
          (r, meta) => r.v < 0 && meta.header('n') === '2',
          (side) => side.map((r, meta) => [r.v, meta.header('n')]).to(ndjson('side')),
        )
        .map((r, meta) => ({
          v: r.v,
          place: [meta.source, meta.split, meta.arrivalMs],
          key: [meta.key, hex(meta.keyBytes)],
          headers: [meta.header('n'), meta.header('raw') ?? 'no text', [...meta.headerBytes('raw')!]],
          none: [meta.header('none') ?? 'none', meta.headerBytes('none') ?? 'none'],
        }))
        .to(ndjson('rows')),
    )
    const rows = await rowsOf(world, keyed(null, bytesOf(132), bytesOf(65), null))
    const row = (n: number, v: number, key: unknown) => ({
      v,
      place: ['readings', 'readings-0', T + n],
      key,
      headers: [String(n), 'no text', [255, n]],
      none: ['none', 'none'],
    })
    const text = [`${'\0'.repeat(7)}A`, '0000000000000041']
    expect(rows.get('rows')).toEqual([
      row(1, 1, [null, '0000000000000084']),
      row(1, -1, [null, '0000000000000084']),
      row(2, 2, text),
      row(3, 3, [null, null]),
      row(3, -3, [null, null]),
    ])
    expect(rows.get('side')).toEqual([[-2, '2']])
  })

  it('makes keys of bytes that are no text, one row each', async () => {
    const world = made((_, stream) =>
      stream
        .keyBy((_, meta) => hex(meta.keyBytes))
        .window(tumbling('10s'))
        .aggregate('w', { n: count() })
        .to(ndjson('out')),
    )
    const rows = await rowsOf(world, keyed(...[132, 133, 200, 65, 132].map(bytesOf), null))
    expect(
      rows
        .get('out')!
        .map(({ key, value }) => [key, value.n])
        .sort(),
    ).toEqual([
      [null, 1],
      ['0000000000000041', 1],
      ['0000000000000084', 2],
      ['0000000000000085', 1],
      ['00000000000000c8', 1],
    ])
  })

  it('reaches what folds read, and steps after an aggregate have none', async () => {
    const told: unknown[] = []
    const n = (_: Reading, meta: RecordMeta): number => Number(meta.header('n'))
    const world = made((_, stream) =>
      stream
        .keyBy((_, meta) => meta.split)
        .window(tumbling('10s'))
        .aggregate('w', {
          some: count((_, meta) => meta.key),
          sum: sum(n),
          sumOrNull: sum(n, { empty: null }),
          exact: sumDecimal((_, meta) => meta.header('n')),
          mean: avg(n),
          spread: stddev(n, { of: 'population' }),
          least: min(n),
          most: max(n),
          opening: first(n),
          closing: last(n),
          best: maxBy(n, (_, meta) => meta.header('n')),
          worst: minBy(n, (_, meta) => meta.header('n')),
          all: collect(n),
          keys: distinctCount((_, meta) => hex(meta.keyBytes)),
        })
        .map((result, ...meta) => {
          told.push(...meta)
          return result
        })
        .to(ndjson('out')),
    )
    const rows = await rowsOf(world, keyed(Buffer.from('k'), bytesOf(200), Buffer.from('k'), null))
    expect(rows.get('out')!.map(({ value }) => value)).toEqual([
      {
        some: 2,
        sum: 6,
        sumOrNull: 6,
        exact: '6',
        mean: 1.5,
        spread: Math.sqrt(1.25),
        least: 0,
        most: 3,
        opening: 0,
        closing: 3,
        best: '3',
        worst: '0',
        all: [0, 1, 2, 3],
        keys: 2,
      },
    ])
    expect(told).toEqual([undefined])
  })

  it('is that of the user record where Kinesis records hold many', async () => {
    const source = kinesisSource<Reading>('readings', options)
    const world = new Harness(
      pipeline('meta', { deadLetter: ndjson('dead') }, (p) =>
        p
          .from(source)
          .map((r, meta) => [r.v, meta.key, hex(meta.keyBytes), meta.header('n') ?? 'none'])
          .to(ndjson('rows')),
      ),
    )
    const users = ['é', 'b'].map((key, v) => ({ key, data: JSON.stringify({ t: T, v }) }))
    const record = kinesisRecord({
      split: 'shardId-000000000000',
      sequence: '100',
      partitionKey: 'outer',
      data: aggregate(users).toString('base64'),
      arrivalMs: T,
      region: 'eu-west-1',
      arn: 'arn:aws:kinesis:eu-west-1:123456789012:stream/readings',
    })
    await world.container().ingest(JSON.parse(kinesisEvent([record])))
    expect(world.rows.get('rows')).toEqual([
      [0, 'é', 'c3a9', 'none'],
      [1, 'b', '62', 'none'],
    ])
  })
})
