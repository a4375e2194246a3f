import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { DECODED_BYTES_MAX, RECORD_VALUES_MAX, RecordRejection, type RecordValues } from '../../lib/base/index.js'
import { recordDecoder } from '../../lib/codecs/decoder.js'
import { JsonDecoder } from '../../lib/codecs/json.js'
import { bytes, ConfigError, cloudWatchLogs, gzip, json, ndjson, text } from '../../lib/index.js'
import events from '../sources/fixtures/cloudwatch-logs.json' with { type: 'json' }
import { decodedBy, shownBy, sourceWith } from './payloads.js'

const messageOf = (found: unknown): string => (found as RecordRejection).message

describe('json()', () => {
  it('is the default, and both are the decoder of the hot path', async () => {
    for (const source of [sourceWith({}), sourceWith({ decode: json() })])
      expect(await recordDecoder(source)).toBeInstanceOf(JsonDecoder)
  })
})

describe('ndjson()', () => {
  const values = (record: string | Buffer, options = {}) => shownBy({ decode: ndjson(), ...options }, record)

  it.each([
    ['lines', '{"a":1}\n{"a":2}\n', [{ a: 1 }, { a: 2 }]],
    ['lines that Windows ends, and empty ones', '\r\n{"a":1}\r\n \r\n2\r\n', [{ a: 1 }, 2]],
    ['one value', '{"a":1}', [{ a: 1 }]],
    ['values one right after the other', '{"a":1}{"b":"}{"}["x"]"y"', [{ a: 1 }, { b: '}{' }, ['x'], 'y']],
    ['lines of several', '{"a":1}{"a":2}\n{"a":3}', [{ a: 1 }, { a: 2 }, { a: 3 }]],
    ['values over several lines', '{\n  "a": 1\n}\n{\n  "a": [\n2]\n}\n', [{ a: 1 }, { a: [2] }]],
    ['a mark before the first', '\ufeff{"a":1}\n{"a":2}', [{ a: 1 }, { a: 2 }]],
    ['nothing', '', []],
    ['white space', ' \n\t\r\n', []],
  ])('reads %s', (_, record, wanted) => {
    expect(values(record)).toEqual({ values: wanted })
  })

  it('rejects a bad line alone, and keeps its text', () => {
    const record = Buffer.concat([
      Buffer.from('{"a":1}\n{"a":\n{"a":2}{"a":\n{"__proto__":1}\n"'),
      Buffer.from([0xe9]),
      Buffer.from('"\n{"id":12345678901234567890}\n{"a":3}'),
    ])
    expect(values(record)).toEqual({
      values: [{ a: 1 }, '<bad-json>', '<bad-json>', '<forbidden-key>', '<bad-utf8>', '<inexact-number>', { a: 3 }],
    })
    const found = decodedBy({ decode: ndjson() }, record) as RecordValues
    expect(found.text(2)).toBe('{"a":2}{"a":')
    expect(values('{"id":12345678901234567890}', { numbers: 'bigint' })).toEqual({
      values: [{ id: 12345678901234567890n }],
    })
  })

  it('bounds the values of a record', () => {
    expect((decodedBy({ decode: ndjson() }, '1\n'.repeat(RECORD_VALUES_MAX)) as RecordValues).list).toHaveLength(
      RECORD_VALUES_MAX,
    )
    expect(values('1\n'.repeat(RECORD_VALUES_MAX + 1))).toBe('<too-many-values>')
    expect(values('{}'.repeat(RECORD_VALUES_MAX + 1))).toBe('<too-many-values>')
  })
})

describe('gzip(...)', () => {
  it('unpacks what another codec reads', () => {
    expect(shownBy({ decode: gzip(json()) }, gzipSync('{"a":1}'))).toEqual({ a: 1 })
    expect(shownBy({ decode: gzip(ndjson()) }, gzipSync('1\n2'))).toEqual({ values: [1, 2] })
    expect(shownBy({ decode: gzip(gzip(text())) }, gzipSync(gzipSync('é')))).toBe('é')
    expect(shownBy({ decode: gzip((data) => [data.length]) }, gzipSync('abc'))).toEqual({ values: [3] })
    expect(shownBy({ decode: gzip(json()) }, Buffer.concat([gzipSync('[1,'), gzipSync('2]')]))).toEqual([1, 2])
  })

  it('refuses what is none, or is not whole', () => {
    const whole = gzipSync('{"a":1}')
    const damaged = Buffer.from(whole)
    damaged[12]! ^= 0xff
    for (const bad of ['{"a":1}', '', whole.subarray(0, -5), whole.subarray(0, 2), damaged])
      expect(shownBy({ decode: gzip(json()) }, bad)).toBe('<bad-gzip>')
    expect(messageOf(decodedBy({ decode: gzip(json()) }, '{"a":1}'))).toBe(
      'A record of this source is gzip data; the 7 bytes of this one do not begin with 1f 8b. Have all its producers send gzip data, or correct decode.',
    )
  })

  it('never unpacks more than its limit', () => {
    const bomb = gzipSync(Buffer.alloc(8 * DECODED_BYTES_MAX, 0x20))
    expect(bomb.length).toBeLessThan(200_000)
    const before = process.memoryUsage()
    const found = decodedBy({ decode: gzip(json()) }, bomb)
    const after = process.memoryUsage()
    expect(messageOf(found)).toBe(
      'A record decompresses to at most 16777216 bytes; this one is larger. Have its producer send smaller records.',
    )
    expect(after.arrayBuffers + after.external - before.arrayBuffers - before.external).toBeLessThan(
      4 * DECODED_BYTES_MAX,
    )
    expect(shownBy({ decode: gzip(gzip(json())) }, gzipSync(bomb))).toBe('<oversize-gzip>')
    const most = gzipSync(Buffer.alloc(DECODED_BYTES_MAX, 0x20))
    expect(shownBy({ decode: gzip(json()) }, most)).toBe('<bad-json>')
  })

  it('takes a codec or a function', () => {
    for (const none of [undefined, 'json', {}, ndjson('out')])
      expect(() => gzip(none as never)).toThrow(expect.objectContaining({ code: 'bad-codec' }))
    expect(Object.isFrozen(gzip(json()))).toBe(true)
  })
})

describe('cloudWatchLogs()', () => {
  const [data, control] = events.Records.map(({ kinesis }) => Buffer.from(kinesis.data, 'base64')) as [Buffer, Buffer]
  const options = { decode: cloudWatchLogs() }

  it('gives the events of a data message, and none of a control message', () => {
    const { values } = shownBy(options, data) as { values: any[] }
    expect(values.length).toBeGreaterThan(0)
    for (const event of values) {
      expect(event).toEqual({
        owner: expect.any(String),
        logGroup: expect.any(String),
        logStream: expect.any(String),
        subscriptionFilters: expect.any(Array),
        id: expect.any(String),
        timestamp: expect.any(Number),
        message: expect.any(String),
      })
    }
    expect(shownBy(options, control)).toEqual({ values: [] })
  })

  it('rejects another envelope', () => {
    const event = { id: '1', timestamp: 1, message: 'm' }
    const others = [null, [], 1, {}, { messageType: 'DATA_MESSAGE' }, { messageType: 'X', logEvents: [event] }]
    const broken = [null, { ...event, id: 1 }, { ...event, timestamp: '1' }, { id: '1', timestamp: 1 }]
    for (const one of [...others, ...broken.map((one) => ({ messageType: 'DATA_MESSAGE', logEvents: [event, one] }))])
      expect(shownBy(options, gzipSync(JSON.stringify(one)))).toBe('<bad-envelope>')
    expect(shownBy(options, gzipSync('{'))).toBe('<bad-json>')
    expect(shownBy(options, '{}')).toBe('<bad-gzip>')
  })
})

describe('text() and bytes()', () => {
  it('give a record as it is', () => {
    expect(shownBy({ decode: text() }, '\ufeffZoë\n')).toBe('Zoë\n')
    expect(shownBy({ decode: text() }, '')).toBe('')
    expect(shownBy({ decode: text() }, Buffer.from([0x5a, 0xe9]))).toBe('<bad-utf8>')
    const raw = Buffer.from([0, 255, 128])
    expect(Buffer.from(decodedBy({ decode: bytes() }, raw) as Uint8Array)).toEqual(raw)
  })
})

describe('a function', () => {
  it('gives any number of values, of the bytes and the meta of a record', () => {
    const seen: unknown[] = []
    const decode = (data: Uint8Array, { source, key, position }: any) => {
      seen.push(Buffer.from(data).toString(), source, key, position)
      return new Set(['a', 'b'])
    }
    expect(shownBy({ decode }, 'raw')).toEqual({ values: ['a', 'b'] })
    expect(seen).toEqual(['raw', 's', 'k', '1'])
    expect(shownBy({ decode: () => [] }, 'raw')).toEqual({ values: [] })
  })

  it('rejects the record by what it throws, and one value by a rejection among them', () => {
    const throwing = (thrown: unknown) => () => {
      throw thrown
    }
    expect(messageOf(decodedBy({ decode: throwing(new Error('no such frame')) }, ''))).toBe('no such frame')
    expect(shownBy({ decode: throwing(new Error('no such frame')) }, '')).toBe('<decode-threw>')
    expect(shownBy({ decode: throwing(null) }, '')).toBe('<decode-threw>')
    expect(shownBy({ decode: throwing(new RecordRejection('stale', 'It is stale.')) }, '')).toBe('<stale>')
    const half = function* () {
      yield 1
      throw new Error('half-way')
    }
    expect(shownBy({ decode: half }, '')).toBe('<decode-threw>')
    expect(shownBy({ decode: () => [1, new RecordRejection('stale', 'It is stale.')] }, '')).toEqual({
      values: [1, '<stale>'],
    })
  })

  it.each([
    ['one string', 'text'],
    ['one object', {}],
    ['one number', 7],
    ['bytes', new Uint8Array(3)],
    ['null', null],
    ['nothing', undefined],
  ])('gives a list: %s is none', (what, given) => {
    expect(messageOf(decodedBy({ decode: (() => given) as never }, ''))).toBe(
      `decode must return a list of values; it returned ${what}. Return [value] for one value, [] for none.`,
    )
  })

  it('is bounded, and synchronous', () => {
    const endless = function* () {
      for (;;) yield 1
    }
    expect(shownBy({ decode: endless }, '')).toBe('<too-many-values>')
    expect(() => shownBy({ decode: (async () => []) as never }, '')).toThrow(ConfigError)
  })

  it('gets no record above recordBytesMax', () => {
    expect(shownBy({ decode: bytes(), recordBytesMax: 3 }, 'four')).toBe('<oversize>')
  })
})
