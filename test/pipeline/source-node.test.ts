import { type as arktype } from 'arktype'
import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { ConfigError } from '../../lib/base/index.js'
import { callback } from '../../lib/sinks/callback/index.js'
import { ndjson } from '../../lib/sinks/file/index.js'
import { fileSource } from '../../lib/sources/file/index.js'
import { kafkaSource } from '../../lib/sources/kafka/index.js'
import { kinesisSource } from '../../lib/sources/kinesis/index.js'
import { outOfOrder } from '../../lib/time/index.js'

const whole = { timestamp: (row: any) => row.at as number, watermark: outOfOrder('30s') }

describe('a source node', () => {
  it('is frozen, with settled options', () => {
    const made = kinesisSource('orders', whole)
    expect(Object.isFrozen(made)).toBe(true)
    expect(made).toMatchObject({
      kind: 'source',
      connector: 'kinesis',
      name: 'orders',
      maxFutureDriftMs: 60_000,
      onFutureDrift: 'hold',
      minTimeMs: Date.UTC(2000, 0, 1),
      onUnlikelyTime: 'count',
      recordBytesMax: 1_048_576,
      decode: undefined,
      numbers: 'reject',
      duplicateMembers: 'last',
      hasArrivalTime: true,
    })
    expect(kafkaSource('orders', whole)).toMatchObject({ connector: 'kafka', hasArrivalTime: true })
    expect(fileSource('orders', whole)).toMatchObject({ connector: 'file', hasArrivalTime: false })
  })

  it.each([
    ['zod', z.object({ at: z.number() })],
    ['valibot', v.object({ at: v.number() })],
    ['arktype', arktype({ at: 'number' })],
    [
      'one that throws on undefined',
      {
        '~standard': {
          version: 1 as const,
          vendor: 'own',
          validate: (): never => {
            throw new Error('no')
          },
        },
      },
    ],
  ])('takes a schema of %s', (_, schema) => {
    expect(fileSource('orders', { ...whole, schema: schema as never }).schema).toBe(schema)
  })

  const DRIFT = `onFutureDrift of the source "orders" is 'hold', 'reject' or 'clamp'; it is `
  const DECODE =
    'decode of the source "orders" is json(), ndjson(), gzip(...), cloudWatchLogs(), text(), bytes(), or a function from bytes to a list of values; it is '
  const BYTES = 'recordBytesMax of the source "orders" is a whole number from 1 to 16777216; it is '
  const SCHEMA =
    'The schema of the source "orders" must be a Standard Schema, such as one of zod 3.24+, valibot 1+ or arktype 2+.'
  const TIMESTAMP =
    'The source "orders" needs timestamp: a function from a record to its event time in ms, such as o => iso(o.orderedAt).'
  it.each<[string, object | undefined, string, string]>([
    ['no options', undefined, 'bad-source', TIMESTAMP],
    ['no timestamp', { ...whole, timestamp: undefined }, 'bad-source', TIMESTAMP],
    ['a field for a timestamp', { ...whole, timestamp: 'at' }, 'bad-source', TIMESTAMP],
    [
      'no watermark',
      { ...whole, watermark: undefined },
      'bad-source',
      `The source "orders" needs watermark: outOfOrder('30s'), monotonous() or customWatermark(...). It states how far records may arrive out of order.`,
    ],
    [
      'a partition key that is no function',
      { ...whole, partitionKey: 'id' },
      'bad-source',
      'partitionKey of the source "orders" is a function from a record to text; it is string.',
    ],
    ['a made-up drift policy', { ...whole, onFutureDrift: 'drop' }, 'bad-source', `${DRIFT}"drop".`],
    ['no record bytes', { ...whole, recordBytesMax: 0 }, 'bad-source', `${BYTES}0.`],
    ['half a byte', { ...whole, recordBytesMax: 0.5 }, 'bad-source', `${BYTES}0.5.`],
    ['too many bytes', { ...whole, recordBytesMax: 16_777_217 }, 'bad-source', `${BYTES}16777217.`],
    ['a codec by its name', { ...whole, decode: 'gzip' }, 'bad-source', `${DECODE}string.`],
    ['a codec that was not called', { ...whole, decode: { kind: 'sink' } }, 'bad-source', `${DECODE}{"kind":"sink"}.`],
    ['no codec', { ...whole, decode: null }, 'bad-source', `${DECODE}null.`],
    [
      'made-up numbers',
      { ...whole, numbers: 'float' },
      'bad-source',
      `numbers of the source "orders" is 'reject', 'bigint', 'string' or 'double'; it is "float".`,
    ],
    [
      'a made-up rule of members',
      { ...whole, duplicateMembers: 'first' },
      'bad-source',
      `duplicateMembers of the source "orders" is 'last' or 'reject'; it is "first".`,
    ],
    [
      'a drift that is no duration',
      { ...whole, maxFutureDrift: '-1d' },
      'bad-duration',
      `maxFutureDrift of the source "orders" must be a duration such as '30s', '5m', '1h30m', or whole milliseconds; it is "-1d". The units are ms, s, m, h, d and w. Signs and spaces are not allowed.`,
    ],
    ['an object for a schema', { ...whole, schema: {} }, 'bad-schema', SCHEMA],
    ['a schema of another version', { ...whole, schema: { '~standard': { version: 2 } } }, 'bad-schema', SCHEMA],
    [
      'an asynchronous schema',
      { ...whole, schema: z.unknown().refine(async () => true) },
      'async-schema',
      'The schema of the source "orders" validates asynchronously; ingest validates records synchronously. Use a synchronous schema.',
    ],
  ])('refuses %s', (_, options, code, message) => {
    const make = () => fileSource('orders', options as never)
    expect(make).toThrow(ConfigError)
    expect(make).toThrow(expect.objectContaining({ code, message }))
  })
})

describe('a sink node', () => {
  it('is frozen, options and all', () => {
    const made = ndjson('hourly', { directory: 'out' })
    expect(made).toMatchObject({ kind: 'sink', connector: 'ndjson', name: 'hourly', options: { directory: 'out' } })
    expect(Object.isFrozen(made) && Object.isFrozen(made.options)).toBe(true)
  })

  it('refuses a bad name, and a callback that is none', () => {
    expect(() => ndjson('a/b')).toThrow(expect.objectContaining({ code: 'bad-name' }))
    expect(() => callback('pager', 'page' as never)).toThrow(
      expect.objectContaining({
        code: 'bad-sink',
        message: 'callback("pager") needs a function of rows; it got string.',
      }),
    )
  })
})
