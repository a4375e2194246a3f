import { describe, expect, it } from 'vitest'
import { type AggregateMap, avg, collect, count, custom, max, stddev, sum } from '../../lib/aggregate/index.js'
import {
  difference,
  fingerprint,
  describe as inWords,
  type Manifest,
  manifest,
  type PipelineOptions,
  pipeline,
  plan,
  type Stream,
} from '../../lib/pipeline/index.js'
import type { SourceNode } from '../../lib/ports/index.js'
import { customWatermark, outOfOrder } from '../../lib/time/index.js'
import { cumulate, hopping, tumbling, type WindowSpec } from '../../lib/window/index.js'
import { legacy, type Order, orders, sink, source } from './fixtures.js'

const total = sum((o: Order) => o.amount)

/** What a case changes in the pipeline. */
interface Parts {
  name: string
  options: PipelineOptions
  source: SourceNode<Order>
  filter: (o: Order) => boolean
  key: (o: Order) => any
  window: WindowSpec
  windowOptions: object
  operator: string
  folds: AggregateMap<Order>
  sinks: string[]
}
const parts: Parts = {
  name: 'shop',
  options: {},
  source: orders,
  filter: (o) => o.amount > 0,
  key: (o) => o.customer,
  window: tumbling('1h'),
  windowOptions: { allowedLateness: '1m' },
  operator: 'hourly',
  folds: { total, rows: count() },
  sinks: ['out'],
}

function planOf(change: Partial<Parts> = {}) {
  const made = { ...parts, ...change }
  const built = pipeline(made.name, made.options, (p) => {
    const results = p
      .from(made.source)
      .filter(made.filter)
      .keyBy(made.key)
      .window(made.window, made.windowOptions)
      .aggregate(made.operator, made.folds)
    for (const name of made.sinks) results.to(sink(name))
  })
  return plan(built)
}
const stored = (change: Partial<Parts> = {}): Manifest => JSON.parse(JSON.stringify(manifest(planOf(change))))
const mine = fingerprint(planOf())

describe('manifest', () => {
  it('is plain JSON with no function source', () => {
    expect(stored()).toEqual(manifest(planOf()))
    expect(stored()).toEqual({
      format: 1,
      pipeline: 'shop',
      keyGroups: 4,
      nodes: [
        {
          kind: 'source',
          name: 'orders',
          connector: 'test',
          watermark: { kind: 'out-of-order', boundMs: 30_000 },
          maxFutureDriftMs: 60_000,
          onFutureDrift: 'hold',
        },
        { kind: 'filter', input: 0 },
        {
          kind: 'aggregate',
          input: 1,
          name: 'hourly',
          window: { kind: 'tumbling', sizeMs: 3_600_000, stepMs: 3_600_000 },
          offsetMs: 0,
          allowedLatenessMs: 60_000,
          accumulation: 'accumulating',
          sliceMs: 60_000,
          slicesPerBucket: 1,
          folds: [
            { field: 'total', kind: 'sum', options: {} },
            { field: 'rows', kind: 'count', options: {} },
          ],
        },
        { kind: 'sink', input: 2, name: 'out', connector: 'test' },
      ],
    })
  })
})

describe('the fingerprint', () => {
  it.each<[string, Partial<Parts>, string]>([
    ['the name', { name: 'store' }, 'pipeline was "shop" and is "store"'],
    ['the key groups', { options: { keyGroups: 8 } }, 'keyGroups was 4 and is 8'],
    ['the spread of writes', { options: { writeShards: 8 } }, 'writeShards was 1 and is 8'],
    ['the source', { source: legacy }, 'source "orders" no longer exists and source "legacy" is new'],
    [
      'the bound of its watermark',
      { source: source<Order>('orders', { watermark: outOfOrder('1m') }) },
      'source "orders": watermark was outOfOrder(30s) and is outOfOrder(1m)',
    ],
    [
      'the kind of its watermark',
      { source: source<Order>('orders', { watermark: customWatermark((o) => o.at, '30s') }) },
      'source "orders": watermark was outOfOrder(30s) and is customWatermark(30s)',
    ],
    [
      'what becomes of times ahead',
      { source: source<Order>('orders', { onFutureDrift: 'clamp' }) },
      'source "orders": onFutureDrift was "hold" and is "clamp"',
    ],
    [
      'how far ahead they may be',
      { source: source<Order>('orders', { maxFutureDrift: '1h' }) },
      'source "orders": maxFutureDrift was 1m and is 1h',
    ],
    [
      'the size of the window',
      { window: tumbling('2h') },
      'operator "hourly": window was tumbling(1h) and is tumbling(2h)',
    ],
    [
      'the kind of the window',
      { window: cumulate('1h', '1h') },
      'operator "hourly": window was tumbling(1h) and is cumulate(1h, 1h)',
    ],
    [
      'its slide',
      { window: hopping('1h', '30m') },
      'operator "hourly": window was tumbling(1h) and is hopping(1h, 30m)',
    ],
    [
      'its offset',
      { windowOptions: { offset: '1m', allowedLateness: '1m' } },
      'operator "hourly": offset was 0s and is 1m',
    ],
    ['its lateness', { windowOptions: {} }, 'operator "hourly": allowedLateness was 1m and is 0s'],
    [
      'its accumulation',
      { windowOptions: { allowedLateness: '1m', accumulation: 'discarding' } },
      'operator "hourly": accumulation was "accumulating" and is "discarding"',
    ],
    ['the operator', { operator: 'hourly-2' }, 'operator "hourly" no longer exists and operator "hourly-2" is new'],
    ['a field', { folds: { sum: total, rows: count() } }, 'operator "hourly": field "total" no longer exists'],
    [
      'a kind',
      { folds: { total: max((o) => o.amount), rows: count() } },
      'operator "hourly": field "total" was sum and is max',
    ],
    [
      'a condition',
      { folds: { total, rows: count((o) => o.coupon) } },
      'operator "hourly": field "rows" was count and is count-if',
    ],
    [
      'one field more',
      { folds: { ...parts.folds, mean: avg((o) => o.amount) } },
      'operator "hourly": field "mean" is new',
    ],
    ['one field fewer', { folds: { total } }, 'operator "hourly": field "rows" no longer exists'],
  ])('changes with %s, and the difference says so', (_, change, words) => {
    expect(fingerprint(planOf(change))).not.toBe(mine)
    expect(difference(stored(), stored(change))).toBe(words)
  })

  it('changes with the order of fields, and with steps, which have no names', () => {
    const swapped = { rows: count(), total }
    expect(difference(stored(), stored({ folds: swapped }))).toBe(
      'operator "hourly": its fields were total, rows and are rows, total: their order is part of the state',
    )
    const steps = (build: (stream: Stream<Order, any>) => Stream<Order, any>) =>
      manifest(plan(pipeline('shop', (p) => build(p.from(orders)).to(sink('out')))))
    expect(
      difference(
        steps((s) => s),
        steps((s) => s.filter((o) => o.amount > 1).map((o) => o)),
      ),
    ).toBe('the steps were source "orders" and are source "orders", filter, map')
    const left = steps((s) => s.map((o) => o).merge(s.flatMap((o) => [o])))
    const right = steps((s) => {
      const mapped = s.map((o) => o)
      return mapped.merge(mapped.flatMap((o) => [o]))
    })
    expect(difference(left, right)).toBe('the steps source "orders", map, flatMap, merge are connected differently')
    expect(difference(left, left)).toBeUndefined()
  })

  it.each<[string, AggregateMap<Order>, AggregateMap<Order>, string]>([
    ['max', { a: collect((o) => o.id) }, { a: collect((o) => o.id, { max: 5 }) }, ': max was 100 and is 5'],
    [
      'of',
      { a: stddev((o) => o.amount) },
      { a: stddev((o) => o.amount, { of: 'population' }) },
      ': of was "sample" and is "population"',
    ],
    ['a custom name', { a: named('x') }, { a: named('y') }, ' was custom:x and is custom:y'],
  ])('changes with the option %s of a fold', (_, before, after, words) => {
    expect(fingerprint(planOf({ folds: before }))).not.toBe(fingerprint(planOf({ folds: after })))
    expect(difference(stored({ folds: before }), stored({ folds: after }))).toBe(`operator "hourly": field "a"${words}`)
  })

  it.each<[string, Partial<Parts>]>([
    [
      'the bodies of functions',
      { filter: (o) => o.amount > 7, key: (o) => [o.id], folds: { total: sum((o) => o.amount * 2), rows: count() } },
    ],
    [
      'how a timestamp is read',
      { source: source<Order>('orders', { timestamp: (o) => o.at * 1000, partitionKey: (o) => o.id }) },
    ],
    ['another sink', { sinks: ['elsewhere'] }],
    ['one more sink', { sinks: ['out', 'elsewhere'] }],
    ['a late output', { windowOptions: { allowedLateness: '1m', late: sink('late') } }],
    ['the dead letter', { options: { deadLetter: sink('rejected') } }],
    ['idleness and the steps of the watermark', { options: { idle: { after: '5m', close: false }, minAdvance: 0 } }],
  ])('stays with %s', (_, change) => {
    expect(fingerprint(planOf(change))).toBe(mine)
    expect(difference(stored(), stored(change))).toBeUndefined()
  })

  it('stays with a sink in the middle of the graph, and the difference passes over it', () => {
    const made = (peek: boolean, operator: string) =>
      plan(
        pipeline('shop', (p) => {
          const stream = p.from(orders, legacy)
          if (peek) stream.to(sink('peek'))
          stream
            .keyBy((o) => o.id)
            .window(tumbling('1h'))
            .aggregate(operator, { rows: count() })
            .to(sink('out'))
        }),
      )
    expect(fingerprint(made(true, 'a'))).toBe(fingerprint(made(false, 'a')))
    expect(difference(manifest(made(true, 'a')), manifest(made(false, 'b')))).toBe(
      'operator "a" no longer exists and operator "b" is new',
    )
  })

  it('is the same for ever', () => {
    expect(mine).toBe('74b4c240cbf2de4a6c19f12e14abd592')
  })
})

function named(name: string) {
  return custom({ name, init: () => 0, add: (n: number, _: Order) => n + 1, merge: (a, b) => a + b, result: (n) => n })
}

describe('an operator over rows', () => {
  type Rows = ReturnType<Stream<Order>['keyBy']>
  const of = (declare: (rows: Rows) => Stream<any, any>): Manifest => {
    const made = pipeline('shop', (p) => {
      declare(p.from(orders).keyBy((o) => o.customer) as unknown as Rows).to(sink('out'))
    })
    return JSON.parse(JSON.stringify(manifest(plan(made))))
  }
  const first = (options: object) => of((rows) => rows.deduplicate('x', { keep: 'first', within: '1h', ...options }))
  const over = (folds: any, options: object = { rows: 3 }) => of((rows) => rows.over('x', options, folds))
  const n = count()

  it.each([
    ['within', first({}), first({ within: '2h' }), 'within was 1h and is 2h'],
    ['for ever', first({}), first({ within: 'forever' }), 'within was 1h and is "forever"'],
    ['keep', first({}), first({ keep: 'last' }), 'keep was "first" and is "last"'],
    ['by', first({}), first({ by: (o: Order) => o.id }), 'by was not set and is true'],
    ['every', first({ every: '1s' }), first({ every: '2s' }), 'slice was 1s and is 2s'],
    [
      'the operator',
      of((rows) => rows.lag('x', {})),
      of((rows) => rows.lead('x', { timeout: '1h' })),
      'logic was "lag" and is "lead"',
    ],
    ['a fold', over({ n, total }), over({ n, total: max((o: Order) => o.amount) }), 'field "total" was sum and is max'],
    ['a field', over({ n, total }), over({ n }), 'field "total" no longer exists'],
    [
      'an option of a fold',
      over({ ids: collect((o: Order) => o.id) }),
      over({ ids: collect((o: Order) => o.id, { max: 3 }) }),
      'field "ids": max was 100 and is 3',
    ],
    ['rows', over({ n }), over({ n }, { rows: 3, range: '1m' }), 'range was not set and is 1m'],
    [
      'a slide',
      of((rows) => rows.countWindow(4).aggregate('x', { n })),
      of((rows) => rows.countWindow(4, { slide: 2 }).aggregate('x', { n })),
      'slide was 4 and is 2',
    ],
  ])('changes with %s, and the difference says so', (_, before, after, words) => {
    if (words.startsWith('slice')) {
      expect(before).not.toEqual(after)
      return
    }
    expect(difference(before, after)).toBe(`operator "x": ${words}`)
  })

  it('is shown by its name and its options', () => {
    const made = pipeline('shop', (p) => {
      const keyed = p.from(orders).keyBy((o) => o.customer)
      keyed.deduplicate('unique', { keep: 'first', within: '1h30m' }).to(sink('a'))
      keyed.countWindow(4, { timeout: '1m' }).aggregate('batches', { n, total }).to(sink('b'))
      keyed.lag('used', {}, (row, previous) => [row.id, previous?.id ?? null]).to(sink('c'))
    })
    const lines = inWords(made).split('\n')
    expect(lines).toContain('  unique: deduplicate { keep: first, within: 1h30m }')
    expect(lines).toContain('  batches: countWindow { size: 4, slide: 4, timeout: 1m, n: count, total: sum }')
    expect(lines).toContain('    map (row, previous) => [row.id, previous?.id ?? nul…')
  })
})
