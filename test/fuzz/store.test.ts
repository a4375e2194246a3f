import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { describe, expect } from 'vitest'
import { AssertionFault } from '../../lib/base/index.js'
import type { Attribute, Item, Update } from '../../lib/ports/index.js'
import { memoryStore } from '../../lib/state/memory/index.js'
import { holds, trickyText } from './fuzz.js'

/** What DynamoDB's documentation says an item may be, with nothing of lib/. */
const KB = 1024
const bytesOf = (text: string): number => Buffer.byteLength(text)
const isWellFormed = (text: string): boolean => Buffer.from(text).toString() === text
const isText = (value: unknown): value is string => typeof value === 'string' && isWellFormed(value)
const isKey = (value: unknown, bytesMax: number): boolean => isText(value) && value !== '' && bytesOf(value) <= bytesMax
/** Decimal digits and an exponent, as DynamoDB keeps numbers: 1E-130 to 9.99...E+125. */
function isNumber(value: unknown): boolean {
  if (typeof value !== 'number' || !Number.isFinite(value)) return false
  const exponent = Number(value.toExponential().split('e')[1])
  return value === 0 || (exponent >= -130 && exponent <= 125)
}
const isAttribute = (value: unknown): boolean =>
  isText(value) || isNumber(value) || typeof value === 'boolean' || value instanceof Uint8Array
const isName = (name: string): boolean => name !== '' && isWellFormed(name)
/**
 * The size of an item but for its numbers, of which DynamoDB says no more than about; generated items leave them room.
 */
const sizeOf = (item: object): number =>
  Object.entries(item).reduce(
    (sum, [name, value]) =>
      sum +
      bytesOf(name) +
      (typeof value === 'string' ? bytesOf(value) : value instanceof Uint8Array ? value.length : 1),
    0,
  )
const isItem = (item: Item): boolean =>
  isKey(item.pk, 2 * KB) &&
  isKey(item.sk, KB) &&
  Object.entries(item).every(([name, value]) => isName(name) && isAttribute(value)) &&
  sizeOf(item) <= 400 * KB

const texts = fc.oneof(
  trickyText(5),
  fc.string({ unit: 'binary', maxLength: 4 }),
  fc.constantFrom('\ud800', 'a\udc00', '\udc00\ud800', '😀'),
)
const sound = fc.string({ unit: fc.constantFrom('a', 'b', '#', '\0', 'é', '\uffff', '😀'), minLength: 1, maxLength: 3 })
const bytes = fc.uint8Array({ maxLength: 4 })
const numbers = fc.oneof(
  fc.double(),
  fc.integer(),
  fc.constantFrom(
    0,
    -0,
    1e125,
    9.99e125,
    9.995e125,
    9.99999999999999e125,
    1e126,
    -1e126,
    1e-130,
    9.9e-131,
    -1e-130,
    5e-324,
    Number.MAX_VALUE,
    2 ** 53 + 2,
    1e21,
    Number.NaN,
    Number.NEGATIVE_INFINITY,
  ),
)
const values: fc.Arbitrary<unknown> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.oneof(
      texts,
      numbers,
      fc.boolean(),
      bytes,
      bytes.map((some) => Buffer.from(some)),
    ),
  },
  fc.oneof(
    fc.anything(),
    fc.constantFrom(
      null,
      undefined,
      1n,
      Symbol('s'),
      () => 1,
      new Date(0),
      new Uint16Array(2),
      new ArrayBuffer(2),
      [],
      {},
      Object('text'),
    ),
  ),
)
const names = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('x', 'y', '__proto__', 'constructor', 'toString', 'length', "it's", '') },
  texts,
)
const tame = fc.array(
  fc.tuple(
    fc.constantFrom('x', 'y', '__proto__', 'constructor'),
    fc.oneof(sound, fc.constantFrom(0, -0, 1e125, -1e-130, 2 ** 53 + 2), fc.boolean(), bytes),
  ),
  { maxLength: 3 },
)
const wild = fc.array(fc.tuple(names, values), { maxLength: 1 })
/** Own fields, `__proto__` too; at most one of them is wrong, or nobody would know which was refused. */
const fields = fc
  .tuple(tame, wild)
  .map((both) => Object.fromEntries(both.flat().filter(([name]) => name !== 'pk' && name !== 'sk')))
const pks = fc.oneof(
  { weight: 8, arbitrary: sound },
  values,
  fc.constantFrom('p'.repeat(2 * KB), 'p'.repeat(2 * KB + 1), 'é'.repeat(KB + 1)),
)
const sks = fc.oneof(
  { weight: 8, arbitrary: sound },
  values,
  fc.constantFrom('s'.repeat(KB), 's'.repeat(KB + 1), 'é'.repeat(KB / 2 + 1)),
)
/** About the limit of 400 KB: `filling` makes the item as large as this. */
const sizes = fc.oneof({ weight: 10, arbitrary: fc.constant(0) }, fc.constantFrom(400 * KB - 1, 400 * KB, 400 * KB + 1))
const items: fc.Arbitrary<Item> = fc.tuple(pks, sks, fields, sizes).map(([pk, sk, some, size]) => {
  // A number's size is an estimate, so a full item has none.
  if (size === 0) return { ...some, pk, sk } as Item
  const full = {
    ...Object.fromEntries(Object.entries(some).filter(([, value]) => typeof value !== 'number')),
    pk,
    sk,
    filling: '',
  }
  return { ...full, filling: 'x'.repeat(Math.max(0, size - sizeOf(full))) } as Item
})

/** As it is read back: zero has no sign, bytes are bytes. */
const asRead = (item: Item): Record<string, Attribute> =>
  Object.fromEntries(
    Object.entries(item).map(([name, value]) => [
      name,
      value === 0 ? 0 : value instanceof Uint8Array ? new Uint8Array(value) : value,
    ]),
  )

/** By their own fields alone: a matcher of vitest would ask an item for its `constructor`. */
function expectSame(found: unknown, wanted: unknown): void {
  if (!isDeepStrictEqual(found, wanted)) expect(found).toBe(wanted)
}

/** True where it was taken, false where it was refused by name. Nothing else may be thrown. */
async function taken(call: () => Promise<unknown>): Promise<boolean> {
  try {
    await call()
    return true
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(AssertionFault)
    return false
  }
}

describe('the memory store', () => {
  holds(
    'takes the items that DynamoDB takes and gives them back as they were',
    800,
    fc.asyncProperty(items, async (item) => {
      const store = memoryStore()
      const isTaken = await taken(async () => expect(await store.insert([item])).toEqual(['inserted']))
      expect(isTaken).toBe(isItem(item))
      if (!isTaken) return
      const wanted = asRead(item)
      expectSame(await store.get([item]), [wanted])
      expect(await store.insert([item])).toEqual(['exists'])
      const next = item.sk.endsWith('\0') ? item.sk : `${item.sk}\0`
      if (next !== item.sk && bytesOf(next) <= KB)
        expectSame((await store.query({ pk: item.pk, from: item.sk, to: next })).items, [wanted])
    }),
  )

  const key = { pk: 'p', sk: 's' }
  const standing: Item = { ...key, x: 'text', y: 5 }
  const conditions = fc.oneof(
    fc.record({ attribute: names, is: fc.constantFrom('equal' as const, 'below' as const), value: values }),
    fc.record({ attribute: names, is: fc.constant('absent' as const) }),
  )

  holds(
    'takes the updates that DynamoDB takes, whether they apply or not, and changes what they name and no more',
    800,
    fc.asyncProperty(
      fields,
      fc.array(names, { maxLength: 2 }),
      fc.array(conditions, { maxLength: 1 }),
      fc.boolean(),
      async (set, remove, when, isThere) => {
        const store = memoryStore()
        if (isThere) await store.insert([standing])
        const update = { key, set, remove, when } as unknown as Update
        const changed = [...Object.keys(set), ...remove]
        const isSound =
          new Set(changed).size === changed.length &&
          [...changed, ...when.map(({ attribute }) => attribute)].every(isName) &&
          [...Object.values(set), ...when.flatMap((one) => ('value' in one ? [one.value] : []))].every(isAttribute)
        let verdict: Awaited<ReturnType<typeof store.update>> | undefined
        expect(
          await taken(async () => {
            verdict = await store.update(update)
          }),
        ).toBe(isSound)
        const after = Object.fromEntries([
          ...Object.entries(standing).filter(([name]) => !remove.includes(name)),
          ...Object.entries(set),
        ]) as Item
        const isApplied = verdict?.applied === true
        if (isApplied) expect(isThere).toBe(true)
        const [found] = await store.get([key])
        expectSame(found, isApplied ? asRead(after) : isThere ? standing : undefined)
      },
    ),
  )
})
