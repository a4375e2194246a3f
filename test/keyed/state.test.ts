import { describe, expect, it } from 'vitest'
import { collect, count, custom, sum } from '../../lib/aggregate/index.js'
import { aggregate, list, map, value } from '../../lib/keyed/index.js'
import { FOLDS } from '../aggregate/folds.js'
import { type Call, calls, Key, row } from './steps.js'

const states = {
  n: value(7),
  object: value<{ a: number; b?: number }>({ a: 1 }),
  map: map<string | number, any>(),
  list: list<any>({ max: 3 }),
  whole: list<any>(),
  total: aggregate(sum((v: number) => v)),
}
type States = typeof states
const key = () => new Key(calls<States>(), { state: states })
/** What a call gives after another one. */
const second = (_: unknown, given: unknown): unknown => given
let time = 0
const at = (call: Call<States>) => row(call, time++)
/** Runs calls in one slice each, or all in one: what they give must be the same. */
function both(...made: Call<States>[]): unknown[] {
  const one = key()
  const together = one.given(time + 1_000, ...made.map(at))
  const other = key()
  const apart = made.flatMap((call) => other.given(time + 2, at(call)))
  expect(together).toEqual(apart)
  expect(one.stored).toBe(other.stored)
  return apart
}

describe('value', () => {
  it('is the initial one until it is set, and again once it is cleared; only what is set is stored', () => {
    const k = key()
    expect(
      k.given(
        10,
        row((ctx: any) => ctx.state.n.get(), 1),
      ),
    ).toEqual([7])
    expect(k.stored).toBeUndefined()
    k.given(
      20,
      row((ctx: any) => ctx.state.n.update((n: number) => n + 1), 11),
    )
    expect(JSON.parse(k.stored!)).toEqual({ s: { n: 8 } })
    k.given(
      30,
      row((ctx: any) => ctx.state.n.set(7), 21),
    )
    expect(JSON.parse(k.stored!)).toEqual({ s: { n: 7 } })
    expect(
      k.given(
        40,
        row((ctx: any) => [ctx.state.n.clear(), ctx.state.n.get()], 31),
      ),
    ).toEqual([[undefined, 7]])
    expect(k.stored).toBeUndefined()
  })

  it('that is an object is replaced, and never changed in place', () => {
    expect(
      both(
        ({ state }) => state.object.set({ ...state.object.get(), b: 2 }),
        ({ state }) => state.object.get(),
        ({ state }) => state.object.update((o) => ({ ...o, a: 5 })),
        ({ state }) => state.object.get(),
        ({ state }) => [state.object.clear(), state.object.get()],
      ),
    ).toEqual([undefined, { a: 1, b: 2 }, undefined, { a: 5, b: 2 }, [undefined, { a: 1 }]])
  })
})

describe('map', () => {
  it('keeps the order in which entries were first set, and tells 1 from "1"', () => {
    expect(
      both(
        ({ state }) => state.map.size,
        ({ state }) => {
          for (const name of ['b', 'a', 1, '1']) state.map.set(name, `${typeof name} ${name}`)
          state.map.set('b', null)
        },
        ({ state }) => [...state.map.entries()],
        ({ state }) => [state.map.get(1), state.map.get('1'), state.map.get('c'), state.map.has('b')],
        ({ state }) => [state.map.delete('b'), state.map.delete('c'), state.map.size, [...state.map.keys()]],
        ({ state }) => [...state.map.values()],
        ({ state }) => [state.map.clear(), state.map.size],
      ).slice(1),
    ).toEqual([
      undefined,
      [
        ['b', null],
        ['a', 'string a'],
        [1, 'number 1'],
        ['1', 'string 1'],
      ],
      ['number 1', 'string 1', undefined, true],
      [undefined, undefined, 3, ['a', 1, '1']],
      ['string a', 'number 1', 'string 1'],
      [undefined, 0],
    ])
  })

  it.each([
    [null, 'of type object'],
    [true, 'of type boolean'],
    [Number.NaN, 'NaN'],
  ])('refuses the key %s', (name, said) => {
    const [refusal] = key().slice(
      10,
      row((ctx: any) => ctx.state.map.set(name, 1), 1),
    ).rejected
    expect(refusal).toMatchObject({
      reason: 'bad-state',
      detail: `onRow of "p": The state "map" of "p" is a map, whose keys must be strings or finite numbers; this one is ${said}.`,
    })
  })
})

describe('list', () => {
  it('keeps the last items up to its max, added or set', () => {
    expect(
      both(
        ({ state }) => [state.list.length, state.list.get()],
        ({ state }) => {
          for (const item of [1, 2, 3, 4, 5]) state.list.add(item)
          for (const item of [1, 2, 3, 4, 5]) state.whole.add(item)
        },
        ({ state }) => [state.list.get(), state.list.length, state.whole.length],
        ({ state }) => [state.list.set(['a', 'b', 'c', 'd']), state.whole.set(['a', 'b', 'c', 'd'])],
        ({ state }) => [state.list.get(), state.whole.get()],
        ({ state }) => [state.list.clear(), state.list.get(), state.whole.set([]), state.whole.get()],
      ),
    ).toEqual([
      [0, []],
      undefined,
      [[3, 4, 5], 3, 5],
      [undefined, undefined],
      [
        ['b', 'c', 'd'],
        ['a', 'b', 'c', 'd'],
      ],
      [undefined, [], undefined, []],
    ])
  })

  it('gives an array that later items do not change: a row that was given may hold it', () => {
    const k = key()
    const add = (n: number) => row((ctx: any) => second(ctx.state.list.add(n), ctx.state.list.get()), n)
    expect(k.given(10, add(1), add(2), add(3), add(4))).toEqual([[1], [1, 2], [1, 2, 3], [2, 3, 4]])
    const items = [{ n: 1 }]
    k.given(
      20,
      row((ctx: any) => ctx.state.list.set(items), 11),
      row(() => items.push({ n: 2 }), 12),
    )
    expect(JSON.parse(k.stored!)).toEqual({ s: { list: [{ n: 1 }] } })
  })
})

describe('aggregate', () => {
  it.each(Object.entries(FOLDS))('of %s gives the same, in one slice or in many', (_, asked) => {
    const fold = { f: aggregate(asked.make((v) => v) as any) }
    const values = asked.takes.map((_, i) => (asked.of === 'sumDecimal' ? `${i}.5` : i))
    const one = new Key(calls<typeof fold>(), { state: fold })
    const add = (v: any, i: number) => row((ctx: any) => ctx.state.f.add(v), i)
    const last = row((ctx: any) => ctx.state.f.get(), 5_000)
    const { outputs, rejected } = one.slice(10_000, ...values.map(add), last)
    const many = new Key(calls<typeof fold>(), { state: fold })
    const apart = values.map((v, i) => many.slice(i + 1, add(v, i)))
    expect(many.slice(10_000, last).outputs.at(-1)!.value).toEqual(outputs.at(-1)!.value)
    expect(apart.flatMap((slice) => slice.rejected).map(({ detail }) => detail)).toEqual(
      rejected.map(({ detail }) => detail),
    )
    expect(many.stored).toBe(one.stored)
  })

  it('that reads nothing of a row writes nothing, and starts again once it is cleared', () => {
    const state = { f: aggregate(sum((v: number | null) => v)), n: aggregate(count()) }
    const k = new Key(calls<typeof state>(), { state })
    expect(
      k.given(
        10,
        row((ctx: any) => second(ctx.state.f.add(null), ctx.state.f.get()), 1),
      ),
    ).toEqual([0])
    expect(k.stored).toBeUndefined()
    expect(
      k.given(
        20,
        row((ctx: any) => second(ctx.state.f.add(2), ctx.state.f.get()), 11),
      ),
    ).toEqual([2])
    expect(
      k.given(
        30,
        row((ctx: any) => second(ctx.state.f.clear(), ctx.state.f.get()), 21),
      ),
    ).toEqual([0])
    expect(k.stored).toBeUndefined()
  })

  it('breaks ties by the place of the row, whatever slices it is cut into', () => {
    const state = { f: aggregate(collect((v: string) => v)) }
    const add = (v: string, split: string) => ({
      ...row((ctx: any) => second(ctx.state.f.add(v), ctx.state.f.get()), 5),
      split,
    })
    const k = new Key(calls<typeof state>(), { state })
    expect(k.given(6, add('of b', 'b')).at(-1)).toEqual(['of b'])
    expect(k.given(7, { ...add('of a', 'a'), turn: 6 }).at(-1)).toEqual(['of a', 'of b'])
    expect(
      k.given(
        8,
        row((ctx: any) => ctx.timers.set('t', 7), 7),
      ).length,
    ).toBe(2)
  })

  it('gives a result that shares nothing with what is stored, and is refused if JSON cannot store it', () => {
    const own = (init: () => any) =>
      aggregate(custom({ name: 'own', init, add: (a: any, v: any) => [...a, v], merge: (a) => a, result: (a) => a }))
    const state = { f: own(() => []) }
    const add = (v: unknown, at: number) => row((ctx: any) => second(ctx.state.f.add(v), ctx.state.f.get()), at)
    const k = new Key(calls<typeof state>(), { state })
    expect(k.given(10, add(1, 1), add({ a: 2 }, 2))).toEqual([[1], [1, { a: 2 }]])
    const { outputs, rejected } = k.slice(20, add(new Map(), 11), add(3, 12))
    expect(rejected.map(({ reason, detail }) => [reason, detail])).toEqual([
      ['not-json', expect.stringContaining('The state "f" of "p" must consist of JSON values')],
    ])
    expect(outputs.map(({ value }) => value)).toEqual([[1, { a: 2 }, 3]])
  })
})

describe('values that JSON would change are refused where they are written', () => {
  class Point {
    x = 1
  }
  const cyclic: any = {}
  cyclic.self = cyclic
  const ODD: readonly (readonly [what: string, value: unknown, contains: string])[] = [
    ['a Date', new Date(0), 'an instance of Date'],
    ['a Map', new Map(), 'an instance of Map'],
    ['a class', new Point(), 'an instance of Point'],
    ['toJSON', { toJSON: () => 1 }, 'an object with toJSON'],
    ['NaN', Number.NaN, 'NaN'],
    ['an infinity', Number.NEGATIVE_INFINITY, '-Infinity'],
    ['a bigint', 1n, 'a bigint'],
    ['a function', () => 1, 'a function'],
    ['a symbol', Symbol('s'), 'a symbol'],
    ['undefined', undefined, 'undefined'],
    ['a cycle', cyclic, 'more than 1000 levels'],
  ]
  const message = (what: string, contains: string): string =>
    `${what} must consist of JSON values: objects, arrays, strings, finite numbers, booleans and null. It contains ${contains}. ${contains === 'undefined' ? 'Use null, or leave the member out' : 'Convert it, for example a Date with getTime()'}.`

  it.each(ODD)('%s, by itself or within, in each kind of state', (_, odd, contains) => {
    const within = odd === undefined ? [odd] : { a: [{ b: odd }] }
    for (const given of [odd, within])
      for (const [name, write] of [
        ['object', (state: any) => state.object.set(given)],
        ['map', (state: any) => state.map.set('a', given)],
        ['list', (state: any) => state.list.add(given)],
        ['list', (state: any) => state.list.set([given])],
      ] as const) {
        // A value that is written over by the next row is refused as well: slices do not decide.
        const over = row((ctx: any) => [ctx.state.object.clear(), ctx.state.map.clear(), ctx.state.list.clear()], 2)
        const { rejected } = key().slice(
          10,
          row(({ state }: any) => write(state), 1),
          over,
        )
        expect(rejected.map(({ reason, detail }) => [reason, detail])).toEqual([
          ['not-json', `onRow of "p": ${message(`The state "${name}" of "p"`, contains)}`],
        ])
      }
  })

  it.each(ODD)('%s as the initial value', (_, odd, contains) => {
    expect(() => value(odd)).toThrow(
      expect.objectContaining({ code: 'bad-state', message: message('The initial value of value()', contains) }),
    )
  })

  it('but a member that is undefined is as one that is missing', () => {
    expect(
      both(
        ({ state }) => state.object.set({ a: 1, b: undefined as any }),
        ({ state }) => state.object.get(),
      )[1],
    ).toEqual({
      a: 1,
    })
  })
})

it('a state may have any name that a property may have', () => {
  const state = { run: value(1), constructor: value(2), toString: value(3), state: value(4) } as any
  const k = new Key(calls<any>(), { state })
  const read = row((ctx: any) => Object.keys(state).map((name) => ctx.state[name].get()), 1)
  expect(k.given(10, read)).toEqual([[1, 2, 3, 4]])
  k.given(
    20,
    row((ctx: any) => [ctx.state.run.set(5), ctx.state.constructor.set(6)], 11),
  )
  expect(k.given(30, { ...read, turn: 21 })).toEqual([[5, 6, 3, 4]])
})
