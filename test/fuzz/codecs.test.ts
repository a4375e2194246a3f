import { isDeepStrictEqual } from 'node:util'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect } from 'vitest'
import { RecordRejection, RecordValues } from '../../lib/base/index.js'
import { JsonDecoder } from '../../lib/codecs/json.js'
import { CodecDecoder } from '../../lib/codecs/open.js'
import { bytes, cloudWatchLogs, gzip, json, kinesisSource, ndjson, outOfOrder, text } from '../../lib/index.js'
import { type Codec, Defect, type RecordMeta, type SplitBatch } from '../../lib/ports/index.js'
import { base64Bytes, writeBase64 } from '../../lib/sources/base64.js'
import { holds } from './fuzz.js'
import { payloadBatches } from './payload-batches.js'
import { payloadBytes, reading, valid } from './payloads.js'

const BYTES_MAX = 200_000
const REASON_OF = {
  [Defect.tombstone]: 'tombstone',
  [Defect.badBase64]: 'bad-base64',
  [Defect.badAggregate]: 'bad-aggregate',
  [Defect.notText]: 'bad-utf8',
  [Defect.manyRecords]: 'oversize-aggregate',
}

type Payload = Buffer | number

function batchOf(records: readonly Payload[]): SplitBatch {
  return {
    source: 'source',
    split: 'split',
    count: records.length,
    position: String,
    arrivalMs: () => undefined,
    key: () => null,
    keyBytes: () => null,
    raw: () => null,
    header: () => undefined,
    sizeBound: (i) => (typeof records[i] === 'number' ? 0 : records[i]!.length),
    write: (i, target, at) => (typeof records[i] === 'number' ? records[i] : records[i]!.copy(target, at)),
    unitEnd: (i) => i + 1,
  }
}

function decode(records: readonly Payload[], decoder: JsonDecoder, from = 0, to = records.length): unknown[] {
  const out: unknown[] = []
  decoder.decode(batchOf(records), from, to, out)
  expect(out).toHaveLength(to - from)
  return out
}

function expectAsRead(found: unknown, payload: Payload, bytesMax: number): void {
  const wanted = wantedOf(payload, bytesMax)
  const shown = `${typeof payload === 'number' ? payload : payload.subarray(0, 80)}`
  if ('reasons' in wanted) {
    expect(found, shown).toBeInstanceOf(RecordRejection)
    expect(wanted.reasons, shown).toContain((found as RecordRejection).code)
    expect((found as RecordRejection).message).toMatch(/^[A-Z].{10,250}\.$/)
  } else if (!isDeepStrictEqual(found, wanted.value)) expect.fail(`${shown} became ${found}`)
}

function wantedOf(payload: Payload, bytesMax: number): ReturnType<typeof reading> {
  if (typeof payload === 'number') return { reasons: [REASON_OF[payload as -1]] }
  return payload.length > bytesMax ? { reasons: ['oversize'] } : reading(payload)
}

const defects = fc.constantFrom(...Object.values(Defect))
/** Once in a while more records than are parsed at once. */
const times = fc.oneof({ weight: 30, arbitrary: fc.constant(1) }, fc.constantFrom(60))
const batches: fc.Arbitrary<Payload[]> = fc
  .tuple(payloadBatches, fc.array(fc.tuple(fc.nat(20), defects), { maxLength: 2 }), times)
  .map(([records, strangers, n]) => {
    const all: Payload[] = Array.from({ length: n }, () => records).flat()
    for (const [at, defect] of strangers) all.splice(at % (all.length + 1), 0, defect)
    return all
  })

describe('the JSON decoder', () => {
  // One for all runs: how the last batch was framed must not change the next.
  const seasoned = new JsonDecoder(BYTES_MAX)

  holds(
    'makes of each record of a batch what the record alone is, whatever its neighbours are',
    400,
    fc.property(batches, fc.nat(), fc.nat(), fc.constantFrom(24, 60, BYTES_MAX), (records, a, b, bytesMax) => {
      const fresh = decode(records, new JsonDecoder(bytesMax))
      for (const [i, record] of records.entries()) expectAsRead(fresh[i], record, bytesMax)
      const [from, to] = [a % (records.length + 1), b % (records.length + 1)].sort((x, y) => x - y)
      const part = decode(records, seasoned, from, to)
      for (const [i, found] of part.entries()) expectAsRead(found, records[from! + i]!, BYTES_MAX)
    }),
  )
})

describe('base64', () => {
  /** Sound text of either alphabet; what it stands for is left to Buffer. */
  const SOUND = /^(?:[\w+/-]{4})*(?:[\w+/-]{2}==|[\w+/-]{3}=)?$/
  const noise = fc.string({ unit: fc.constantFrom(...'AZaz09+/-_= \n\0!é', 'eyJh', '84ma', '==', '='), maxLength: 10 })
  const sound = fc.uint8Array({ maxLength: 12 }).map((bytes) => Buffer.from(bytes).toString('base64'))
  const cut = fc
    .tuple(sound, fc.nat(16), noise)
    .map(([text, at, more]) => text.slice(0, at) + more + text.slice(at + more.length))

  holds(
    'is written exactly where it is sound, else it is a defect, and never beyond its bound',
    3_000,
    fc.property(fc.oneof(noise, sound, cut), fc.nat(5), (text, at) => {
      const bound = base64Bytes(text)
      const target = Buffer.alloc(at + Math.max(0, bound) + 4, 0x23)
      const written = writeBase64(text, target, at)
      if (SOUND.test(text))
        expect(target.toString('latin1', at, at + written)).toBe(Buffer.from(text, 'base64').toString('latin1'))
      else expect(written, JSON.stringify(text)).toBe(Defect.badBase64)
      if (written >= 0) expect(target.subarray(at + bound).every((byte) => byte === 0x23)).toBe(true)
    }),
  )
})

describe('the other codecs', () => {
  const nested: Codec[] = [
    ndjson(),
    text(),
    bytes(),
    gzip(json()),
    gzip(ndjson()),
    cloudWatchLogs(),
    gzip(cloudWatchLogs()),
  ]
  const packed = fc.oneof(
    payloadBytes,
    payloadBytes.map(gzipSync),
    payloadBytes.map((one) => gzipSync(gzipSync(one))),
  )
  const damaged = fc
    .tuple(packed, fc.nat(200), fc.nat(255))
    .map(([one, at, byte]) => Buffer.from(one.map((old, i) => (i === at % Math.max(1, one.length) ? byte : old))))
  const lines = payloadBatches.map((payloads) => Buffer.concat(payloads.flatMap((one) => [one, Buffer.from('\n')])))
  const meta = {} as RecordMeta

  holds(
    'make values or a rejection of whatever comes, and never throw',
    400,
    fc.property(fc.oneof(packed, damaged, lines), fc.constantFrom(...nested), (payload, decode) => {
      const source = kinesisSource<any>('s', { decode, timestamp: () => 0, watermark: outOfOrder('1s') })
      const out: unknown[] = []
      new CodecDecoder(source).decode(batchOf([payload]), 0, 1, out, meta)
      const values = out[0] instanceof RecordValues ? out[0].list : out
      for (const value of values)
        if (value instanceof RecordRejection) expect(value.message).toMatch(/^[A-Z].{10,250}\.$/)
    }),
  )

  holds(
    'of lines give each line what it is alone, where each line is a value or none could be read otherwise',
    300,
    fc.property(fc.array(fc.oneof(valid, fc.constantFrom('nul', '01', "'a'")), { maxLength: 8 }), (records) => {
      const source = kinesisSource<any>('s', { decode: ndjson(), timestamp: () => 0, watermark: outOfOrder('1s') })
      const out: unknown[] = []
      new CodecDecoder(source).decode(batchOf([Buffer.from(records.join('\n'))]), 0, 1, out, meta)
      const { list } = out[0] as RecordValues
      expect(list).toHaveLength(records.length)
      for (const [i, record] of records.entries()) expectAsRead(list[i], Buffer.from(record), BYTES_MAX)
    }),
  )
})
