import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Attribute, Item, RangeQuery, StateStore, StoreUsage, Update } from '../../lib/ports/index.js'
import { draws } from '../draws.js'
import { runOnModel, runOnStore, scripts } from './model.js'

/** A page of DynamoDB holds 1 MB. */
const PAGE_BYTES = 2 ** 20

/** The differences that a store cannot avoid. */
export interface StoreTraits {
  /** Its calls are retried, so their cost is not exact. */
  readonly isFaulty?: boolean
  /** A refused insert does not return the stored item, so its size is taken from the item that was attempted. */
  readonly refusedInsertsAreBlind?: boolean
  /** Items of the longest paging test. Default 10,000, and fewer in the short form. */
  readonly items?: number
  /** Scripts that are compared with the model. Default 60, and a third of them in the short form. */
  readonly scripts?: number
}

/** The behaviour of every store of the port. `open` creates an empty one. Units are exact: see lib/state/units.ts. */
export function describeStateStore(name: string, open: () => Promise<StateStore>, traits: StoreTraits = {}): void {
  describe(`StateStore: ${name}`, () => {
    const scriptRuns = traits.scripts ?? 60
    let store: StateStore
    beforeEach(async () => {
      store = await open()
    })
    afterEach(() => store.close())

    describe('get', () => {
      it('answers in the order asked, with undefined for what is absent', async () => {
        await store.insert([item('a'), item('b')])
        expect(await store.get([key('b'), key('x'), key('a')])).toEqual([item('b'), undefined, item('a')])
        expect(await store.get([])).toEqual([])
      })

      it('reads its own writes at once (invariant 12)', async () => {
        expect(await store.get([key('a')])).toEqual([undefined])
        await store.insert([item('a', { n: 1 })])
        expect(await store.get([key('a')])).toEqual([item('a', { n: 1 })])
        await store.update({ key: key('a'), set: { n: 2 }, when: [] })
        expect(await store.get([key('a')])).toEqual([item('a', { n: 2 })])
      })

      it('keeps every kind of value, bytes to the last bit', async () => {
        const bytes = Uint8Array.from({ length: 1000 }, (_, i) => (i * 37) & 255)
        const values = { s: 'naïve 😀 \uffff', e: '', n: -12345678901, f: 0.1, z: 0, t: true, u: false }
        const written = item('a', { ...values, b: bytes, none: new Uint8Array() })
        await store.insert([written])
        const [found] = await store.get([key('a')])
        expect(found).toStrictEqual(written)
        expect((await store.query(all('p'))).items).toStrictEqual([written])
      })

      it('keeps numbers as far as DynamoDB keeps them, and refuses those beyond', async () => {
        const far = { a: 9.99999999999999e125, b: -9.99999999999999e125, c: 1e-130, d: -1e-130 }
        await store.insert([item('a', far)])
        expect(await store.get([key('a')])).toEqual([item('a', far)])
        for (const n of [1e126, 9.99e-131, Number.NaN, Number.NEGATIVE_INFINITY])
          await expect(store.insert([item('b', { n })])).rejects.toThrow('a number that DynamoDB can store')
      })

      it('refuses more than 100 keys, and a key twice, as DynamoDB does', async () => {
        const keys = Array.from({ length: 101 }, (_, i) => key(`k${i}`))
        await expect(store.get(keys)).rejects.toThrow('at most 100')
        expect(await store.get(keys.slice(1))).toHaveLength(100)
        await expect(store.get([key('a'), key('a')])).rejects.toThrow('distinct')
      })
    })

    describe('insert', () => {
      it('judges each item alone and overwrites nothing', async () => {
        expect(await store.insert([item('a', { n: 1 }), item('b', { n: 1 })])).toEqual(['inserted', 'inserted'])
        const again = await store.insert([item('c', { n: 2 }), item('a', { n: 2 }), item('d', { n: 2 })])
        expect(again).toEqual(['inserted', 'exists', 'inserted'])
        expect((await store.query(all('p'))).items.map(({ sk, n }) => [sk, n])).toEqual([
          ['a', 1],
          ['b', 1],
          ['c', 2],
          ['d', 2],
        ])
      })

      it('lets exactly one of many concurrent inserts of a key win', async () => {
        const calls = Array.from({ length: 20 }, (_, n) => store.insert([item('a', { n }), item(`own${n}`)]))
        const verdicts = await Promise.all(calls)
        const winners = verdicts.flatMap(([first], n) => (first === 'inserted' ? [n] : []))
        expect(winners).toHaveLength(1)
        expect(verdicts.every(([, own]) => own === 'inserted')).toBe(true)
        expect(await store.get([key('a')])).toEqual([item('a', { n: winners[0]! })])
      })

      it('refuses a call that holds a key twice, as a whole', async () => {
        await expect(store.insert([item('a'), item('b'), item('a')])).rejects.toThrow('distinct')
        expect(await store.get([key('a'), key('b')])).toEqual([undefined, undefined])
      })

      it('does not confuse keys whose texts run together', async () => {
        const items: Item[] = [
          { pk: 'ab', sk: 'c' },
          { pk: 'a', sk: 'bc' },
          { pk: 'a', sk: 'b' },
          { pk: 'a\0', sk: 'b' },
        ]
        expect(new Set(await store.insert(items))).toEqual(new Set(['inserted']))
        expect((await store.query(all('a'))).items).toEqual([items[2], items[1]])
      })

      it('takes items of 300 KB', async () => {
        const bytes = new Uint8Array(300 * 1024).map((_, i) => (i * 31) ^ (i >> 8))
        const sks = ['a', 'b', 'c', 'd', 'e']
        await store.insert(sks.map((sk) => item(sk, { bytes })))
        const pages = await drain(store, all('p'))
        expect(pages.map(({ sk }) => sk)).toEqual(sks)
        expect(pages.every((found) => Buffer.compare(found.bytes as Uint8Array, bytes) === 0)).toBe(true)
        // A page holds 1 MB: three of these items, or a fourth that exceeds it.
        expect((await store.query(all('p'))).items.length).toBeLessThan(5)
      })

      it('takes the longest keys that DynamoDB takes, and no longer ones', async () => {
        const long = { pk: 'é'.repeat(1024), sk: 's'.repeat(1023) }
        const items = [0, 1, 2].map((n) => ({ ...long, sk: `${long.sk}${n}` }))
        expect(await store.insert(items)).toEqual(['inserted', 'inserted', 'inserted'])
        expect(await store.get([items[1]!])).toEqual([items[1]])
        expect((await store.query({ pk: long.pk, from: items[1]!.sk, to: 't' })).items).toEqual([items[1], items[2]])
        await expect(store.insert([{ pk: `${long.pk}x`, sk: 's' }])).rejects.toThrow('2048')
        await expect(store.insert([{ pk: 'p', sk: `${long.sk}xx` }])).rejects.toThrow('1024')
        await expect(store.insert([{ pk: 'p', sk: '' }])).rejects.toThrow('empty')
        await expect(store.insert([{ pk: '\ud800', sk: 's' }])).rejects.toThrow('surrogate')
        await expect(store.insert([item('a', { b: new Uint8Array(400 * 1024) })])).rejects.toThrow('409600')
      })
    })

    describe('update', () => {
      // A different trace each time: an equal one from before would count as an update whose response was lost.
      let changes = 0
      const change = (when: Update['when'], set: Update['set'] = { done: changes++ }): Promise<boolean> =>
        store.update({ key: key('a'), set, when }).then(({ applied }) => applied)

      beforeEach(async () => {
        await store.insert([item('a', { s: 'm', n: 5, t: true, b: Uint8Array.of(1, 2) })])
      })

      it('applies if an attribute is equal', async () => {
        expect(await change([{ attribute: 's', is: 'equal', value: 'n' }])).toBe(false)
        expect(await change([{ attribute: 'x', is: 'equal', value: 'm' }])).toBe(false)
        expect(await change([{ attribute: 'n', is: 'equal', value: '5' }])).toBe(false)
        expect(await change([{ attribute: 'b', is: 'equal', value: Uint8Array.of(1, 3) }])).toBe(false)
        expect(await change([{ attribute: 's', is: 'equal', value: 'm' }])).toBe(true)
        expect(await change([{ attribute: 'n', is: 'equal', value: 5 }])).toBe(true)
        expect(await change([{ attribute: 't', is: 'equal', value: true }])).toBe(true)
        expect(await change([{ attribute: 'b', is: 'equal', value: Uint8Array.of(1, 2) }])).toBe(true)
      })

      it('applies if an attribute is below, or absent', async () => {
        expect(await change([{ attribute: 's', is: 'below', value: 'm' }])).toBe(false)
        expect(await change([{ attribute: 's', is: 'below', value: 'n' }])).toBe(true)
        expect(await change([{ attribute: 's', is: 'below', value: 9 }])).toBe(false)
        expect(await change([{ attribute: 'n', is: 'below', value: 5 }])).toBe(false)
        expect(await change([{ attribute: 'n', is: 'below', value: 10 }])).toBe(true)
        expect(await change([{ attribute: 'n', is: 'below', value: '9' }])).toBe(false)
        expect(await change([{ attribute: 'x', is: 'below', value: 'a' }])).toBe(true)
        expect(await change([{ attribute: 'y', is: 'below', value: 1 }])).toBe(true)
      })

      it('compares strings by their UTF-8 bytes', async () => {
        await change([], { s: '\uffff' })
        expect(await change([{ attribute: 's', is: 'below', value: '😀' }])).toBe(true)
        await change([], { s: '😀' })
        expect(await change([{ attribute: 's', is: 'below', value: '\uffff' }])).toBe(false)
      })

      it('applies if an attribute is absent, and only if all conditions hold', async () => {
        expect(await change([{ attribute: 's', is: 'absent' }])).toBe(false)
        const both: Update['when'] = [
          { attribute: 'x', is: 'absent' },
          { attribute: 'n', is: 'equal', value: 6 },
        ]
        expect(await change(both)).toBe(false)
        expect(await change([both[0]!, { attribute: 'n', is: 'equal', value: 5 }])).toBe(true)
      })

      it('sets and removes, and gives the item after it', async () => {
        const verdict = await store.update({
          key: key('a'),
          set: { n: 6, x: 'new' },
          remove: ['s', 'b', 'z'],
          when: [],
        })
        expect(verdict).toEqual({ applied: true, item: item('a', { n: 6, t: true, x: 'new' }) })
        expect(await store.get([key('a')])).toEqual([verdict.item])
      })

      it('changes nothing when refused, and gives the item that stood in the way', async () => {
        const before = item('a', { s: 'm', n: 5, t: true, b: Uint8Array.of(1, 2) })
        const verdict = await store.update({ key: key('a'), set: { n: 9 }, when: [{ attribute: 's', is: 'absent' }] })
        expect(verdict).toStrictEqual({ applied: false, item: before })
        expect(await store.get([key('a')])).toStrictEqual([before])
      })

      it('fails for an item that does not exist, whatever the conditions, and makes none', async () => {
        for (const when of [[], [{ attribute: 'x', is: 'absent' }]] satisfies Update['when'][]) {
          expect(await store.update({ key: key('no'), set: { n: 1 }, when })).toEqual({
            applied: false,
            item: undefined,
          })
        }
        expect(await store.get([key('no')])).toEqual([undefined])
      })

      it('lets exactly one of many concurrent updates with the same condition win', async () => {
        const when: Update['when'] = [{ attribute: 'n', is: 'equal', value: 5 }]
        const verdicts = await Promise.all(
          Array.from({ length: 20 }, (_, i) => store.update({ key: key('a'), set: { n: 100 + i }, when })),
        )
        const winners = verdicts.filter(({ applied }) => applied)
        expect(winners).toHaveLength(1)
        for (const { item: seen } of verdicts) expect(seen!.n).toBe(winners[0]!.item!.n)
      })

      it('refuses values and names that DynamoDB has none of, whether the conditions hold or not', async () => {
        const wrong: Partial<Update>[] = [
          { set: { n: Number.NaN } },
          { set: { n: '\ud800' } },
          { set: { n: null as never } },
          { set: { '': 1 } },
          { remove: [''] },
          { when: [{ attribute: 'n', is: 'equal', value: 1e126 }] },
          { when: [{ attribute: '', is: 'absent' }] },
        ]
        for (const sk of ['a', 'no'])
          for (const one of wrong)
            await expect(store.update({ key: key(sk), set: {}, when: [], ...one })).rejects.toThrow('Invariant broken')
        await expect(store.insert([item('b', { '': 1 })])).rejects.toThrow('not empty')
      })

      it('refuses to touch the key, or an attribute twice', async () => {
        await expect(store.update({ key: key('a'), set: { sk: 'b' }, when: [] })).rejects.toThrow('key')
        await expect(store.update({ key: key('a'), set: {}, remove: ['pk'], when: [] })).rejects.toThrow('key')
        await expect(store.update({ key: key('a'), set: { n: 1 }, remove: ['n'], when: [] })).rejects.toThrow('once')
      })
    })

    describe('updates that are made together', () => {
      let changes = 0
      const change = (sk: string, when: Update['when'] = [], more: Partial<Update> = {}): Update => ({
        key: key(sk),
        set: { done: `together ${changes++}` },
        when,
        ...more,
      })
      const is = (attribute: string, value: Attribute) => ({ attribute, is: 'equal', value }) as const

      it('decides each one alone, by every kind of condition, and gives what stands in the way', async () => {
        const b = Uint8Array.of(1, 2)
        const sks = Array.from({ length: 15 }, (_, i) => `k${String(i).padStart(2, '0')}`)
        const stored = (sk: string): Item => item(sk, { s: 'm', n: 5, t: true, b, 'it"s': 1 })
        await store.insert(sks.map(stored))
        const tries: readonly (readonly [Update['when'], applies: boolean])[] = [
          [[], true],
          [[is('s', 'm'), is('n', 5), is('t', true), is('b', b), is('it"s', 1)], true],
          [[is('s', 'n')], false],
          [[is('n', '5')], false],
          [[is('b', Uint8Array.of(1, 3))], false],
          [[is('x', 'm')], false],
          [[{ attribute: 's', is: 'below', value: 'n' }], true],
          [[{ attribute: 's', is: 'below', value: 'm' }], false],
          [[{ attribute: 's', is: 'below', value: 9 }], false],
          [[{ attribute: 'n', is: 'below', value: 10 }], true],
          [[{ attribute: 'n', is: 'below', value: '9' }], false],
          [[{ attribute: 'x', is: 'below', value: 'a' }], true],
          [[{ attribute: 'x', is: 'absent' }], true],
          [[{ attribute: 's', is: 'absent' }], false],
          [[is('n', 5), { attribute: 's', is: 'absent' }], false],
        ]
        const updates = tries.map(([when], i) => change(sks[i]!, when))
        const verdicts = await store.updateAll(updates)
        expect(verdicts).toStrictEqual(
          tries.map(([, applies], i) => (applies ? { applied: true } : { applied: false, item: stored(sks[i]!) })),
        )
        expect(await store.get(sks.map(key))).toStrictEqual(
          tries.map(([, applies], i) => ({ ...stored(sks[i]!), ...(applies && updates[i]!.set) })),
        )
      })

      it('makes none where no item is, and refuses the update whatever its conditions', async () => {
        await store.insert([item('a')])
        const absent = { attribute: 'x', is: 'absent' } as const
        const below = { attribute: 'x', is: 'below', value: 1 } as const
        const updates = [change('a'), change('b'), change('c', [absent]), change('d', [below])]
        const no = { applied: false, item: undefined }
        expect(await store.updateAll(updates)).toEqual([{ applied: true }, no, no, no])
        expect(await store.get(['b', 'c', 'd'].map(key))).toEqual([undefined, undefined, undefined])
      })

      it('sets, removes, does both or neither', async () => {
        await store.insert(['a', 'b', 'c', 'd'].map((sk) => item(sk, { s: 'm', n: 5 })))
        const verdicts = await store.updateAll([
          change('a', [], { set: { n: 6 } }),
          change('b', [], { set: {}, remove: ['s', 'x'] }),
          change('c', [], { set: { n: 6 }, remove: ['s'] }),
          change('d', [], { set: {} }),
        ])
        expect(verdicts.map(({ applied }) => applied)).toEqual([true, true, true, true])
        const after = [
          item('a', { s: 'm', n: 6 }),
          item('b', { n: 5 }),
          item('c', { n: 6 }),
          item('d', { s: 'm', n: 5 }),
        ]
        expect(await store.get(['a', 'b', 'c', 'd'].map(key))).toEqual(after)
      })

      it('takes more than fit into one request, and none', async () => {
        expect(await store.updateAll([])).toEqual([])
        const sks = Array.from({ length: 60 }, (_, i) => `${i}`)
        await store.insert(sks.map((sk) => item(sk, { n: Number(sk) % 2 })))
        const verdicts = await store.updateAll(sks.map((sk) => change(sk, [is('n', 0)])))
        expect(verdicts.map(({ applied }) => applied)).toEqual(sks.map((sk) => Number(sk) % 2 === 0))
      })

      it('lets exactly one of many concurrent updates with the same condition win', async () => {
        await store.insert(['a', 'b', 'c'].map((sk) => item(sk, { n: 5 })))
        const calls = Array.from({ length: 8 }, (_, i) =>
          store.updateAll(['a', 'b', 'c'].map((sk) => change(sk, [is('n', 5)], { set: { n: 100 + i } }))),
        )
        const verdicts = await Promise.all(calls)
        for (const at of [0, 1, 2]) expect(verdicts.filter((one) => one[at]!.applied)).toHaveLength(1)
      })

      it('refuses what a single update refuses, and one key twice, before it writes anything', async () => {
        await store.insert([item('a'), item('b')])
        const wrong: Update[] = [
          change('b', [], { set: { n: Number.NaN } }),
          change('b', [], { set: { sk: 'c' } }),
          change('b', [is('n', 1e126)]),
          change('a'),
        ]
        for (const one of wrong) await expect(store.updateAll([change('a'), one])).rejects.toThrow('Invariant broken')
        expect(await store.get([key('a')])).toEqual([item('a')])
      })
    })

    describe('query', () => {
      const sks = async (range: Partial<RangeQuery>): Promise<string[]> =>
        (await drain(store, { pk: 'p', from: 'b', to: 'e', ...range })).map(({ sk }) => sk)

      it('gives a half-open range of one partition, either way', async () => {
        await store.insert(['e', 'a', 'd', 'b', 'c', 'bb'].map((sk) => item(sk)))
        await store.insert([
          { pk: 'o', sk: 'c' },
          { pk: 'q', sk: 'c' },
          { pk: 'pp', sk: 'c' },
        ])
        expect(await sks({})).toEqual(['b', 'bb', 'c', 'd'])
        expect(await sks({ descending: true })).toEqual(['d', 'c', 'bb', 'b'])
        expect(await sks({ from: 'ba', to: 'cc' })).toEqual(['bb', 'c'])
        expect(await sks({ from: 'ba', to: 'cc', descending: true })).toEqual(['c', 'bb'])
        expect(await sks({ from: '', to: 'b' })).toEqual(['a'])
      })

      it('gives nothing where there is nothing', async () => {
        await store.insert([item('a'), item('f')])
        expect(await store.query({ pk: 'p', from: 'b', to: 'e' })).toEqual({ items: [] })
        expect(await store.query({ pk: 'p', from: 'b', to: 'e', descending: true })).toEqual({ items: [] })
        expect(await store.query(all('none'))).toEqual({ items: [] })
        expect((await store.query({ pk: 'p', from: 'f', to: 'a' })).items).toEqual([])
        expect((await store.query({ pk: 'p', from: 'a', to: 'a' })).items).toEqual([])
      })

      it('keeps to the limit and goes on after a key, either way', async () => {
        await store.insert(['a', 'b', 'c', 'd', 'e'].map((sk) => item(sk)))
        const first = await store.query({ ...all('p'), limit: 2 })
        expect([first.items.map(({ sk }) => sk), first.next]).toEqual([['a', 'b'], 'b'])
        const second = await store.query({ ...all('p'), limit: 2, after: first.next! })
        expect([second.items.map(({ sk }) => sk), second.next]).toEqual([['c', 'd'], 'd'])
        expect((await store.query({ ...all('p'), after: second.next! })).items).toEqual([item('e')])
        const last = await store.query({ ...all('p'), descending: true, limit: 2 })
        expect([last.items.map(({ sk }) => sk), last.next]).toEqual([['e', 'd'], 'd'])
        const rest = await store.query({ ...all('p'), descending: true, after: last.next! })
        expect(rest.items.map(({ sk }) => sk)).toEqual(['c', 'b', 'a'])
        expect((await store.query({ ...all('p'), after: 'bx' })).items.map(({ sk }) => sk)).toEqual(['c', 'd', 'e'])
      })

      it('sorts by UTF-8 bytes, where the astral planes come after U+FFFF', async () => {
        const order = [
          '\0',
          'A',
          'a',
          'z',
          '\x7f',
          'é',
          '\u07ff',
          '\u0800',
          '\ud7ff',
          '\ue000',
          '\uffff',
          '😀',
          '\u{10ffff}',
        ]
        await store.insert([...order].reverse().map((sk) => item(sk)))
        const range = { from: '\0', to: '\u{10ffff}\0' }
        expect(await sks(range)).toEqual(order)
        expect(await sks({ ...range, descending: true, limit: 3 })).toEqual([...order].reverse())
        expect(await sks({ from: '\uffff', to: '\u{10ffff}' })).toEqual(['\uffff', '😀'])
      })

      const pagedItems = traits.items ?? draws(300, 10_000)
      it(`pages through ${pagedItems} items`, async () => {
        const order = Array.from({ length: pagedItems }, (_, i) => String(i).padStart(6, '0'))
        const shuffled = order.map((_, i) => order[(i * 7919) % order.length]!)
        // More than a page holds.
        const filling = 'x'.repeat(Math.max(400, Math.ceil((1.2 * PAGE_BYTES) / pagedItems)))
        const pageItems = PAGE_BYTES / filling.length
        await store.insert(shuffled.map((sk) => item(sk, { filling })))
        const first = await store.query(all('p'))
        expect(first.items.length).toBeLessThan(pageItems)
        expect((await drain(store, all('p'))).map(({ sk }) => sk)).toEqual(order)
        const back = await drain(store, { ...all('p'), descending: true, limit: Math.ceil(0.7 * pageItems) })
        expect(back.map(({ sk }) => sk)).toEqual([...order].reverse())
      })
    })

    it('hands out and takes in copies: nobody can alter what is stored', async () => {
      const mine = { ...item('a'), n: 1, b: Uint8Array.of(1, 2, 3) }
      await store.insert([mine])
      mine.n = 9
      mine.b[0] = 9
      const set = { c: Uint8Array.of(4) }
      const { item: updated } = await store.update({ key: key('a'), set, when: [] })
      set.c[0] = 9
      const spoil = (found: Item | undefined): void => {
        for (const bytes of [found!.b, found!.c] as Uint8Array[]) bytes.fill(7)
        expect(() => Object.assign(found!, { n: 7 })).toThrow(TypeError)
      }
      spoil(updated)
      spoil((await store.get([key('a')]))[0])
      spoil((await store.query(all('p'))).items[0])
      spoil((await store.update({ key: key('a'), set, when: [{ attribute: 'x', is: 'equal', value: 1 }] })).item)
      const stored = item('a', { n: 1, b: Uint8Array.of(1, 2, 3), c: Uint8Array.of(4) })
      expect(await store.get([key('a')])).toStrictEqual([stored])
    })

    describe.skipIf(traits.isFaulty)('usage', () => {
      /** The cost of the call. */
      const cost = async (call: () => Promise<unknown>): Promise<StoreUsage> => {
        const before = store.usage()
        await call()
        const after = store.usage()
        return {
          requests: after.requests - before.requests,
          writeUnits: after.writeUnits - before.writeUnits,
          readUnits: after.readUnits - before.readUnits,
        }
      }
      /** An item of this many bytes: 6 for the keys (pk: 'p', sk: one character), 1 for the name `b`. */
      const sized = (sk: string, bytes: number): Item => item(sk, { b: new Uint8Array(bytes - 7) })

      it('starts at nothing', () => {
        expect(store.usage()).toEqual({ requests: 0, writeUnits: 0, readUnits: 0 })
      })

      it('charges an insert by the KB, and a refused one for the larger of the two', async () => {
        expect(await cost(() => store.insert([]))).toEqual({ requests: 0, writeUnits: 0, readUnits: 0 })
        expect(await cost(() => store.insert([sized('a', 1024)]))).toEqual({ requests: 1, writeUnits: 1, readUnits: 0 })
        expect(await cost(() => store.insert([sized('b', 1025)]))).toEqual({ requests: 1, writeUnits: 2, readUnits: 0 })
        expect(await cost(() => store.insert([sized('b', 5000)]))).toEqual({ requests: 1, writeUnits: 5, readUnits: 0 })
        expect(await cost(() => store.insert([sized('b', 10)]))).toEqual({
          requests: 1,
          writeUnits: traits.refusedInsertsAreBlind ? 1 : 2,
          readUnits: 0,
        })
        const many = Array.from({ length: 51 }, (_, i) => ({ pk: 'many', sk: `${i}` }))
        expect(await cost(() => store.insert(many))).toEqual({ requests: 3, writeUnits: 51, readUnits: 0 })
      })

      it('counts names, text as UTF-8, numbers by their digits', async () => {
        // 6 for the keys, 996 + 3 of text and its name, then 2 + 4 + 2 + 4 + 2 + 2 + 1 + 2: 1,024 in all.
        const exact = item('a', { txt: 'é'.repeat(498), n1: 12345, n2: 1.5e10, n3: -70, t: true })
        expect(await cost(() => store.insert([exact]))).toEqual({ requests: 1, writeUnits: 1, readUnits: 0 })
        const more = { ...exact, sk: 'bbbb' }
        expect(await cost(() => store.insert([more]))).toEqual({ requests: 1, writeUnits: 2, readUnits: 0 })
      })

      it('charges an update for the larger of before and after, a refused one for what stands', async () => {
        await store.insert([sized('a', 3000)])
        const update = (sk: string, bytes: number, when: Update['when'] = []) =>
          cost(() => store.update({ key: key(sk), set: { b: new Uint8Array(bytes - 7) }, when }))
        expect(await update('a', 3000)).toEqual({ requests: 1, writeUnits: 3, readUnits: 0 })
        expect(await update('a', 5000)).toEqual({ requests: 1, writeUnits: 5, readUnits: 0 })
        expect(await update('a', 100)).toEqual({ requests: 1, writeUnits: 5, readUnits: 0 })
        expect(await update('a', 2000)).toEqual({ requests: 1, writeUnits: 2, readUnits: 0 })
        const refused: Update['when'] = [{ attribute: 'b', is: 'absent' }]
        expect(await update('a', 9000, refused)).toEqual({ requests: 1, writeUnits: 2, readUnits: 0 })
        expect(await update('x', 9000)).toEqual({ requests: 1, writeUnits: 1, readUnits: 0 })
      })

      it('charges updates that are made together like single ones, in requests of 25', async () => {
        const sks = Array.from({ length: 51 }, (_, i) => `k${i}`)
        await store.insert(sks.map((sk) => item(sk, { b: new Uint8Array(10) })))
        const larger = sks.map((sk) => ({ key: key(sk), set: { b: new Uint8Array(1500) }, when: [] }))
        expect(await cost(() => store.updateAll(larger))).toEqual({ requests: 3, writeUnits: 102, readUnits: 0 })
        expect(await cost(() => store.updateAll([]))).toEqual({ requests: 0, writeUnits: 0, readUnits: 0 })
      })

      it('charges a get for each item by itself, absent ones too', async () => {
        await store.insert([sized('a', 100), sized('b', 4096), sized('c', 4097)])
        const keys = ['a', 'b', 'c', 'x'].map(key)
        expect(await cost(() => store.get(keys))).toEqual({ requests: 1, writeUnits: 0, readUnits: 5 })
        expect(await cost(() => store.get([]))).toEqual({ requests: 0, writeUnits: 0, readUnits: 0 })
      })

      it('charges a query for the sum of its page', async () => {
        await store.insert(['a', 'b', 'c', 'd'].map((sk) => sized(sk, 2000)))
        expect(await cost(() => store.query(all('p')))).toEqual({ requests: 1, writeUnits: 0, readUnits: 2 })
        const three = { ...all('p'), limit: 3 }
        expect(await cost(() => store.query(three))).toEqual({ requests: 1, writeUnits: 0, readUnits: 2 })
        const two = { ...all('p'), limit: 2 }
        expect(await cost(() => store.query(two))).toEqual({ requests: 1, writeUnits: 0, readUnits: 1 })
        expect(await cost(() => store.query(all('none')))).toEqual({ requests: 1, writeUnits: 0, readUnits: 1 })
      })
    })

    it('does what a naive model does', async () => {
      await fc.assert(
        fc.asyncProperty(scripts, async (script) => {
          const fresh = await open()
          try {
            expect(await runOnStore(fresh, script)).toEqual(runOnModel(script))
          } finally {
            await fresh.close()
          }
        }),
        { numRuns: draws(Math.ceil(scriptRuns / 3), scriptRuns) },
      )
    })

    it('is not used after it is closed; closing twice does no harm', async () => {
      await store.close()
      await store.close()
      await expect(store.get([key('a')])).rejects.toThrow('closed')
      await expect(store.insert([item('a')])).rejects.toThrow('closed')
      await expect(store.update({ key: key('a'), set: {}, when: [] })).rejects.toThrow('closed')
      await expect(store.updateAll([])).rejects.toThrow('closed')
      await expect(store.query(all('p'))).rejects.toThrow('closed')
    })
  })
}

const key = (sk: string) => ({ pk: 'p', sk })
const item = (sk: string, attributes: Readonly<Record<string, Item[string]>> = {}): Item => ({
  ...key(sk),
  ...attributes,
})
const all = (pk: string): RangeQuery => ({ pk, from: '\0', to: '\u{10ffff}' })

/** All items of a range, page by page. */
async function drain(store: StateStore, range: RangeQuery): Promise<Item[]> {
  const items: Item[] = []
  let after: string | undefined
  do {
    const page = await store.query({ ...range, after })
    if (range.limit !== undefined) expect(page.items.length).toBeLessThanOrEqual(range.limit)
    items.push(...page.items)
    after = page.next
  } while (after !== undefined)
  return items
}
