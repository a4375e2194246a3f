import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect } from 'vitest'
import { Defect } from '../../lib/ports/index.js'
import { KinesisBatch } from '../../lib/sources/kinesis/batch.js'
import { holds } from './fuzz.js'
import { type UserRecord, userRecords } from './kpl-reader.js'

/** A writer of its own, which can also write what no sound one would. */
function base128(value: bigint, padding = 0): Buffer {
  const bytes: number[] = []
  let left = value
  do {
    bytes.push(Number(left & 0x7fn) | 0x80)
    left >>= 7n
  } while (left > 0n)
  for (let i = 0; i < padding; i++) bytes.push(0x80)
  bytes[bytes.length - 1]! &= 0x7f
  return Buffer.from(bytes)
}
const tag = (field: bigint, wire: bigint): Buffer => base128((field << 3n) | wire)
const number = (field: bigint, value: bigint, padding = 0): Buffer =>
  Buffer.concat([tag(field, 0n), base128(value, padding)])
const run = (field: bigint, value: Buffer, length = BigInt(value.length)): Buffer =>
  Buffer.concat([tag(field, 2n), base128(length), value])
const framed = (body: Buffer): Buffer =>
  Buffer.concat([Buffer.from('f3899ac2', 'hex'), body, createHash('md5').update(body).digest()])

const raw = (maxLength: number): fc.Arbitrary<Buffer> => fc.uint8Array({ maxLength }).map((bytes) => Buffer.from(bytes))
const fixed = (length: number): fc.Arbitrary<Buffer> =>
  fc.uint8Array({ minLength: length, maxLength: length }).map((bytes) => Buffer.from(bytes))
/** Lengths, indexes and field numbers about every bound there is, and beyond. */
const huge = fc.oneof(
  fc.bigInt({ min: 0n, max: 5n }),
  fc
    .constantFrom(7n, 29n, 31n, 32n, 53n, 63n, 64n, 69n)
    .chain((bits) => fc.constantFrom(2n ** bits - 1n, 2n ** bits, 2n ** bits + 1n, 2n ** bits + 2n)),
)
const unknown = fc.oneof(
  fc.tuple(fc.bigInt({ min: 4n, max: 40n }), huge).map(([field, value]) => number(field, value)),
  fc.tuple(fc.bigInt({ min: 4n, max: 40n }), raw(5)).map(([field, value]) => run(field, value)),
  fixed(8).map((bytes) => Buffer.concat([tag(9n, 1n), bytes])),
  fixed(4).map((bytes) => Buffer.concat([tag(9n, 5n), bytes])),
  // Fields that are known, of a kind that they are not.
  fc.constantFrom(number(3n, 1n), number(2n, 300n), run(2n, Buffer.from('7'))),
)
/** What no sound writer writes. */
const unsound = fc.oneof(
  huge.map((field) => number(field, 1n)),
  fc.tuple(huge, raw(3)).map(([field, value]) => run(field, value)),
  fc.tuple(fc.bigInt({ min: 0n, max: 4n }), raw(4), huge).map(([field, value, length]) => run(field, value, length)),
  fc
    .tuple(huge, fc.bigInt({ min: 0n, max: 7n }), raw(4))
    .map(([field, wire, value]) => Buffer.concat([tag(field, wire), value])),
  fc
    .tuple(fc.bigInt({ min: 0n, max: 4n }), huge, fc.nat(11))
    .map(([field, value, padding]) => number(field, value, padding)),
  raw(6),
)
const nested = fc.constant(
  framed(
    Buffer.concat([run(1n, Buffer.from('k')), run(3n, Buffer.concat([number(1n, 0n), run(3n, Buffer.from('1'))]))]),
  ),
)
const data = fc.oneof(
  raw(12),
  fc.constantFrom('', '{}', '{"__proto__":1}', '0'.repeat(300)).map((text) => Buffer.from(text)),
  nested,
)
const records: fc.Arbitrary<UserRecord[]> = fc.array(
  fc.record({ key: fc.oneof(fc.string({ maxLength: 3 }), fc.constantFrom('', '__proto__', 'é'.repeat(128))), data }),
  { maxLength: 6 },
)

interface Style {
  readonly padding: number
  readonly keysLast: boolean
  readonly dataFirst: boolean
  readonly hashKey: boolean
  readonly strangers: readonly Buffer[]
}
const styles: fc.Arbitrary<Style> = fc.record({
  padding: fc.oneof(fc.constant(0), fc.nat(9)),
  keysLast: fc.boolean(),
  dataFirst: fc.boolean(),
  hashKey: fc.boolean(),
  strangers: fc.array(unknown, { maxLength: 2 }),
})

/** Sound, in whichever of the ways that protobuf allows. */
function body(list: readonly UserRecord[], { padding, keysLast, dataFirst, hashKey, strangers }: Style): Buffer {
  const keys = [...new Set(list.map(({ key }) => key))]
  const table = keys.map((key) => run(1n, Buffer.from(key)))
  const messages = list.map(({ key, data: value }) => {
    const fields = [number(1n, BigInt(keys.indexOf(key)), padding), run(3n, value)]
    if (hashKey) fields.push(number(2n, 0n))
    if (dataFirst) fields.reverse()
    return run(3n, Buffer.concat([...strangers, ...fields]))
  })
  const parts = keysLast ? [...messages, ...table] : [...table, ...messages]
  return Buffer.concat([...strangers, ...parts, ...(hashKey ? [run(2n, Buffer.from('12345'))] : [])])
}

/** Bytes changed, taken out or put in at a place. */
const edits = fc.array(
  fc.record({
    at: fc.nat(400),
    take: fc.nat(3),
    put: fc.oneof(
      raw(2),
      unsound,
      huge.map((value) => base128(value)),
    ),
  }),
  { minLength: 1, maxLength: 3 },
)
type Edits = readonly { readonly at: number; readonly take: number; readonly put: Buffer }[]
function edited(bytes: Buffer, all: Edits): Buffer {
  let now = bytes
  for (const { at, take, put } of all) {
    const from = at % (now.length + 1)
    now = Buffer.concat([now.subarray(0, from), put, now.subarray(from + take)])
  }
  return now
}

/** Reads the middle one of three records of a shard, and checks all that holds of any batch. */
function read(middle: Buffer): readonly UserRecord[] | number {
  const list = [Buffer.from('"before"'), middle, Buffer.from('"after"')]
  const batch = new KinesisBatch(
    's',
    'p',
    list.map((bytes, i) => ({
      kinesis: {
        data: bytes.toString('base64'),
        partitionKey: `outer-${i}`,
        sequenceNumber: `${99 + i}`,
        approximateArrivalTimestamp: i,
      },
    })),
  )
  const all = Array.from({ length: batch.count }, (_, index) => {
    const target = Buffer.alloc(batch.sizeBound(index) + 8, 0x23)
    const written = batch.write(index, target, 4)
    expect(written).toBeLessThanOrEqual(batch.sizeBound(index))
    expect(target.subarray(0, 4).toString() + target.subarray(4 + Math.max(0, written)).toString()).toMatch(/^#+$/)
    return {
      position: batch.position(index),
      key: batch.key(index),
      arrival: batch.arrivalMs(index),
      end: batch.unitEnd(index),
      written,
      data: Buffer.from(target.subarray(4, 4 + Math.max(0, written))),
    }
  })
  for (const [i, { position }] of all.entries()) if (i > 0) expect(all[i - 1]!.position < position).toBe(true)
  expect([all[0]!.data.toString(), all.at(-1)!.data.toString()]).toEqual(['"before"', '"after"'])
  const inner = all.slice(1, -1)
  expect(all.map(({ end }) => end)).toEqual([1, ...inner.map(() => batch.count - 1), batch.count])
  for (const { arrival } of inner) expect(arrival).toBe(1000)
  for (const { position } of inner) expect(position).toMatch(/^003:100(:\d{8})?$/)
  if (inner[0]!.written < 0) {
    expect(inner).toEqual([
      expect.objectContaining({ written: Defect.badAggregate, position: '003:100', key: 'outer-1' }),
    ])
    expect(batch.raw(1)).toBe(middle.toString('base64'))
    return Defect.badAggregate
  }
  for (const [i, one] of inner.entries()) expect(Buffer.from(batch.raw(1 + i)!, 'base64').equals(one.data)).toBe(true)
  return inner.map(({ key, data: value }) => ({ key: key!, data: value }))
}

/** What the reference says of a source record, as `read` has it. */
function wanted(middle: Buffer): readonly UserRecord[] | number {
  const found = userRecords(middle)
  if (found === undefined) return [{ key: 'outer-1', data: middle }]
  return found === null ? Defect.badAggregate : found
}

describe('a KPL aggregate', () => {
  holds(
    'that is sound gives its user records to the byte, however it was written',
    400,
    fc.property(records, styles, (list, style) => {
      expect(read(framed(body(list, style)))).toEqual(list.length === 0 ? Defect.badAggregate : list)
    }),
  )

  holds(
    'that is not, its checksum being right, is one defect or what its format says, and never a throw',
    1_500,
    fc.property(
      fc.oneof(
        fc.tuple(records, styles, edits).map(([list, style, all]) => edited(body(list, style), all)),
        fc.array(fc.oneof(unknown, unsound), { maxLength: 4 }).map((all) => Buffer.concat(all)),
      ),
      (changed) => {
        expect(read(framed(changed))).toEqual(wanted(framed(changed)))
      },
    ),
  )

  holds(
    'that was damaged on its way, or cut, is one defect; without its mark it is a plain record',
    500,
    fc.property(records, styles, fc.oneof(edits, fc.nat(400)), (list, style, damage) => {
      const whole = framed(body(list, style))
      const bytes = typeof damage === 'number' ? whole.subarray(0, damage % (whole.length + 1)) : edited(whole, damage)
      const found = read(bytes)
      expect(found).toEqual(wanted(bytes))
      if (!bytes.equals(whole) && bytes.subarray(0, 4).equals(whole.subarray(0, 4)))
        expect(found).toBe(Defect.badAggregate)
    }),
  )
})
