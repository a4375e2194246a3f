import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeKey, encodeKey, KEY_BYTES_MAX, type Key, type KeyPart, RecordRejection } from '../../lib/base/index.js'
import { KeyTable } from '../../lib/runtime/key-table.js'
import { bucketCeiling, bucketFloor, parseSegmentSk, segmentSk, splitName } from '../../lib/runtime/keys.js'
import { KnownKeys, storableKey } from '../../lib/runtime/segment.js'
import { type Entry, entryOf } from '../../lib/sinks/dynamodb/item.js'
import { holds, trickyText } from './fuzz.js'

const numbers = fc.oneof(
  fc.integer({ min: -20, max: 20 }),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.constantFrom(0, -0, 1e21, -1e21, 1e-7, 5e-324, Number.MAX_VALUE, 2 ** 53, -(2 ** 53)),
)
const bigints = fc.oneof(fc.bigInt({ min: -20n, max: 20n }), fc.bigInt())
const parts: fc.Arbitrary<KeyPart> = fc.oneof(trickyText(5), numbers, fc.boolean(), bigints, fc.constant(null))
/** Text that looks like another key's encoding, alone and within a tuple. */
const disguised: fc.Arbitrary<Key> = fc
  .oneof(parts, fc.array(parts, { maxLength: 3 }))
  .chain((key) => fc.constantFrom<Key>(encodeKey(key), [encodeKey(key)]))
/**
 * Few enough for a crowd to hold the same one twice, and near ones: of other types, of one text, of one replacement in
 * UTF-8.
 */
const near = fc.constantFrom<KeyPart>(
  ...[0, -0, 1, 0n, 1n, '', '0', '1', '1n', '-0', '#', '#1', '"1"', '[1]', 'a"1n', 'a","b', '\\', '\\"'],
  ...[true, 'true', null, 'null', '\ud800', '\udc00', '\ufffd', '\\ud800', '"\\ud800"'],
)
const keys: fc.Arbitrary<Key> = fc.oneof(
  { weight: 3, arbitrary: near },
  { weight: 3, arbitrary: fc.array(near, { maxLength: 3 }) },
  { weight: 3, arbitrary: parts },
  { weight: 3, arbitrary: fc.array(parts, { maxLength: 4 }) },
  disguised,
)

/** The same key, in the plainest words: type by type and part by part; zero has no sign, and no key is NaN. */
function same(a: unknown, b: unknown): boolean {
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((part, i) => same(part, b[i]))
  return typeof a === typeof b && a === b
}

describe('keys', () => {
  holds(
    'of a crowd, two have one text, one slot and one place in a segment only if they are one key',
    400,
    fc.property(fc.array(keys, { maxLength: 30 }), (crowd) => {
      const table = new KeyTable()
      const known = new KnownKeys()
      const slots = crowd.map((key) => table.slot(key))
      for (const [i, a] of crowd.entries()) {
        const text = encodeKey(a)
        const stored = JSON.parse(JSON.stringify(storableKey(a, text)))
        expect(known.of(stored)).toMatchObject({ text, hash: slots[i]!.hash })
        expect(same(known.of(stored).key, a)).toBe(true)
        for (const [j, b] of crowd.entries()) {
          expect(text === encodeKey(b), `${text} beside ${encodeKey(b)}`).toBe(same(a, b))
          expect(slots[i] === slots[j]).toBe(same(a, b))
        }
      }
    }),
  )

  const window = { start: 0, end: 10_000 }
  const pane = { index: 0, timing: 'on-time' }
  holds(
    'of two results are two items of a table, though its text holds no lone surrogate',
    200,
    fc.property(fc.array(keys, { maxLength: 20 }), fc.constantFrom('sk', null), (crowd, sortKey) => {
      const shape = { item: undefined, version: undefined, partitionKey: 'pk', sortKey }
      const names = crowd.map(
        (key) => (entryOf(shape, { id: 'id', value: { key, value: {}, window, pane }, order: '' }, '1') as Entry).name,
      )
      for (const [i, a] of crowd.entries())
        for (const [j, b] of crowd.entries()) expect(names[i] === names[j], names[i]).toBe(same(a, b))
    }),
  )

  holds(
    'come back, through UTF-8 too; -0 comes back as 0',
    1_000,
    fc.property(keys, (key) => {
      const back = decodeKey(Buffer.from(encodeKey(key)).toString())
      expect(same(back, key)).toBe(true)
      for (const part of [back].flat()) expect(Object.is(part, -0)).toBe(false)
    }),
  )

  holds(
    'whatever is no key is refused by a sentence, and nothing else is thrown',
    1_000,
    fc.property(
      fc.oneof(
        fc.anything({
          withBigInt: true,
          withNullPrototype: true,
          withSparseArray: true,
          withTypedArray: true,
          withDate: true,
          withMap: true,
        }),
        fc.array(fc.anything(), { maxLength: 3 }),
      ),
      (value) => {
        const isPart = (one: unknown): boolean =>
          one === null || ['string', 'boolean', 'bigint'].includes(typeof one) || Number.isFinite(one)
        const isKey = Array.isArray(value) ? Array.from(value).every(isPart) : isPart(value)
        for (const encode of [() => encodeKey(value as Key), () => new KeyTable().slot(value as Key).text]) {
          let text: string | undefined
          try {
            text = encode()
          } catch (thrown) {
            expect(thrown).toBeInstanceOf(RecordRejection)
            expect(thrown).toMatchObject({ code: 'bad-key', message: expect.stringMatching(/^A key .*\.$/) })
          }
          expect(text !== undefined).toBe(isKey)
        }
      },
    ),
  )

  it('have a limit in bytes, not in characters', () => {
    for (const unit of ['a', 'é', '李', '😀', '\0', '\ud800', '"']) {
      const each = Buffer.byteLength(JSON.stringify(unit)) - 2
      const most = Math.floor((KEY_BYTES_MAX - 2) / each)
      expect(decodeKey(encodeKey(unit.repeat(most)))).toBe(unit.repeat(most))
      expect(() => encodeKey(unit.repeat(most + 1))).toThrow(RecordRejection)
    }
  })
})

describe('names of splits', () => {
  const inputs = fc.constantFrom('a', 'a.b', 'a-b', 'a_0', 'orders', 'orders-0')
  const ids = fc.oneof(
    trickyText(8),
    fc.constantFrom('0', 'b/0', 'shardId-000000000000', 'orders-0', 'x'.repeat(200), 'x'.repeat(201), 'x'.repeat(5000)),
  )
  const splits = fc.tuple(inputs, ids)

  holds(
    'of two inputs never meet, and stand in sort keys as they are',
    400,
    fc.property(fc.array(splits, { maxLength: 20 }), fc.integer({ min: -4e15, max: 4e15 }), (list, bucket) => {
      for (const [input, id] of list) {
        const name = splitName(input, id)
        expect(name).toMatch(/^[A-Za-z0-9._:/@+=~-]{1,270}$/)
        const sk = segmentSk(bucket, name, '056:1:00000000')
        expect(parseSegmentSk(sk)).toEqual({ bucketEnd: bucket, split: name, from: '056:1:00000000' })
        expect(
          bucketFloor(bucket) < sk && sk < bucketCeiling(bucket) && bucketCeiling(bucket) < bucketFloor(bucket + 1),
        ).toBe(true)
        for (const [otherInput, otherId] of list)
          expect(name === splitName(otherInput, otherId)).toBe(input === otherInput && id === otherId)
      }
    }),
  )
})
