import * as v from 'valibot'
import { describe, expectTypeOf, it } from 'vitest'
import * as z from 'zod'
import {
  avg,
  collect,
  count,
  custom,
  distinctCount,
  first,
  last,
  max,
  maxBy,
  min,
  minBy,
  stddev,
  sum,
  sumDecimal,
} from '../../lib/aggregate/index.js'
import { hex } from '../../lib/base/index.js'
import { aggregate, list, map, value } from '../../lib/keyed/index.js'
import {
  type CountWindowResult,
  type KeyedStream,
  pipeline,
  type Ranked,
  type Rejected,
  type Stream,
  type WindowedStream,
} from '../../lib/pipeline/index.js'
import type { Builder } from '../../lib/pipeline/stream.js'
import type { RecordMeta, SinkNode, SourceNode } from '../../lib/ports/index.js'
import { sourceNode } from '../../lib/sources/node.js'
import { monotonous } from '../../lib/time/index.js'
import { tumbling } from '../../lib/window/index.js'
import { type Order, orders, sink, source } from './fixtures.js'

/** This is only compiled. It never runs, so wrong use need not be refused at run time as well. */
function compiled(_: (p: Builder) => void): void {}
const type = <T>(): T => undefined as T

describe('each step offers only what is legal next', () => {
  it('a stream has no window, a keyed stream what keeps state, a windowed one only aggregates', () => {
    compiled((p) => {
      const stream = p.from(orders)
      const keyed = stream.keyBy((o) => o.customer)
      const windowed = keyed.window(tumbling('5m'))
      expectTypeOf<Exclude<keyof typeof keyed, never>>().toEqualTypeOf<
        'window' | 'aggregate' | 'process' | 'deduplicate' | 'lag' | 'lead' | 'topN' | 'rank' | 'countWindow' | 'over'
      >()
      expectTypeOf<keyof typeof windowed>().toEqualTypeOf<'aggregate'>()
      // @ts-expect-error rows have no key yet
      stream.window(tumbling('5m'))
      // @ts-expect-error rows have no key yet
      stream.aggregate('a', { rows: count() })
      // @ts-expect-error a keyed stream goes nowhere but into a window
      keyed.to(sink('out'))
      // @ts-expect-error keys cannot be mapped away
      keyed.map((o) => o)
      // @ts-expect-error a window without an aggregate has no rows
      windowed.to(sink('out'))
      // @ts-expect-error there is no window of a window
      windowed.window(tumbling('5m'))
      // @ts-expect-error streams start with from()
      p.map((o: Order) => o)
      // @ts-expect-error from() takes sources
      p.from(sink('out'))
      // @ts-expect-error from() takes at least one
      p.from()
    })
  })

  it('steps cannot be made up, nor windows be taken for durations', () => {
    compiled((p) => {
      const keyed = p.from(orders).keyBy((o) => o.customer)
      // @ts-expect-error a window is tumbling('5m'), not '5m'
      keyed.window('5m')
      // @ts-expect-error there is no such accumulation
      keyed.window(tumbling('5m'), { accumulation: 'adding' })
      // @ts-expect-error there is no such option
      keyed.window(tumbling('5m'), { lateness: '5m' })
      // @ts-expect-error there is no such option
      pipeline('x', { keygroups: 4 }, () => undefined)
    })
  })
})

describe('promises are refused', () => {
  it('in every step', () => {
    compiled((p) => {
      const stream = p.from(orders)
      // @ts-expect-error map is synchronous
      stream.map(async (o) => o.id)
      // @ts-expect-error even where only some rows give a promise
      stream.map((o) => (o.amount > 1 ? o.id : Promise.resolve(o.id)))
      // @ts-expect-error flatMap is synchronous
      stream.flatMap(async (o) => [o.id])
      // @ts-expect-error and so are its rows
      stream.flatMap((o) => [Promise.resolve(o.id)])
      // @ts-expect-error an async generator is no iterable
      stream.flatMap(async function* (o) {
        yield o.id
      })
      // @ts-expect-error filter is synchronous
      stream.filter(async (o) => o.amount > 1)
      const build = (side: Stream<Order>) => side.to(sink('out'))
      // @ts-expect-error sideOutput is synchronous
      stream.sideOutput(async (o) => o.amount > 1, build)
      // @ts-expect-error a promise is no key
      stream.keyBy(async (o) => o.customer)
      const windowed = stream.keyBy((o) => o.customer).window(tumbling('5m'))
      // @ts-expect-error a promise is no number
      windowed.aggregate('a', { total: sum(async (o) => o.amount) })
    })
  })
})

describe('operators over rows', () => {
  it('infer the key, the rows and what follows', () => {
    compiled((p) => {
      const keyed = p.from(orders).keyBy((o) => [o.customer, o.amount])
      const unique = keyed.deduplicate('a', { keep: 'first', within: '1h', by: (o, meta) => [o.id, meta.position] })
      expectTypeOf(unique).toEqualTypeOf<Stream<Order, undefined>>()
      expectTypeOf(keyed.lag('a', {})).toEqualTypeOf<Stream<{ row: Order; previous: Order | null }, undefined>>()
      const lagged = keyed.lag('a', { offset: 2, ttl: '1d' }, (row, previous) => {
        expectTypeOf(previous).toEqualTypeOf<Order | null>()
        return row.amount - (previous?.amount ?? 0)
      })
      expectTypeOf(lagged).toEqualTypeOf<Stream<number, undefined>>()
      const led = keyed.lead('a', { timeout: '1h' }, (row, next) => ({ id: row.id, next: next?.id }))
      expectTypeOf(led).toEqualTypeOf<Stream<{ id: string; next: string | undefined }, undefined>>()
      const top = keyed.topN('a', { n: 3, by: (o) => [o.amount, o.id], identity: (o) => o.customer })
      expectTypeOf(top).toEqualTypeOf<Stream<Ranked<readonly [string, number], Order>, undefined>>()
      const ranked = keyed.rank('a', { n: 3, by: (o) => o.amount, order: 'lowest' })
      expectTypeOf(ranked).toEqualTypeOf<Stream<{ row: Order; rank: number | null }, undefined>>()
      const counted = keyed.countWindow(3, { timeout: '1m' })
      expectTypeOf<keyof typeof counted>().toEqualTypeOf<'aggregate'>()
      const totals = counted.aggregate('a', { total: sum((o) => o.amount) })
      type Total = CountWindowResult<readonly [string, number], { readonly total: number }>
      expectTypeOf(totals).toEqualTypeOf<Stream<Total, undefined>>()
      const over = keyed.over('a', { rows: 3, range: '1h' }, { total: sum((o) => o.amount) })
      expectTypeOf(over).toEqualTypeOf<Stream<{ row: Order; value: { readonly total: number } }, undefined>>()
      const mean = keyed.over(
        'a',
        { rows: 3 },
        { mean: avg((o) => o.amount) },
        (row, { mean }) => [row.id, mean] as const,
      )
      expectTypeOf(mean).toEqualTypeOf<Stream<readonly [string, number], undefined>>()
      // @ts-expect-error unbounded state is a choice
      keyed.deduplicate('a', { keep: 'first' })
      // @ts-expect-error the last rows of a key would wait for ever
      keyed.lead('a', {})
      // @ts-expect-error an object is no score
      keyed.topN('a', { n: 3, by: (o) => o })
      // @ts-expect-error a promise is no result
      keyed.lag('a', {}, async (row) => row.id)
      // @ts-expect-error folds of rows get no meta
      keyed.over('a', { rows: 3 }, { last: last((_, meta) => meta.position) })
      // @ts-expect-error a count window goes nowhere but into an aggregate
      counted.to(sink('out'))
    })
  })
})

describe('process functions', () => {
  it('infer the key, the states, the rows and what follows', () => {
    compiled((p) => {
      const keyed = p.from(orders).keyBy((o) => [o.customer, o.amount])
      const state = {
        seen: value(0),
        last: value<Order | null>(null),
        byDay: map<string, number>(),
        recent: list<Order>({ max: 3 }),
        total: aggregate(sum((o: Order) => o.amount)),
      }
      const given = keyed.process(
        'a',
        { state, ttl: '7d', every: '1m' },
        {
          onRow(ctx, order) {
            expectTypeOf(order).toEqualTypeOf<Order>()
            expectTypeOf(ctx.key).toEqualTypeOf<readonly [string, number]>()
            expectTypeOf(ctx.state.seen.get()).toEqualTypeOf<number>()
            expectTypeOf(ctx.state.last.get()).toEqualTypeOf<Order | null>()
            expectTypeOf(ctx.state.byDay.get('a')).toEqualTypeOf<number | undefined>()
            expectTypeOf(ctx.state.recent.get()).toEqualTypeOf<readonly Order[]>()
            expectTypeOf(ctx.state.total.get()).toEqualTypeOf<number>()
            ctx.timers.set('day', new Date(order.at))
            // @ts-expect-error seen is a number
            ctx.state.seen.set('many')
            // @ts-expect-error there is no such state
            ctx.state.sen.get()
            // @ts-expect-error a list is not changed by its array
            ctx.state.recent.get().push(order)
            // @ts-expect-error the fold reads orders
            ctx.state.total.add({ price: 1 })
            // @ts-expect-error text is no time
            ctx.timers.set('day', '2020-01-01')
            return [{ id: order.id, seen: ctx.state.seen.get() }]
          },
          onTimer: (ctx, timer) => {
            expectTypeOf(timer.time).toEqualTypeOf<number>()
            return [{ id: timer.name, seen: ctx.state.seen.get() }]
          },
        },
      )
      expectTypeOf(given).toEqualTypeOf<Stream<{ id: string; seen: number }, undefined>>()
      // @ts-expect-error what follows has no meta
      given.map((_, meta) => meta.key)
    })
  })

  it('give arrays, generators or nothing', () => {
    compiled((p) => {
      const keyed = p.from(orders).keyBy((o) => o.customer)
      const generated = keyed.process(
        'a',
        {},
        {
          *onRow(_, order) {
            if (order.amount > 1) yield order.id
          },
        },
      )
      expectTypeOf(generated).toEqualTypeOf<Stream<string, undefined>>()
      const some = keyed.process(
        'b',
        {},
        {
          onRow(_, order) {
            if (order.amount > 1) return [order.amount]
            return undefined
          },
        },
      )
      expectTypeOf(some).toEqualTypeOf<Stream<number, undefined>>()
      const tagged = keyed.process(
        'c',
        {},
        {
          onRow: (_, order) => [
            order.amount > 1 ? ({ kind: 'large', id: order.id } as const) : { kind: 'other' as const },
          ],
        },
      )
      const others = tagged.sideOutput(
        (row) => row.kind === 'large',
        (side) => side.map((row) => row.id),
      )
      expectTypeOf(others).toExtend<Stream<{ kind: 'other' }, undefined>>()
      // Nothing on rows, and rows on timers.
      const late = keyed.process(
        'd',
        {},
        {
          onRow(ctx) {
            ctx.timers.set('a', ctx.now + 1)
          },
          onTimer: (ctx) => [ctx.key],
        },
      )
      expectTypeOf(late).toEqualTypeOf<Stream<string, undefined>>()
    })
  })

  it('are refused where they are wrong', () => {
    compiled((p) => {
      const keyed = p.from(orders).keyBy((o) => o.customer)
      // @ts-expect-error a handler is synchronous
      keyed.process('a', {}, { onRow: async () => undefined })
      // @ts-expect-error even where it gives rows
      keyed.process('a', {}, { onRow: async (_, order) => [order.id] })
      // @ts-expect-error a timer is as well
      keyed.process('a', {}, { onRow: () => [1], onTimer: async () => [1] })
      // @ts-expect-error rows are no promises
      keyed.process('a', {}, { onRow: (_, order) => [Promise.resolve(order.id)] })
      // @ts-expect-error an async generator is no iterable
      keyed.process('a', {}, { async *onRow() {} })
      // @ts-expect-error a row alone is no array
      keyed.process('a', {}, { onRow: (_, order) => order })
      // @ts-expect-error the handlers come after the options
      keyed.process('a', { onRow: () => [] })
      // @ts-expect-error there is no such handler
      keyed.process('a', {}, { onRow: () => [1], onEvent: () => [1] })
      // @ts-expect-error a fold is wrapped by aggregate()
      keyed.process('a', { state: { total: sum((o: Order) => o.amount) } }, { onRow: () => [1] })
      // @ts-expect-error rows of a process function have no meta
      aggregate(max((_: Order, meta: RecordMeta) => meta.position))
    })
  })
})

describe('rows', () => {
  it('follow the steps', () => {
    compiled((p) => {
      const stream = p.from(orders)
      expectTypeOf(stream).toEqualTypeOf<Stream<Order, RecordMeta>>()
      expectTypeOf(stream.map((o) => o.amount)).toEqualTypeOf<Stream<number, RecordMeta>>()
      expectTypeOf(stream.map((o) => ({ id: o.id }))).toEqualTypeOf<Stream<{ id: string }, RecordMeta>>()
      expectTypeOf(stream.flatMap((o) => [o.id, o.amount])).toEqualTypeOf<Stream<string | number, RecordMeta>>()
      expectTypeOf(stream.flatMap((o) => new Set(o.id))).toEqualTypeOf<Stream<string, RecordMeta>>()
      expectTypeOf(
        stream.flatMap(function* (o) {
          yield o.amount
        }),
      ).toEqualTypeOf<Stream<number, RecordMeta>>()
      expectTypeOf(stream.filter((o) => o.amount > 1)).toEqualTypeOf<Stream<Order, RecordMeta>>()
      const some = stream.map((o): string | null => o.id).filter((id): id is string => id !== null)
      expectTypeOf(some).toEqualTypeOf<Stream<string, RecordMeta>>()
      expectTypeOf(
        stream.sideOutput(
          (o) => o.amount > 1,
          (side) => expectTypeOf(side).toEqualTypeOf<Stream<Order, RecordMeta>>(),
        ),
      ).toEqualTypeOf<Stream<Order, RecordMeta>>()
    })
  })

  it('of merged sources and streams have one shape', () => {
    compiled((p) => {
      const other = source<{ at: number }>('other')
      // @ts-expect-error the sources' rows differ
      p.from(orders, other)
      // @ts-expect-error the streams' rows differ
      p.from(orders).merge(p.from(other))
      expectTypeOf(p.from(orders).merge(p.from(source('more')))).toEqualTypeOf<Stream<Order, RecordMeta>>()
    })
  })

  it('fit their sink', () => {
    compiled((p) => {
      const stream = p.from(orders)
      stream.to(sink<Order>('a')).to(sink<{ id: string }>('b')).to(sink('c'))
      // @ts-expect-error the sink wants numbers
      stream.to(sink<number>('d'))
      // @ts-expect-error the sink wants a field that rows lack
      stream.to(sink<Order & { paid: boolean }>('e'))
    })
  })

  it('of late outputs carry the row and its key', () => {
    compiled((p) => {
      const keyed = p.from(orders).keyBy((o) => [o.customer, o.amount])
      keyed.window(tumbling('5m'), { late: sink<Rejected>('a') })
      keyed.window(tumbling('5m'), { late: sink<{ payload: Order; key: readonly [string, number] }>('b') })
      // @ts-expect-error the payload is an order
      keyed.window(tumbling('5m'), { late: sink<{ payload: number }>('c') })
    })
  })
})

describe('meta', () => {
  it('is there after a source, and not after an aggregate', () => {
    compiled((p) => {
      const stream = p.from(orders)
      expectTypeOf(
        stream.map((o, meta) => [o.id, meta.key, meta.keyBytes, meta.header('a'), meta.headerBytes('a')]),
      ).toExtend<Stream<(string | Uint8Array | null | undefined)[], RecordMeta>>()
      expectTypeOf(stream.keyBy((_, meta) => [meta.split, hex(meta.keyBytes)])).toEqualTypeOf<
        KeyedStream<Order, readonly [string, string | null], RecordMeta>
      >()
      const results = stream
        .filter((_, meta) => meta.key !== null)
        .flatMap((o, meta) => [{ ...o, source: meta.source }])
        .sideOutput(
          (_, meta) => meta.position > '1',
          (side) => side.map((_, meta) => meta.split),
        )
        .keyBy((o) => o.source)
        .window(tumbling('5m'))
        .aggregate('a', {
          rows: count((_, meta) => meta.key),
          total: sum((_, meta) => meta.arrivalMs),
          exact: sumDecimal((_, meta) => meta.key),
          mean: avg((_, meta) => meta.stampMs ?? 0),
          spread: stddev((_, meta) => meta.stampMs),
          least: min((o, meta) => [o.amount, Number(meta.key)][0]!),
          most: max((_, meta) => meta.position),
          opening: first((_, meta) => meta.split),
          closing: last((_, meta) => meta.split),
          best: maxBy(
            (_, meta) => meta.position,
            (_, meta) => meta.source,
          ),
          worst: minBy(
            (o) => o.amount,
            (_, meta) => meta.source,
          ),
          traces: collect((_, meta) => meta.header('trace')),
          keys: distinctCount((_, meta) => meta.key),
        })
      expectTypeOf(results).toExtend<Stream<any, undefined>>()
      expectTypeOf<(typeof results)['~row']['value']['opening']>().toEqualTypeOf<string>()
      // @ts-expect-error results have no meta
      results.map((_, meta) => meta.key)
      // @ts-expect-error nor do keys of them
      results.keyBy((_, meta) => meta.key)
      results
        .keyBy((r) => r.key)
        .window(tumbling('1d'))
        // @ts-expect-error nor their folds
        .aggregate('b', { a: max((_, meta) => meta.position) })
      results
        .map((r) => r.key)
        .merge(stream.map((o) => o.id))
        // @ts-expect-error of both there may be one
        .map((_, meta) => meta.key)
      results
        .map((r) => r.key)
        .merge(stream.map((o) => o.id))
        .map((_, meta) => meta?.key ?? null)
      // @ts-expect-error a second parameter of another type is refused: it would be given the meta
      stream.map((o, rate = 1) => o.amount * Number.parseInt(`${rate}`.trim(), rate))
    })
  })

  it('is no part of what a stream is, for whoever only reads its rows', () => {
    compiled((p) => {
      const paid = (stream: Stream<Order>) => stream.filter((o, meta) => o.amount > 1 && meta?.key !== null)
      paid(p.from(orders))
      paid(p.from(orders).map((o) => o))
      expectTypeOf<Stream<Order, undefined>>().toExtend<Stream<Order>>()
      // @ts-expect-error this one wants meta, and results have none
      const wants: Stream<Order, RecordMeta> = type<Stream<Order, undefined>>()
      expectTypeOf(wants).toBeObject()
    })
  })
})

describe('keys', () => {
  it('are inferred, tuples as tuples', () => {
    compiled((p) => {
      const stream = p.from(orders)
      expectTypeOf(stream.keyBy((o) => o.customer)).toEqualTypeOf<KeyedStream<Order, string, RecordMeta>>()
      expectTypeOf(stream.keyBy((o) => [o.customer, o.amount])).toEqualTypeOf<
        KeyedStream<Order, readonly [string, number], RecordMeta>
      >()
      expectTypeOf(stream.keyBy(() => null)).toEqualTypeOf<KeyedStream<Order, null, RecordMeta>>()
      expectTypeOf(stream.keyBy((o) => o.coupon)).toEqualTypeOf<KeyedStream<Order, number | null, RecordMeta>>()
      // @ts-expect-error an object is no key
      stream.keyBy((o) => ({ id: o.id }))
      // @ts-expect-error nor is undefined
      stream.keyBy((o) => (o.amount > 1 ? o.id : undefined))
      // @ts-expect-error nor a tuple of tuples
      stream.keyBy((o) => [[o.id]])
      // @ts-expect-error nor a Date
      stream.keyBy((o) => new Date(o.at))
    })
  })
})

describe('results', () => {
  type Maybe = Order & { readonly note?: string }
  const windowed = type<WindowedStream<Maybe, readonly [string, number], 'accumulating'>>()

  it('have a value per field, null where there may be none', () => {
    compiled(() => {
      const results = windowed.aggregate('a', {
        rows: count(),
        refunds: count((o) => o.coupon),
        total: sum((o) => o.amount),
        coupons: sum((o) => o.coupon),
        couponsOrNull: sum((o) => o.coupon, { empty: null }),
        exact: sumDecimal((o) => o.id),
        exactOrNull: sumDecimal((o) => o.note, { empty: null, scale: 2 }),
        mean: avg((o) => o.amount),
        meanCoupon: avg((o) => o.coupon),
        least: min((o) => o.amount),
        leastCoupon: min((o) => o.coupon),
        name: max((o) => o.customer),
        note: max((o) => o.note),
        spread: stddev((o) => o.amount),
        opening: first((o) => o.id),
        closing: last((o) => o.coupon),
        best: maxBy(
          (o) => o.amount,
          (o) => ({ id: o.id }),
        ),
        bestWithCoupon: maxBy(
          (o) => o.coupon,
          (o) => o.id,
        ),
        bestNote: minBy(
          (o) => o.amount,
          (o) => o.note,
        ),
        notes: collect((o) => o.note),
        ids: collect((o) => o.id),
        customers: distinctCount((o) => o.customer),
        words: custom({
          name: 'w',
          init: () => '',
          add: (a, o: Maybe) => a + o.id,
          result: (a) => a.length,
          ordered: true,
        }),
      })
      type Row = (typeof results)['~row']
      expectTypeOf<Row['key']>().toEqualTypeOf<readonly [string, number]>()
      expectTypeOf<Row['window']>().toEqualTypeOf<{ readonly start: number; readonly end: number }>()
      expectTypeOf<Row['pane']['timing']>().toEqualTypeOf<'early' | 'on-time' | 'late'>()
      expectTypeOf<Row['op']>().toEqualTypeOf<'+' | '-' | undefined>()
      expectTypeOf<Row['value']>().toEqualTypeOf<{
        readonly rows: number
        readonly refunds: number
        readonly total: number
        readonly coupons: number
        readonly couponsOrNull: number | null
        readonly exact: string
        readonly exactOrNull: string | null
        readonly mean: number
        readonly meanCoupon: number | null
        readonly least: number
        readonly leastCoupon: number | null
        readonly name: string
        readonly note: string | null
        readonly spread: number | null
        readonly opening: string
        readonly closing: number | null
        readonly best: { id: string }
        readonly bestWithCoupon: string | null
        readonly bestNote: string | null
        readonly notes: readonly string[]
        readonly ids: readonly string[]
        readonly customers: number | null
        readonly words: number
      }>()
    })
  })

  it('are wrong where a fold reads what rows lack or what it cannot fold', () => {
    compiled(() => {
      // @ts-expect-error rows have no price
      windowed.aggregate('a', { total: sum((o) => o.price) })
      // @ts-expect-error text cannot be added
      windowed.aggregate('a', { total: sum((o) => o.id) })
      // @ts-expect-error booleans have no order
      windowed.aggregate('a', { total: max((o) => o.amount > 1) })
      // @ts-expect-error a function is no fold
      windowed.aggregate('a', { total: (o: Order) => o.amount })
      // @ts-expect-error this one folds other rows
      windowed.aggregate('a', { total: sum((row: { price: number }) => row.price) })
      // @ts-expect-error a stateful step has a name
      windowed.aggregate({ rows: count() })
    })
  })

  it('can be chained', () => {
    compiled(() => {
      const hourly = windowed.aggregate('a', { total: sum((o) => o.amount) })
      const daily = hourly
        .keyBy((r) => r.key[0])
        .window(tumbling('1d'))
        .aggregate('b', { most: max((r) => r.value.total) })
      expectTypeOf<(typeof daily)['~row']['value']>().toEqualTypeOf<{ readonly most: number }>()
      expectTypeOf<(typeof daily)['~row']['key']>().toEqualTypeOf<string>()
    })
  })
})

describe('schemas', () => {
  const connector = { connector: 'test', hasArrivalTime: false, open: () => Promise.reject(new Error()) }
  const watermark = monotonous()

  it('give the rows their type: what validation puts out', () => {
    compiled(() => {
      const zod = z.object({ id: z.string(), at: z.string().transform(Number) })
      const a = sourceNode('a', { schema: zod, timestamp: (o) => o.at, watermark }, connector)
      expectTypeOf(a).toEqualTypeOf<SourceNode<{ id: string; at: number }>>()
      const valibot = v.object({
        at: v.pipe(
          v.string(),
          v.transform((text) => new Date(text)),
        ),
      })
      const b = sourceNode('b', { schema: valibot, timestamp: (o) => o.at, watermark }, connector)
      expectTypeOf(b).toEqualTypeOf<SourceNode<{ at: Date }>>()
    })
  })

  it('and timestamps of text are refused', () => {
    compiled(() => {
      const schema = z.object({ at: z.string() })
      // @ts-expect-error text goes through iso()
      sourceNode('a', { schema, timestamp: (o) => o.at, watermark }, connector)
      // @ts-expect-error a source says how late its records may be
      sourceNode<Order>('a', { timestamp: (o) => o.at }, connector)
    })
  })
})

describe('sinks', () => {
  it('take rows of more fields than they ask for, never of fewer', () => {
    expectTypeOf<SinkNode<{ id: string }>>().toExtend<SinkNode<Order>>()
    expectTypeOf<SinkNode<Order>>().not.toExtend<SinkNode<{ id: string }>>()
  })
})
