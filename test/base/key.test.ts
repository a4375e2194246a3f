import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeKey, encodeKey, type Key, type KeyPart, RecordRejection } from '../../lib/base/index.js'

/** Characters that a sloppy encoding would mistake for its own marks. */
const text = fc.string({
  unit: fc.constantFrom('#', '\0', '"', '\\', ',', '[', ']', 'n', '-', '1', 'é', '\ufffd', '\ud800', '\udc00', '😀'),
  maxLength: 6,
})
const numbers = fc.oneof(
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.constantFrom(0, -0, 1e21),
)
const parts: fc.Arbitrary<KeyPart> = fc.oneof(text, numbers, fc.boolean(), fc.bigInt(), fc.constant(null))
const keys: fc.Arbitrary<Key> = fc.oneof(parts, fc.array(parts, { maxLength: 4 }))

/** Whether two keys are one, in the simplest words. Zero has no sign. */
const samePart = (a: unknown, b: unknown): boolean => typeof a === typeof b && a === b
function sameKey(a: Key, b: Key): boolean {
  if (!Array.isArray(a) || !Array.isArray(b)) return samePart(a, b)
  return a.length === b.length && a.every((part, i) => samePart(part, b[i]))
}

describe('encodeKey', () => {
  it('comes back as it was', () => {
    fc.assert(
      fc.property(keys, (key) => {
        expect(sameKey(decodeKey(encodeKey(key)), key)).toBe(true)
      }),
    )
  })

  it('is injective: two keys have one text only if they are one key', () => {
    fc.assert(
      fc.property(keys, keys, (a, b) => {
        expect(encodeKey(a) === encodeKey(b)).toBe(sameKey(a, b))
      }),
      { numRuns: 500 },
    )
  })

  it('survives UTF-8, lone surrogates included', () => {
    fc.assert(
      fc.property(keys, (key) => {
        expect(Buffer.from(encodeKey(key)).toString()).toBe(encodeKey(key))
      }),
    )
  })

  it.each<[string, Key[]]>([
    ['text and other primitives', ['1', 1, 1n, true, 'true', null, 'null', '', '1n', '"1"', '[1]']],
    ['a primitive and a tuple of it', ['a', ['a'], ['a', ''], ['', 'a'], []]],
    ['where a part ends', [['a,b'], ['a', 'b'], ['a"', 'b'], ['a', '"b'], ['a\\', 'b'], ['a', '\\b']]],
    ['bigints and text like them', [['1n'], [1n], [1], ['"1n"'], [1n, '2n'], ['1n', 2n], [-1n]]],
    ['lone surrogates and U+FFFD', ['\ud800', '\udc00', '\ufffd', '\ud800\udc00', '\udc00\ud800', '\\ud800']],
  ])('tells apart %s', (_, list) => {
    expect(new Set(list.map(encodeKey)).size).toBe(list.length)
  })

  it('takes -0 for 0', () => {
    expect(encodeKey(-0)).toBe('0')
    expect(encodeKey([-0])).toBe('[0]')
    expect(decodeKey('0')).toBe(0)
  })

  const WRONG = (what: string) =>
    `A key is a string, a finite number, a boolean, a bigint, null, or an array of them; this one is ${what}.`
  // biome-ignore lint/suspicious/noSparseArray: a hole is what is to be refused.
  const hole = [, 1]
  it.each<[string, unknown, string]>([
    ['NaN', Number.NaN, 'NaN'],
    ['an infinity', Number.NEGATIVE_INFINITY, '-Infinity'],
    ['NaN in a tuple', ['a', Number.NaN], 'NaN'],
    ['undefined', undefined, 'undefined'],
    ['undefined in a tuple', [undefined], 'undefined'],
    ['a hole in a tuple', hole, 'undefined'],
    ['a nested tuple', ['a', ['b']], 'a nested array'],
    ['a promise', Promise.resolve('a'), 'a promise'],
    ['a promise in a tuple', [Promise.resolve('a')], 'a promise'],
    ['an object', { id: 1 }, 'of type object'],
    ['a Date', new Date(0), 'of type object'],
    ['a boxed string', Object('a'), 'of type object'],
    ['a symbol', Symbol('a'), 'of type symbol'],
    ['a function', () => 'a', 'of type function'],
  ])('refuses %s', (_, key, what) => {
    const encode = () => encodeKey(key as Key)
    expect(encode).toThrow(RecordRejection)
    expect(encode).toThrow(expect.objectContaining({ code: 'bad-key', message: WRONG(what) }))
  })

  it.each([
    ['ASCII', 'a', 2046],
    ['two-byte characters', 'é', 1023],
    ['three-byte characters', '李', 682],
    ['escaped characters', '\0', 341],
  ])('holds 2048 bytes of %s and refuses one more', (_, unit, most) => {
    expect(Buffer.byteLength(encodeKey(unit.repeat(most)))).toBe(2048)
    const bytes = Buffer.byteLength(JSON.stringify(unit.repeat(most + 1)))
    expect(() => encodeKey(unit.repeat(most + 1))).toThrow(
      expect.objectContaining({ code: 'bad-key', message: `A key has at most 2048 bytes; this one has ${bytes}.` }),
    )
  })

  it('counts a tuple as a whole', () => {
    expect(() => encodeKey(['a'.repeat(1022), 'b'.repeat(1022)])).toThrow('this one has 2051')
  })
})
