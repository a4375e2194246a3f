import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DECODE_BYTES, DECODE_RECORDS, JSON_DEPTH_MAX, RecordRejection } from '../../lib/base/index.js'
import { JsonDecoder } from '../../lib/codecs/json.js'
import { Defect, type SplitBatch } from '../../lib/ports/index.js'
import { isChanged, literalsOf } from '../fuzz/payloads.js'

const BYTES_MAX = 1024 * 1024

/** A batch of bytes and defects, which counts how often each record is written. */
function batchOf(records: readonly (string | Buffer | number)[]): SplitBatch & { writes: number } {
  const data = records.map((record) => (typeof record === 'string' ? Buffer.from(record) : record))
  return {
    source: 'source',
    split: 'split',
    count: data.length,
    writes: 0,
    position: String,
    arrivalMs: () => undefined,
    key: () => null,
    keyBytes: () => null,
    raw: () => null,
    header: () => undefined,
    sizeBound: (i) => (typeof data[i] === 'number' ? 0 : data[i]!.length),
    write(i, target, at) {
      this.writes++
      const record = data[i]!
      return typeof record === 'number' ? record : record.copy(target, at)
    },
    unitEnd: (i) => i + 1,
  }
}

/** Values as they are; a rejection as its reason. */
function decode(records: readonly (string | Buffer | number)[], decoder = new JsonDecoder(BYTES_MAX)): unknown[] {
  const out: unknown[] = []
  decoder.decode(batchOf(records), 0, records.length, out)
  return out.map((value) => (value instanceof RecordRejection ? `<${value.code}>` : value))
}

const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)

describe('JsonDecoder', () => {
  it('parses every kind of value', () => {
    const values = ['{"a":[1,{"b":null}]}', '[]', '"text"', '1', '-0.5', 'true', 'null', ' \n{}\t', '"Zoë 李 😀"', '""']
    expect(decode(values)).toEqual(values.map((text) => JSON.parse(text)))
  })

  it('fills from the start of out, for a part of the batch', () => {
    const out: unknown[] = ['old', 'old', 'old']
    new JsonDecoder(BYTES_MAX).decode(batchOf(['0', '1', '2', '3']), 1, 3, out)
    expect(out).toEqual([1, 2, 'old'])
    new JsonDecoder(BYTES_MAX).decode(batchOf(['0']), 0, 0, out)
    expect(out).toEqual([1, 2, 'old'])
  })

  it.each([
    [['[1', '2]']],
    [['1],[2']],
    [['{"a":1},{"b":2}']],
    [['{"a":1},{"b":2}', '3']],
    [['1,2', '[3', '4]']],
    [['1', '[2', '3]', '4,5,6']],
    [['"a', 'b"']],
    [['"a\\', 'b"']],
    [['{"a":', '1}']],
    [['{"a":1,', '"b":2}']],
    [['', '']],
    [[']', '[']],
    [['1]', '[2']],
    [['//', '/*', '*/']],
    [['1 ', ',2']],
    [['1,', '2']],
    [['\ufeff\ufeff1', '2']],
    [['1\ufeff', '2']],
    [['1 2', '3']],
    [['{"a":1}}', '{{"a":1}']],
    [[' ', '1']],
    [['{},{"x":[{}', '{}]}']],
    [['{},{"x":[[{}', '{}]]}', '{}']],
    [['{},{}', '{"a":"x', '{y"}']],
    [['{},{}', '{"a":"x\\\\', '{y"}']],
    [['{},{}', '{"a":', '{}}']],
    [['{},{}', '{"a":{}', '{}}']],
    [['{}', '{}}', '{{}']],
    [['{', '}']],
    [['{}{}', '{}']],
    [['{}]', '{}']],
    [['1', '2,3']],
    [['1', '2,[3]']],
    [['{}', '{},{}']],
    [['{}', '{},1']],
    [['{},{}', '{"a":1', '"b":2}']],
    [['{},{}', '{"a":1', ' {}}']],
  ])('never lets records join up: %j', (records) => {
    const alone = records.map((record) => decode([record])[0])
    expect(alone).toContain('<bad-json>')
    expect(decode(records)).toEqual(alone)
    expect(decode(['0', ...records, '9'])).toEqual([0, ...alone, 9])
  })

  it('rejects with the reason of the defect', () => {
    expect(decode([Defect.tombstone, '1', Defect.badBase64, Defect.badAggregate, '2', Defect.notText])).toEqual([
      '<tombstone>',
      1,
      '<bad-base64>',
      '<bad-aggregate>',
      2,
      '<bad-utf8>',
    ])
  })

  it('takes a defect that it does not know for a fault of the batch', () => {
    expect(() => decode([-99])).toThrow('Invariant broken')
  })

  it('rejects what is not UTF-8, and not U+FFFD itself', () => {
    const bad = [[0xff], [0xc3], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf5, 0x80, 0x80, 0x80]]
    const quoted = bad.map((bytes) => Buffer.from([0x22, ...bytes, 0x22]))
    expect(decode(['"\ufffd"', ...quoted, '"é"'])).toEqual(['\ufffd', ...bad.map(() => '<bad-utf8>'), 'é'])
    expect(decode([Buffer.from([0x22, 0xc3]), Buffer.from([0xa9, 0x22])])).toEqual(['<bad-utf8>', '<bad-utf8>'])
  })

  it('rejects __proto__ as a key, however written, and not as a value', () => {
    const keys = ['{"__proto__":1}', '{"a":[{"__proto__":{}}]}', '{"\\u005f_proto__":1}', '{"__\\u0070roto__":1}']
    const escaped = '{"\\u005F\\u005f\\u0070\\u0072\\u006F\\u0074\\u006f\\u005f\\u005f":1}'
    const fine = ['"__proto__"', '{"a":"__proto__"}', '["\\u005f_proto__"]', '{"__proto":1,"proto__":2}', '"\\u00e9"']
    expect(decode([...fine, ...keys, escaped])).toEqual([
      ...fine.map((text) => JSON.parse(text)),
      ...keys.map(() => '<forbidden-key>'),
      '<forbidden-key>',
    ])
    expect(decode([escaped])).toEqual(['<forbidden-key>'])
  })

  it('bounds nesting', () => {
    const deepest = nested(JSON_DEPTH_MAX)
    const strings = JSON.stringify(['[{'.repeat(JSON_DEPTH_MAX), '\\"['.repeat(3 * JSON_DEPTH_MAX)])
    const wide = JSON.stringify(Array.from({ length: 3000 }, () => [{}]))
    for (const fine of [deepest, strings, wide]) expect(decode(['1', fine])).toEqual([1, JSON.parse(fine)])
    const objects = `${'{"a":'.repeat(JSON_DEPTH_MAX + 1)}1${'}'.repeat(JSON_DEPTH_MAX + 1)}`
    const reasons = ['<deep-nesting>', '<deep-nesting>', '<deep-nesting>', 2]
    expect(decode([nested(JSON_DEPTH_MAX + 1), objects, nested(400_000), '2'])).toEqual(reasons)
    expect(decode([nested(JSON_DEPTH_MAX).slice(0, -1), '2'])).toEqual(['<bad-json>', 2])
  })

  it('checks the deepest value for __proto__ without overflow', () => {
    const value = `${'['.repeat(JSON_DEPTH_MAX - 1)}{"__proto__":1}${']'.repeat(JSON_DEPTH_MAX - 1)}`
    expect(decode(['1', value])).toEqual([1, '<forbidden-key>'])
  })

  it('bounds size before it writes', () => {
    const decoder = new JsonDecoder(10)
    expect(decode(['"12345678"', '"123456789"', '1'], decoder)).toEqual(['12345678', '<oversize>', 1])
  })

  it('grows to the largest record, and keeps batches bounded after', () => {
    const decoder = new JsonDecoder(BYTES_MAX)
    const large = JSON.stringify('é'.repeat(BYTES_MAX / 2 - 1))
    expect(Buffer.byteLength(large)).toBe(BYTES_MAX)
    expect(decode(['1', large, '2'], decoder)).toEqual([1, JSON.parse(large), 2])
    const half = JSON.stringify('x'.repeat(DECODE_BYTES / 2))
    expect(decode([half, half, half, `${half}!`], decoder)).toEqual([...Array(3).fill(JSON.parse(half)), '<bad-json>'])
  })

  it('parses more records than it packs at once', () => {
    const records = Array.from({ length: 2 * DECODE_RECORDS + 3 }, (_, i) => (i % 100 === 7 ? '{' : `{"i":${i}}`))
    expect(decode(records)).toEqual(records.map((_, i) => (i % 100 === 7 ? '<bad-json>' : { i })))
  })

  it('writes each record once, however many are bad', () => {
    const batch = batchOf(Array.from({ length: 200 }, (_, i) => (i % 3 === 0 ? '{' : '{}')))
    new JsonDecoder(BYTES_MAX).decode(batch, 0, 200, [])
    expect(batch.writes).toBe(200)
  })

  it('leaves what a number is to JSON.parse', () => {
    expect(decode(['NaN', 'Infinity', '01', '+1'])).toEqual(Array(4).fill('<bad-json>'))
    const double = new JsonDecoder(BYTES_MAX, 'double')
    expect(decode(['1e400', '-1e400', '18446744073709551615'], double)).toEqual([Infinity, -Infinity, 2 ** 64])
  })

  it('skips one byte order mark before a value', () => {
    expect(decode(['\ufeff{"a":1}', '{"a":2}', '\ufeff[3]', '\ufeff'])).toEqual([{ a: 1 }, { a: 2 }, [3], '<bad-json>'])
  })

  it('never quotes a payload', () => {
    const out: RecordRejection[] = []
    const secrets = ['secret', '{"secret":1', '{"__proto__":"secret"}', Buffer.from('"secret\xff"', 'latin1')]
    new JsonDecoder(BYTES_MAX).decode(batchOf(secrets), 0, 4, out)
    for (const rejection of out) {
      expect(rejection).toBeInstanceOf(RecordRejection)
      expect(rejection.message).not.toContain('secret')
    }
  })

  it('gives a mixture what each record gets alone', () => {
    const valid = fc.jsonValue().map((value) => JSON.stringify(value))
    const noisy = fc.array(fc.constantFrom(...'[]{}",:\\ 1a'), { maxLength: 8 }).map((parts) => parts.join(''))
    const proto = fc.constantFrom('{"__proto__":1}', '"__proto__"', '{"\\u005f_proto__":[]}')
    const cut = fc
      .tuple(valid, fc.nat(20), fc.nat(20))
      .map(([text, a, b]) => text.slice(a % text.length, text.length - (b % 3)))
    const raw = fc.uint8Array({ maxLength: 6 }).map((bytes) => Buffer.from(bytes))
    const defect = fc.constantFrom(...Object.values(Defect))
    const record = fc.oneof({ weight: 6, arbitrary: valid }, noisy, proto, cut, raw, defect)
    const decoder = new JsonDecoder(BYTES_MAX)
    fc.assert(
      fc.property(fc.array(record, { maxLength: 24 }), (records) => {
        const alone = records.map((each) => decode([each], decoder)[0])
        expect(decode(records, decoder)).toEqual(alone)
        for (const [i, each] of records.entries()) {
          if (typeof each === 'number') continue
          const sound = soundly(each)
          expect(typeof alone[i] === 'string' && /^<[a-z0-9-]+>$/.test(alone[i])).toBe(sound === undefined)
        }
      }),
      { numRuns: 400 },
    )
  })
})

/** What a record should become, by the plainest means: its value in an array, or undefined for a rejection. */
function soundly(record: string | Buffer): [unknown] | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(record))
    let isForbidden = false
    const value: unknown = JSON.parse(text, (key, part) => {
      isForbidden ||= key === '__proto__'
      return part
    })
    return isForbidden || literalsOf(text).some(isChanged) ? undefined : [value]
  } catch {
    return undefined
  }
}
