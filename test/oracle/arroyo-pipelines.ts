import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import {
  type Aggregate,
  aggregate,
  avg,
  collect,
  count,
  custom,
  distinctCount,
  hopping,
  iso,
  kinesisSource,
  map,
  max,
  median,
  min,
  monotonous,
  ndjson,
  type Pipeline,
  pipeline,
  session,
  sum,
  tumbling,
  value,
  type WindowResult,
} from '../../lib/index.js'

const folder = new URL('goldens/arroyo/', import.meta.url)

/** The rows of a file of the golden data, plain or gzipped. */
export function rowsOf<Row>(file: string): Row[] {
  const bytes = readFileSync(new URL(file, folder))
  const text = (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString()
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
}

export interface Impulse {
  readonly timestamp: string
  readonly counter: number
  readonly subtask_index: number
}
export interface Order {
  readonly id: number
  readonly customer_name: string
  readonly product_name: string
  readonly quantity: number
  readonly price: number
  readonly order_date: number
  readonly status: string
}
export interface Change {
  readonly op: 'c' | 'u' | 'd'
  readonly before: Order | null
  readonly after: Order | null
}
export interface Id {
  readonly user_id: string
  readonly event_name: string
}

export const impulses = kinesisSource('impulse', {
  timestamp: (row: Impulse) => iso(row.timestamp),
  watermark: monotonous(),
})
/** The same input once more. */
export const second = kinesisSource('second_impulse', {
  timestamp: (row: Impulse) => iso(row.timestamp),
  watermark: monotonous(),
})
/** What has no event time in its query is stamped on arrival there, and so here. */
export const orders = kinesisSource('aggregate_updates', {
  timestamp: (_: Change, meta) => meta.arrivalMs!,
  watermark: monotonous(),
})
export const ids = kinesisSource('string_numeric_comparison_coercion', {
  timestamp: (_: Id, meta) => meta.arrivalMs!,
  watermark: monotonous(),
})

type Build = Parameters<typeof pipeline>[2]
const query = (build: Build): Pipeline => pipeline('query', { deadLetter: ndjson('dead') }, build)
const out = ndjson('out')

/** As Arroyo prints times: UTC without a zone. */
const time = (ms: number): string => new Date(ms).toISOString().replace(/\.000Z$|Z$/, '')

/** Aggregates over all rows so far, by a key: each row gives the result once more. */
function updating<Row extends object>(
  key: string,
  rows: (row: Impulse) => Row,
  folds: Folds<Row>,
  having: (result: any) => boolean = () => true,
): Pipeline {
  const state = Object.fromEntries(Object.entries(folds).map(([name, fold]) => [name, aggregate(fold)]))
  return query((p) => {
    p.from(impulses)
      .map(rows as (row: Impulse) => any)
      .keyBy((row: any) => row[key] as number)
      .process(
        'updating',
        { state, every: '1s' },
        {
          onRow({ key: group, state: folded }, row): object[] {
            for (const name of Object.keys(folds)) folded[name]!.add(row as never)
            const values = Object.keys(folds).map((name) => [name, folded[name]!.get()])
            return [{ [key]: group, ...Object.fromEntries(values) }]
          },
        },
      )
      .filter(having)
      .to(out)
  })
}
type Folds<Row> = Readonly<Record<string, Aggregate<Row, any, any, any, any>>>

interface Counted {
  readonly counter: number
}
const all = (row: Impulse): Counted & { readonly all: number } => ({ all: 0, counter: row.counter })
const five = {
  min: min((row: Counted) => row.counter),
  max: max((row: Counted) => row.counter),
  sum: sum((row: Counted) => row.counter),
  count: count(),
  avg: avg((row: Counted) => row.counter),
}

/** A table by primary key: each change says what leaves the table, and what comes. */
export interface TableStep {
  readonly id: number
  readonly leaves: Order | null
  readonly comes: Order | null
}
function table(p: Parameters<Build>[0]) {
  return p
    .from(orders)
    .keyBy(({ before, after }) => (after ?? before)!.id)
    .process(
      'table',
      { state: { row: value<Order | null>(null) }, every: '1s' },
      {
        onRow({ key: id, state }, { after }): TableStep[] {
          const leaves = state.row.get()
          if (after === null) state.row.clear()
          else state.row.set(after)
          return [{ id, leaves, comes: after }]
        },
      },
    )
}

/** The greatest counter * subtask_index, as a function of the query has it. */
const maxProduct = custom({
  name: 'maxProduct',
  init: (): number | null => null,
  add: (most: number | null, row: Impulse) => larger(most, row.counter * row.subtask_index),
  merge: (a: number | null, b: number | null) => larger(a, b),
  result: (most) => most,
})
const larger = (a: number | null, b: number | null): number | null => (a === null || (b !== null && b > a) ? b : a)
const none = custom({ name: 'none', init: () => null, add: () => null, merge: () => null, result: () => null })

const spanOf = ({ window }: WindowResult<any, any>) => ({ start: time(window.start), end: time(window.end) })

/** The queries, by name. An updating query gives a row for each change; the last row of a key counts. */
export const QUERIES: Readonly<Record<string, () => Pipeline>> = {
  aggregates: () => updating('all', all, five),
  grouped_aggregates: () => updating('counter_mod', ({ counter }) => ({ counter_mod: counter % 5, counter }), five),
  null_aggregates: () => {
    interface Nullable {
      readonly value: number | null
    }
    const of = (row: Nullable): number | null => row.value
    const isNull = (n: number): boolean => n % 3 === 0 || (n % 3 === 1 && n % 2 === 0)
    return updating('bucket', ({ counter }) => ({ bucket: counter % 3, value: isNull(counter) ? null : counter }), {
      row_count: count(),
      value_count: count(of),
      min: min(of),
      max: max(of),
      sum: sum(of, { empty: null }),
      avg: avg(of),
    })
  },
  filter_updating_aggregates: () =>
    updating(
      'all',
      (row) => ({ all: 0, index: row.subtask_index }),
      { subtasks: distinctCount((row: { readonly index: number }) => row.index) },
      ({ subtasks }) => subtasks >= 1,
    ),
  debezium_pass_through: () => query((p) => void table(p).to(out)),
  debezium_agg: () =>
    query((p) => {
      table(p)
        .flatMap(({ leaves, comes }) => [
          ...(leaves === null ? [] : [{ order: leaves, by: -1 }]),
          ...(comes === null ? [] : [{ order: comes, by: 1 }]),
        ])
        .keyBy(({ order }) => `p_${order.product_name}`)
        .process(
          'products',
          { state: { c: value(0), q: value(0), customers: map<string, number>() }, every: '1s' },
          {
            onRow({ key: id, state }, { order, by }) {
              const { c, q, customers } = state
              const orders = (customers.get(order.customer_name) ?? 0) + by
              if (orders === 0) customers.delete(order.customer_name)
              else customers.set(order.customer_name, orders)
              c.update((n) => n + by)
              q.update((n) => n + by * (order.quantity + 5))
              return [{ id, c: c.get(), d: customers.size, q: q.get() + 10 }]
            },
          },
        )
        .to(out)
    }),
  debezium_coercion: () =>
    query(
      (p) =>
        void p
          .from(impulses)
          .map(({ counter }) => ({ counter }))
          .to(out),
    ),
  double_negative_udf: () =>
    query(
      (p) =>
        void p
          .from(impulses)
          .map(({ counter }) => ({ counter: -2 * counter }))
          .to(out),
    ),
  string_numeric_comparison_coercion: () =>
    query(
      (p) =>
        void p
          .from(ids)
          .filter((row) => row.user_id !== '123')
          .to(out),
    ),
  union: () =>
    query((p) => {
      const first = p.from(impulses).map(({ counter }) => ({ counter, source: 'first' }))
      first.merge(p.from(second).map(({ counter }) => ({ counter, source: 'second' }))).to(out)
    }),
  global_session_window: () =>
    query((p) => {
      p.from(impulses)
        .keyBy(() => 'all')
        .window(session('20s'))
        .aggregate('sessions', { rows: count() })
        .map((result) => ({ ...spanOf(result), rows: result.value.rows }))
        .to(out)
    }),
  session_window: () =>
    query((p) => {
      p.from(impulses)
        .keyBy(({ counter }) => (counter % 10 === 0 ? 0 : counter))
        .window(session('20s'))
        .aggregate('sessions', { rows: count() })
        .map((result) => ({ ...spanOf(result), user_id: result.key, rows: result.value.rows }))
        .to(out)
    }),
  sliding_window_end: () =>
    query((p) => {
      p.from(impulses)
        .keyBy(() => 'all')
        .window(hopping('10s', '2s'))
        .aggregate('hops', { count: count(), min: five.min, max: five.max })
        .map((result) => ({ ...result.value, ...spanOf(result) }))
        .to(out)
    }),
  udaf: () =>
    query((p) => {
      p.from(impulses)
        .keyBy(() => 'all')
        .window(tumbling('30d'))
        .aggregate('udaf', { median: median((row) => row.counter), none_value: none, max_product: maxProduct })
        .map(({ value: { median: middle, ...others } }) => ({ median: Math.trunc(middle!), ...others }))
        .to(out)
    }),
  unnest_in_view: () =>
    query((p) => {
      p.from(impulses)
        .keyBy(() => 'all')
        .window(tumbling('1d'))
        .aggregate('days', { counters: collect((row) => row.counter) })
        .flatMap(({ value: { counters } }) => counters.map((counter) => ({ counter })))
        .to(out)
    }),
}
