import { readFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import type { StreamInput } from '../../lib/dev/input/stream-input.js'
import { buildEvent } from '../../lib/dev/poller/events.js'
import {
  type CloudWatchLogEvent,
  cloudWatchLogs,
  fileSource,
  gzip,
  kafkaSource,
  kinesisSource,
  ndjson,
  outOfOrder,
  pipeline,
  text,
} from '../../lib/index.js'
import type { SourceOptions } from '../../lib/sources/node.js'
import { inputOf, whole } from '../dev/inputs.js'
import { kafkaEvent, kinesisEvent } from '../handlers/worlds.js'
import { Harness } from '../runtime/harness.js'

const SOURCES = { kinesis: kinesisSource, kafka: kafkaSource, file: fileSource }
type Connector = keyof typeof SOURCES

const LARGE = '{"id":1524831183200260097}'
const latin1 = Buffer.from('{"id":"Zoë"}', 'latin1')

/** Payloads as bytes, and what becomes of each: its rows, or the reason of its letter. */
const CASES: readonly (readonly [
  what: string,
  options: Partial<SourceOptions<any>>,
  payload: string | Buffer,
  becomes: unknown,
])[] = [
  ['an object', {}, '{"a":1}', [{ a: 1 }]],
  ['a mark before it', {}, '\ufeff{"a":1}', [{ a: 1 }]],
  ['Latin-1', {}, latin1, 'bad-utf8'],
  ['no JSON', {}, '{"a":', 'bad-json'],
  ['two values', {}, '{"a":1}{"a":2}', 'bad-json'],
  ['a large id', {}, LARGE, 'inexact-number'],
  ['a large id, as text', { numbers: 'string' }, LARGE, [{ id: '1524831183200260097' }]],
  ['a large id, as a double', { numbers: 'double' }, LARGE, [{ id: 1524831183200260000 }]],
  ['an infinite number', {}, '{"a":1e400}', 'inexact-number'],
  ['a doubled member', {}, '{"a":1,"a":2}', [{ a: 2 }]],
  ['a doubled member, refused', { duplicateMembers: 'reject' }, '{"a":1,"a":2}', 'duplicate-member'],
  ['the key __proto__', {}, '{"__proto__":1}', 'forbidden-key'],
  ['lines', { decode: ndjson() }, '{"a":1}\n{"a":2}', [{ a: 1 }, { a: 2 }]],
  ['values in a row', { decode: ndjson() }, '{"a":1}{"a":2}', [{ a: 1 }, { a: 2 }]],
  ['gzip data', { decode: gzip(ndjson()) }, gzipSync('{"a":1}\n{"a":2}'), [{ a: 1 }, { a: 2 }]],
  ['gzip data that nobody unpacks', {}, gzipSync('{"a":1}'), 'bad-utf8'],
  ['no gzip data', { decode: gzip(ndjson()) }, '{"a":1}', 'bad-gzip'],
  ['a text', { decode: text() }, 'GET /', ['GET /']],
  ['a function', { decode: (data) => [data.length, data.length + 1] }, 'abc', [3, 4]],
  ['a function that throws', { decode: () => JSON.parse('{') }, 'abc', 'decode-threw'],
  ['nothing', { decode: () => [] }, 'abc', []],
]

const made = (connector: Connector, options: Partial<SourceOptions<any>>) =>
  pipeline('decoded', { deadLetter: ndjson('dead') }, (p) =>
    p
      .from(
        SOURCES[connector]<any>('clicks', {
          timestamp: () => 1_700_000_000_000,
          watermark: outOfOrder('1s'),
          ...options,
        }),
      )
      .to(ndjson('rows')),
  )

/** What becomes of the records of an event. */
async function becomes(connector: Connector, options: Partial<SourceOptions<any>>, event: unknown) {
  const world = new Harness(made(connector, options))
  expect(await world.container().ingest(event)).toEqual({ batchItemFailures: [] })
  const letters = world.rows.get('dead') ?? []
  return {
    rows: world.rows.get('rows') ?? [],
    letters: letters.map(({ reason, detail }) => ({ reason, detail })),
  }
}

/** The event that a mapping sends of one record. */
function mappingEvent(connector: Connector, payload: Buffer): unknown {
  const data = payload.toString('base64')
  if (connector === 'file')
    return {
      eventSource: 'millrace:file',
      source: 'clicks',
      records: [{ split: 'a', offset: 0, data, encoding: 'base64' }],
    }
  const event: any = connector === 'kinesis' ? kinesisEvent(0, ['-'], 'clicks') : kafkaEvent({ 0: ['-'] }, 'clicks')
  if (connector === 'kinesis') event.Records[0].kinesis.data = data
  else event.records['clicks-0'][0].value = data
  return event
}

/** What the emulated poller of a local run sends of a record that a file holds. */
function pollerEvent(connector: Connector, payload: string | Buffer): unknown {
  const input: StreamInput = inputOf(connector, [[payload]])
  return JSON.parse(buildEvent(input, [whole(input)], 1_700_000_000_000).json)
}

describe('every source decodes by the same rules, on Lambda and on a laptop', () => {
  it.each(CASES)('%s', async (_, options, payload, wanted) => {
    const bytes = Buffer.from(payload as string)
    const first = await becomes('kinesis', options, mappingEvent('kinesis', bytes))
    expect(typeof wanted === 'string' ? first.letters.map(({ reason }) => reason) : first.rows).toEqual(
      typeof wanted === 'string' ? [wanted] : wanted,
    )
    for (const connector of ['kinesis', 'kafka', 'file'] as const) {
      expect(await becomes(connector, options, mappingEvent(connector, bytes)), `${connector} on Lambda`).toEqual(first)
      expect(await becomes(connector, options, pollerEvent(connector, payload)), `${connector} locally`).toEqual(first)
    }
  })

  it('a line that is text goes to a file event as text, and means the same', async () => {
    const event = (record: object) => ({
      eventSource: 'millrace:file',
      source: 'clicks',
      records: [{ split: 'a', offset: 0, ...record }],
    })
    const asText = await becomes('file', {}, event({ data: '{"a":"é"}' }))
    expect(asText).toEqual({ rows: [{ a: 'é' }], letters: [] })
    expect(
      await becomes('file', {}, event({ data: Buffer.from('{"a":"é"}').toString('base64'), encoding: 'base64' })),
    ).toEqual(asText)
    expect((await becomes('file', {}, event({ data: '{"a":1}', encoding: 'base64' }))).letters).toMatchObject([
      { reason: 'bad-base64' },
    ])
  })
})

describe('events as AWS sends them', () => {
  const fixture = (name: string): any =>
    JSON.parse(readFileSync(new URL(`./fixtures/${name}.json`, import.meta.url), 'utf8'))

  it('a subscription of CloudWatch Logs: its events, and none of a control message', async () => {
    const event = fixture('cloudwatch-logs')
    const logs = pipeline('logs', { deadLetter: ndjson('dead') }, (p) =>
      p
        .from(
          kinesisSource('logs', {
            decode: cloudWatchLogs(),
            timestamp: (e: CloudWatchLogEvent) => e.timestamp,
            watermark: outOfOrder('1m'),
          }),
        )
        .map(({ logGroup, message }) => `${logGroup}: ${message}`)
        .to(ndjson('rows')),
    )
    const world = new Harness(logs)
    await world.container().ingest(event)
    const rows = world.rows.get('rows')!
    expect(world.rows.get('dead')).toBeUndefined()
    expect(rows.length).toBeGreaterThan(0)
    for (const row of rows) expect(row).toMatch(/^\S+: ./)
    const [first] = event.Records
    const [, shard] = /^(.*):/.exec(first.eventID)!
    const counters = JSON.parse((await world.split(`logs/${shard}`))!.counters as string)
    expect(counters[0]).toEqual([rows.length + 1, 0, 1, rows.length, 0, 0, 0, 1])
  })

  it('ids beyond 2^53 are never one row', async () => {
    const event = fixture('large-ids')
    const letters = async (numbers: 'reject' | 'bigint') => {
      const world = new Harness(
        pipeline('ids', { deadLetter: ndjson('dead') }, (p) =>
          p
            .from(
              kinesisSource<any>('orders', {
                numbers,
                timestamp: () => 1_700_000_000_000,
                watermark: outOfOrder('1m'),
              }),
            )
            .map(({ id }) => String(id))
            .to(ndjson('rows')),
        ),
      )
      await world.container().ingest(event)
      return { rows: world.rows.get('rows') ?? [], dead: (world.rows.get('dead') ?? []).map(({ reason }) => reason) }
    }
    const { length } = event.Records
    expect(await letters('reject')).toEqual({ rows: [], dead: Array(length).fill('inexact-number') })
    const { rows } = await letters('bigint')
    expect(new Set(rows).size).toBe(length)
  })

  it('the framing of a schema registry is named', async () => {
    const world = new Harness(
      pipeline('avro', { deadLetter: ndjson('dead') }, (p) =>
        p.from(kafkaSource<any>('orders', { timestamp: () => 0, watermark: outOfOrder('1m') })).to(ndjson('rows')),
      ),
    )
    await world.container().ingest(fixture('registry'))
    for (const { detail } of world.rows.get('dead')!) expect(detail).toContain('(magic byte 0, schema id 7)')
  })
})
