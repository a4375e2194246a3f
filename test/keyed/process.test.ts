import { describe, expect, it } from 'vitest'
import { sum } from '../../lib/aggregate/index.js'
import { aggregate, list, map, type ProcessHandlers, value } from '../../lib/keyed/index.js'
import { calls, Key, row } from './steps.js'

const set = (name: string, time: any, turn: number) => row((ctx: any) => ctx.timers.set(name, time), turn)

describe('expiry', () => {
  const state = {
    short: value(0, { ttl: 10 }),
    long: map<string, number>({ ttl: 100 }),
    usual: list<number>(),
    total: aggregate(sum((v: number) => v)),
  }
  const key = () => new Key(calls<typeof state>(), { state, ttlMs: 50 })
  const write = (turn: number) =>
    row(({ state }: any) => {
      state.short.set(1)
      state.long.set('a', 1)
      state.usual.add(1)
      state.total.add(1)
    }, turn)
  const read = (turn: number) =>
    row(({ state }: any) => [state.short.get(), state.long.size, state.usual.length, state.total.get()], turn)

  it('drops each state its own time, or that of the operator, after it was last written, to the millisecond', () => {
    const times = [1, 10, 11, 12, 50, 51, 52, 100, 101]
    const expected = [
      [1, 1, 1, 1],
      [1, 1, 1, 1],
      [0, 1, 1, 1],
      [0, 1, 1, 1],
      [0, 1, 1, 1],
      [0, 1, 0, 0],
      [0, 1, 0, 0],
      [0, 1, 0, 0],
      [0, 0, 0, 0],
    ]
    const one = key()
    expect(one.given(1_000, write(1), ...times.map(read)).slice(1)).toEqual(expected)
    const apart = key()
    apart.given(2, write(1))
    expect(apart.due).toBe(11)
    expect(times.slice(1).flatMap((time) => apart.given(time + 1, read(time)))).toEqual(expected.slice(1))
    expect([one.stored, one.due]).toEqual([apart.stored, apart.due])
    expect(one.stored).toBeUndefined()
  })

  it('needs no row: a key that nothing is kept of costs nothing', () => {
    const k = key()
    k.given(10, write(1))
    expect(k.due).toBe(11)
    expect(k.given(11)).toEqual([])
    expect(JSON.parse(k.stored!).s).toHaveProperty('short')
    k.given(12)
    expect(JSON.parse(k.stored!)).toEqual({
      s: { long: [['a', 1]], usual: [1], total: expect.anything() },
      e: expect.anything(),
    })
    expect(k.due).toBe(51)
    k.given(60)
    expect(k.due).toBe(101)
    k.given(200)
    expect([k.stored, k.due]).toEqual([undefined, undefined])
  })

  it('counts from the last write; reading is no write, and neither is clearing', () => {
    const k = key()
    k.given(
      10,
      write(1),
      row(({ state }: any) => state.short.update((n: number) => n + 1), 9),
    )
    expect(
      k.given(
        100,
        read(18),
        row(({ state }: any) => state.short.clear(), 18),
        read(19),
      ),
    ).toEqual([[2, 1, 1, 1], undefined, [0, 1, 1, 1]])
    expect(k.due).toBe(101)
    k.given(
      200,
      write(150),
      row(({ state }: any) => [state.long.delete('a'), state.usual.clear()], 151),
    )
    expect(JSON.parse(k.stored!).s).toEqual({ total: expect.anything() })
  })

  it('comes before a row and a timer of its time', () => {
    const timed: ProcessHandlers<any, any, typeof state, any> = {
      onRow: (ctx) => ctx.timers.set('t', ctx.state.short.get() === 0 ? 11 : 99),
      onTimer: (ctx) => [ctx.state.short.get()],
    }
    const k = new Key({ ...timed, onRow: (ctx, row: any) => row(ctx) }, { state })
    k.slice(
      5,
      row((ctx: any) => void ctx.state.short.set(3), 1),
      row((ctx: any) => void ctx.timers.set('t', 10), 1),
    )
    k.slice(
      6,
      row((ctx: any) => void ctx.timers.set('u', 11), 5),
    )
    expect(k.given(100)).toEqual([3, 0])
  })

  it('goes by event time: a late row writes when it is processed', () => {
    const k = key()
    const late = row(write(0).value, 40, 5)
    k.given(41, late)
    expect(k.due).toBe(50)
  })
})

describe('timers', () => {
  it('fire in the order of their time, then of their name, after the rows of that time', () => {
    const k = new Key(calls<any>())
    const given = k.given(
      100,
      set('b', 50, 1),
      set('a', 50, 2),
      set('c', 20, 3),
      row(() => 'row', 50),
      row(() => 'later', 51),
    )
    expect(given.slice(3)).toEqual([
      { name: 'c', time: 20, now: 20 },
      'row',
      { name: 'a', time: 50, now: 50 },
      { name: 'b', time: 50, now: 50 },
      'later',
    ])
    expect(k.stored).toBeUndefined()
  })

  it('are set, replaced, read and deleted by name, and stored until they fire', () => {
    const k = new Key(calls<any>())
    const get = row(({ timers }: any) => [timers.get('a'), timers.get('b')], 4)
    expect(k.given(10, set('a', 50, 1), set('a', new Date(70), 2), set('b', 30.2, 3), get).at(-1)).toEqual([70, 31])
    expect(k.due).toBe(31)
    expect(
      k.slice(
        20,
        row(({ timers }: any) => [timers.delete('b'), timers.delete('x')], 11),
      ).waits,
    ).toBe(70)
    expect(JSON.parse(k.stored!)).toEqual({ t: [['a', 70]] })
    expect(k.given(70)).toEqual([])
    expect(k.given(71)).toEqual([{ name: 'a', time: 70, now: 70 }])
    expect(
      k.given(
        72,
        row(({ timers }: any) => timers.get('a') ?? 'gone', 71),
      ),
    ).toEqual(['gone'])
    expect(k.stored).toBeUndefined()
  })

  it('for a time that has passed fire at once: after the rows of now', () => {
    const k = new Key(calls<any>())
    expect(
      k.given(
        10,
        set('a', -5, 3),
        row(() => 'row', 3),
        row(() => 'next', 4),
      ),
    ).toEqual([undefined, 'row', { name: 'a', time: 3, now: 3 }, 'next'])
  })

  it('that set themselves make progress, a millisecond at a time, into the next slice', () => {
    const k = new Key<any>({
      onRow: (ctx) => ctx.timers.set('a', 0),
      onTimer(ctx, timer) {
        ctx.timers.set('a', timer.time - 100)
        return [timer.time]
      },
    })
    expect(k.given(5, row('go', 2))).toEqual([2, 3, 4])
    expect(k.due).toBe(5)
    expect(k.given(7)).toEqual([5, 6])
  })

  it.each([
    ['a', Number.NaN, 'The time of the timer "a" must be ms since the epoch or a valid Date; it is NaN.'],
    [
      'a',
      new Date(Number.NaN),
      'The time of the timer "a" must be ms since the epoch or a valid Date; it is an invalid Date.',
    ],
    ['a', '2020-01-01', 'The time of the timer "a" must be ms since the epoch or a valid Date; it is "2020-01-01".'],
    ['a', 1e300, 'The time of the timer "a" must be ms since the epoch or a valid Date; it is 1e+300.'],
    ['a', undefined, 'The time of the timer "a" must be ms since the epoch or a valid Date; it is undefined.'],
    [5 as never, 5, 'The name of a timer must be a string; it is 5.'],
  ])('with the name %s and the time %s are refused', (name, time, said) => {
    const { rejected } = new Key(calls<any>()).slice(10, set(name, time, 1))
    expect(rejected).toMatchObject([{ reason: 'bad-timer', detail: `onRow of "p": ${said}` }])
  })

  it('without onTimer are refused: they would have no effect', () => {
    const { rejected } = new Key<any>({ onRow: (ctx) => ctx.timers.set('a', 1) }).slice(10, row('a', 1))
    expect(rejected).toMatchObject([
      { reason: 'bad-timer', detail: 'onRow of "p": The timer "a" would have no effect: there is no onTimer. Add it.' },
    ])
  })
})

describe('rows', () => {
  it('come in the order of event time, with what a handler may know of them', () => {
    const k = new Key<any>({
      onRow: ({ key, timestamp, now, isLate }, v) => [{ key, timestamp, now, isLate, v }],
    })
    expect(k.given(100, row('b', 30, 30), row('late', 20, 5), row('a', 10, 10))).toEqual([
      { key: 'k', timestamp: 10, now: 10, isLate: false, v: 'a' },
      { key: 'k', timestamp: 5, now: 20, isLate: true, v: 'late' },
      { key: 'k', timestamp: 30, now: 30, isLate: false, v: 'b' },
    ])
  })

  it('are given by arrays, generators, other iterables, or not at all, at the time of the row or timer', () => {
    const k = new Key<any>({
      *onRow(ctx, v) {
        ctx.timers.set('t', 50)
        yield* v
      },
      onTimer: () => new Set(['from', 'timer']),
    })
    const { outputs } = k.slice(100, row([1, 2], 20, 10), row([], 30))
    expect(outputs).toEqual([
      { value: 1, timestamp: 10, id: '100/0' },
      { value: 2, timestamp: 10, id: '100/1' },
      { value: 'from', timestamp: 50, id: '100/2' },
      { value: 'timer', timestamp: 50, id: '100/3' },
    ])
    for (const nothing of [undefined, null])
      expect(new Key<any>({ onRow: () => nothing as any }).given(9, row(1, 1))).toEqual([])
  })

  it.each([
    [
      'a promise',
      () => Promise.reject(new Error('x')),
      'step-threw',
      'onRow of "p" must be synchronous; it returned a promise. Remove async from it.',
    ],
    ['text', () => 'text', 'bad-rows', 'onRow of "p" must return an array of rows, a generator, or nothing.'],
    ['one row', () => ({ a: 1 }), 'bad-rows', 'onRow of "p" must return an array of rows, a generator, or nothing.'],
    [
      'an async generator',
      async function* () {},
      'bad-rows',
      'onRow of "p" must return an array of rows, a generator, or nothing.',
    ],
  ])('as %s are refused', (_, onRow: any, reason, said) => {
    expect(new Key<any>({ onRow }).slice(10, row(1, 1)).rejected).toMatchObject([{ reason, detail: said }])
  })

  it('and what state gives are frozen: the next attempt gets the same', () => {
    const state = { v: value<any>({ n: { m: 1 } }), l: list<any>(), m: map<string, any>() }
    const k = new Key<typeof state>(
      {
        onRow(ctx, v: any) {
          if (v.seed) {
            ctx.state.l.add({ n: 1 })
            ctx.state.m.set('a', { n: 1 })
            return
          }
          const changed = { v: ctx.state.v.get().n, l: ctx.state.l.get()[0], m: ctx.state.m.get('a'), row: v.inner }[
            v.of as 'v'
          ]
          changed.n = 2
        },
      },
      { state },
    )
    const rows = ['v', 'l', 'm', 'row'].map((of, i) => row({ of, inner: {} }, i + 2))
    const { rejected } = k.slice(10, row({ seed: true }, 1), ...rows)
    expect(rejected.map(({ detail }) => detail)).toEqual(
      rows.map(() =>
        expect.stringMatching(
          /^onRow of "p": Cannot .*\. Rows and values of state are frozen: create a new object, such as \{ \.\.\.value, count: 1 \}\.$/,
        ),
      ),
    )
    expect(JSON.parse(k.stored!)).toEqual({ s: { l: [{ n: 1 }], m: [['a', { n: 1 }]] } })
  })
})

describe('what throws is rejected alone (invariant 14)', () => {
  const state = { seen: value(0), names: list<string>() }
  const handlers: ProcessHandlers<string, any, typeof state, any> = {
    *onRow(ctx, name) {
      ctx.state.seen.update((n) => n + 1)
      ctx.state.names.add(name)
      ctx.timers.set(name, ctx.now + 5)
      yield `${name} ${ctx.state.seen.get()}`
      if (name.startsWith('bad')) throw new Error(`${name} is bad`)
      yield ctx.state.names.get().join()
    },
    onTimer(ctx, { name }) {
      ctx.state.seen.set(100)
      if (name.startsWith('fails')) throw new TypeError('the timer fails')
      return [`timer ${name} ${ctx.state.seen.get()}`]
    },
  }
  const key = () => new Key<typeof state>(handlers, { state })

  it('a row: the state is as before it, and the others give the same as without it', () => {
    const without = key()
    const expected = without.slice(100, row('a', 1), row('b', 3), row('c', 20))
    const k = key()
    const { outputs, rejected } = k.slice(
      100,
      row('a', 1),
      row('bad 1', 2, 0),
      row('b', 3),
      row('bad 2', 8),
      row('c', 20),
    )
    expect(outputs).toEqual(expected.outputs)
    expect([k.stored, k.due]).toEqual([without.stored, without.due])
    expect(rejected).toEqual([
      {
        reason: 'step-threw',
        detail: 'onRow of "p": bad 1 is bad',
        split: 's',
        position: '2',
        timestamp: 0,
        payload: 'bad 1',
        id: '100/rejected/0',
      },
      {
        reason: 'step-threw',
        detail: 'onRow of "p": bad 2 is bad',
        split: 's',
        position: '8',
        timestamp: 8,
        payload: 'bad 2',
        id: '100/rejected/1',
      },
    ])
  })

  it('a timer: it has fired nevertheless', () => {
    const k = key()
    const { outputs, rejected } = k.slice(100, row('fails', 1), row('b', 3))
    expect(outputs.map(({ value }) => value)).toEqual(['fails 1', 'fails', 'b 2', 'fails,b', 'timer b 100'])
    expect(rejected).toEqual([
      {
        reason: 'step-threw',
        detail: 'onTimer of "p": the timer fails',
        split: 'p',
        position: '6',
        timestamp: 6,
        payload: { timer: 'fails', time: 6 },
        id: '100/rejected/0',
      },
    ])
    expect(JSON.parse(k.stored!)).toEqual({ s: { seen: 100, names: ['fails', 'b'] } })
    expect(k.due).toBeUndefined()
  })

  it('every row of many, with many outputs: no limit of arguments or of the stack', () => {
    const k = new Key<any>({
      onRow(_, v) {
        if (v < 0) throw new Error('negative')
        return Array.from({ length: 10_000 }, () => v)
      },
    })
    const rows = Array.from({ length: 20 }, (_, i) => row(i, i))
    const { outputs, rejected } = k.slice(100, ...rows, row(-1, 50), row(-2, 51))
    expect([outputs.length, rejected.length]).toEqual([200_000, 2])
  })

  it('whatever it throws', () => {
    for (const thrown of [undefined, null, 'text', { toString: null }]) {
      const onRow = () => {
        throw thrown
      }
      const [refusal] = new Key<any>({ onRow }).slice(10, row(1, 1)).rejected
      expect(refusal).toMatchObject({ reason: 'step-threw', detail: expect.stringMatching(/^onRow of "p": ./) })
    }
  })
})

describe('limits', () => {
  const many = (n: number) =>
    row((ctx: any) => Array.from({ length: n }, (_, i) => ctx.timers.set(`t${i}`, 50)).length, 1)

  it('timers of a key', () => {
    const key = () => new Key(calls<any>(), { limits: { timers: 3 } })
    const k = key()
    k.given(10, many(3), many(3))
    const { rejected } = k.slice(
      20,
      row(({ timers }: any) => timers.set('other', 50), 11),
    )
    expect(rejected).toMatchObject([
      {
        reason: 'too-many-timers',
        detail: 'onRow of "p": A key may have at most 3 timers. Use fewer names, or a list of times in its state.',
      },
    ])
    expect(key().slice(10, many(4))).toMatchObject({ state: undefined, rejected: [{ reason: 'too-many-timers' }] })
  })

  it('timers that fire in a slice: the first one beyond is rejected, and rows go on', () => {
    const again: ProcessHandlers<any, any, any, any> = {
      onRow: (ctx, v) => (v === 'go' ? void ctx.timers.set('a', 0) : [v]),
      onTimer(ctx, { time }) {
        ctx.timers.set('a', time + 1)
        return [time]
      },
    }
    const k = new Key(again, { limits: { timersFired: 3 } })
    const { outputs, rejected } = k.slice(100, row('go', 1), row('row', 50))
    expect(outputs.map(({ value }) => value)).toEqual([1, 2, 3, 'row'])
    expect(rejected).toMatchObject([
      {
        reason: 'too-many-timers',
        detail:
          'onTimer of "p": A key may fire at most 3 timers within 100 ms of event time. Check that onTimer sets its timers further ahead.',
        payload: { timer: 'a', time: 4 },
      },
    ])
    expect(k.stored).toBeUndefined()
  })

  it('timers that fire without a row: a timer that always sets itself ends, and the end of the input comes', () => {
    const forever: ProcessHandlers<any, any, any, any> = {
      onRow: (ctx) => void [ctx.timers.set('a', ctx.now + 10), ctx.timers.set('b', 1_000)],
      onTimer(ctx, { name, time }) {
        if (name === 'a') ctx.timers.set('a', time + 10)
        return [`${name} ${time}`]
      },
    }
    const k = new Key(forever, { limits: { timersWithoutRow: 4 } })
    expect(k.given(31, row('go', 1))).toEqual(['a 11', 'a 21'])
    // Across slices, it is part of the state.
    expect(JSON.parse(k.stored!)).toEqual({ t: expect.anything(), n: 2 })
    // A row begins anew.
    expect(k.given(35, row('go', 32))).toEqual(['a 31'])
    expect(JSON.parse(k.stored!).n).toBeUndefined()
    expect(k.given(73)).toEqual(['a 42', 'a 52', 'a 62', 'a 72'])
    const { outputs, rejected } = k.slice(2_000)
    expect(outputs).toEqual([])
    expect(rejected).toMatchObject([
      {
        reason: 'too-many-timers',
        detail:
          'onTimer of "p": A key may fire at most 4 timers since its last row. Check that onTimer does not set a timer again for ever.',
        payload: { timer: 'a', time: 82 },
      },
      // Neither does another timer go on.
      { reason: 'too-many-timers', payload: { timer: 'b', time: 1_000 } },
    ])
    expect([k.stored, k.due]).toEqual([undefined, undefined])
  })

  it('rows of one call, and of one key in one slice', () => {
    const endless = function* () {
      for (let n = 0; ; n++) yield n
    }
    const give = (limits: object, ...rows: any[]) =>
      new Key<any>({ onRow: (_, v) => (v === 'endless' ? endless() : v) }, { limits }).slice(10, ...rows)
    const call = give({ rowsOfCall: 3 }, row([1, 2, 3], 1), row('endless', 2), row([4], 3))
    expect(call.outputs.map(({ value }) => value)).toEqual([1, 2, 3, 4])
    expect(call.rejected).toMatchObject([
      {
        reason: 'too-many-rows',
        detail: 'onRow of "p" may return at most 3 rows, and 900000 for one key in one slice.',
      },
    ])
    const slice = give({ rowsOfSlice: 4 }, row([1, 2, 3], 1), row([4, 5], 2), row([6], 3), row([7], 4))
    expect(slice.outputs.map(({ value }) => value)).toEqual([1, 2, 3, 6])
    expect(slice.rejected.map(({ payload }) => payload)).toEqual([[4, 5], [7]])
  })

  it('the state of a key as text', () => {
    const state = { text: value('') }
    const k = new Key(calls<typeof state>(), { state, limits: { stateChars: 30 } })
    const write = (text: string, turn: number) => row((ctx: any) => ctx.state.text.set(text), turn)
    const { rejected } = k.slice(10, write('x'.repeat(13), 1), write('x'.repeat(14), 2))
    expect(rejected).toMatchObject([
      {
        reason: 'state-too-large',
        detail:
          'onRow of "p": The state of one key of "p" may have at most 30 characters as JSON; after this call it would have more. Give its lists a max, or its states a ttl.',
      },
    ])
    expect(k.stored).toHaveLength(30)
  })
})
