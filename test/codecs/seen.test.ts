import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import type { RecordRejection } from '../../lib/base/index.js'
import { JsonDecoder } from '../../lib/codecs/json.js'
import registry from '../sources/fixtures/registry.json' with { type: 'json' }
import { payloadsOf } from './payloads.js'

function sentence(record: string | Buffer): string {
  const out: RecordRejection[] = []
  new JsonDecoder(2 ** 20).decode(payloadsOf([record]), 0, 1, out)
  return out[0]!.message
}

const framed = registry.records['orders-0'].map(({ value }) => Buffer.from(value, 'base64'))

describe('a payload that is no JSON says what it looks like, and what reads it', () => {
  it.each<[string, string | Buffer, string]>([
    ['gzip data', gzipSync('{}'), 'gzip data (it begins with 1f 8b). Give its source decode: gzip(json()).'],
    [
      'a KPL aggregate',
      Buffer.from([0xf3, 0x89, 0x9a, 0xc2, 1]),
      'a KPL aggregate (it begins with f3 89 9a c2), which only kinesisSource unpacks.',
    ],
    [
      'registry framing',
      framed[0]!,
      'framed for a schema registry (magic byte 0, schema id 7). There is no codec for schema registries yet.',
    ],
    ['registry framing of JSON', framed[1]!, 'framed for a schema registry (magic byte 0, schema id 7).'],
    [
      'Glue framing',
      Buffer.concat([Buffer.from([3, 0]), Buffer.alloc(20, 7)]),
      'the Glue Schema Registry (version byte 3)',
    ],
    [
      'UTF-16 with a mark',
      Buffer.from('\ufeff{"a":1}', 'utf16le'),
      'UTF-16 (it begins with the mark ff fe). Have its producer write UTF-8.',
    ],
    [
      'UTF-16 without one',
      Buffer.from('{"a":1}', 'utf16le'),
      'UTF-16 (every second byte is zero). Have its producer write UTF-8.',
    ],
    ['UTF-16, the other way round', Buffer.from('{"a":1}', 'utf16le').swap16(), 'UTF-16 (every second byte is zero).'],
    [
      'two values',
      ' {"a":"}{é"} {"a":2}',
      'a second one begins at byte 14 of this one. Give its source decode: ndjson().',
    ],
    ['a list and a value', '[1]"x"', 'a second one begins at byte 3 of this one.'],
    ['half a value', '{"a":{"b":"}', 'the value of this one is incomplete after 12 bytes.'],
    [
      'Latin-1',
      Buffer.from('{"id":"Zoë"}', 'latin1'),
      'byte 9 of this one is not (it may be Latin-1). Have its producer write UTF-8.',
    ],
    [
      'half a character',
      Buffer.from([0x22, 0xf0, 0x9f, 0x98]),
      'byte 1 of this one is not. Have its producer write UTF-8.',
    ],
    [
      'binary data',
      Buffer.from([0x0a, 0x03, 0x61, 0x62, 0x63, 0xff]),
      'binary (byte 1 is a control character), such as Protobuf or Avro.',
    ],
    [
      'binary data that is UTF-8',
      Buffer.from([0x0a, 0x03, 0x61, 0x62, 0x63]),
      'binary (byte 1 is a control character)',
    ],
    ['an Avro file', Buffer.from('Obj\u0001more'), 'an Avro file (it begins with 4f 62 6a 01).'],
    ['a word', 'hello', 'A record is one JSON value; the 5 bytes of this one are not.'],
  ])('%s', (_, record, says) => {
    expect(sentence(record)).toContain(says)
    expect(sentence(record)).toMatch(/^A record .*\.$/)
  })

  it('finds the first wrong byte of a long text', () => {
    for (const at of [1, 2, 7, 1_000, 65_537, 99_998]) {
      const text = Buffer.from(`"${'é'.repeat(50_000)}"`)
      const place = at % 2 === 0 ? at - 1 : at
      text[place] = 0xff
      expect(sentence(text)).toContain(`byte ${place} of this one is not`)
    }
  })
})
