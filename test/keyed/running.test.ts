import { describe, expect, it } from 'vitest'
import {
  collect,
  count,
  custom,
  kinesisSource,
  ndjson,
  outOfOrder,
  pipeline,
  type RunningOptions,
  type RunningResult,
  sum,
  tumbling,
  type WindowResult,
} from '../../lib/index.js'
import { testDriver } from '../../lib/testing/index.js'

interface Order {
  readonly customer: string
  readonly at: number
  readonly amount: number
}

const orders = kinesisSource('orders', { timestamp: (order: Order) => order.at, watermark: outOfOrder('2s') })
const S = 1000
const order = (at: number, amount = 1, customer = 'a'): Order => ({ customer, at: at * S, amount })

type Rows = { out: RunningResult<string, any>; dead: any }

function spent(options: RunningOptions = {}, folds: any = { n: count(), total: sum((row: Order) => row.amount) }) {
  return pipeline('orders', { deadLetter: ndjson('dead') }, (p) => {
    p.from(orders)
      .keyBy((row) => row.customer)
      .aggregate('spent', folds, { every: '1s', ...options })
      .to(ndjson('out'))
  })
}

const brief = ({ key, value, timestamp, op }: RunningResult<string, any>) =>
  `${op ?? ''}${key} ${timestamp / S} n=${value.n} total=${value.total}`

async function given(t: ReturnType<typeof testDriver<Rows>>): Promise<string[]> {
  return (await t.sink('out').changes()).map(({ value }) => brief(value)).sort()
}

describe('an aggregate without a window', () => {
  it('gives the totals so far, once for each slice in which a key has rows', async () => {
    const t = testDriver<Rows>(spent())
    t.source(orders).send(order(10), order(10.5, 2), order(12, 3), order(12, 5, 'b'), order(14, 4), order(60))
    expect(await given(t)).toEqual([
      'a 10.999 n=2 total=3',
      'a 12.999 n=3 total=6',
      'a 14.999 n=4 total=10',
      'b 12.999 n=1 total=5',
    ])
    const rows = await t.sink('out').rows()
    expect(rows.map(({ id }) => id)).toContain('spent|"a"|11000')
  })

  it('counts late rows too, in the slice in which they come', async () => {
    const t = testDriver<Rows>(spent())
    t.source(orders).send(order(10), order(30), order(1, 7), order(60))
    expect(await given(t)).toEqual(['a 10.999 n=1 total=1', 'a 28.999 n=2 total=8', 'a 30.999 n=3 total=9'])
  })

  it('takes the value before back, if it retracts', async () => {
    const t = testDriver<Rows>(spent({ accumulation: 'retracting' }))
    t.source(orders).send(order(10), order(12, 3), order(60))
    expect(await given(t)).toEqual(['+a 10.999 n=1 total=1', '+a 12.999 n=2 total=4', '-a 12.999 n=1 total=1'])
  })

  it('drops the state of a key that had no row for its ttl, and begins again', async () => {
    const t = testDriver<Rows>(spent({ ttl: '10s' }))
    t.source(orders).send(order(10), order(19), order(35, 3), order(90))
    expect(await given(t)).toEqual(['a 10.999 n=1 total=1', 'a 19.999 n=2 total=2', 'a 35.999 n=1 total=3'])
  })

  it('deletes a result whose rows were all taken back', async () => {
    const made = pipeline('chain', { deadLetter: ndjson('dead') }, (p) => {
      p.from(orders)
        .keyBy((row) => row.customer)
        .window(tumbling('10s'), { allowedLateness: '60s', accumulation: 'retracting' })
        .aggregate('perWindow', { total: sum((row) => row.amount) })
        .keyBy((row: WindowResult<string, { total: number }>) => (row.value.total > 5 ? 'large' : 'small'))
        .aggregate('sizes', { n: count(), total: sum((row) => row.value.total) }, { every: '1s' })
        .to(ndjson('out'))
    })
    const t = testDriver<Rows>(made)
    t.source(orders).send(order(1, 2), order(20), order(3, 7), order(100))
    const changes = (await t.sink('out').changes()).map(({ value }) => brief(value))
    expect(changes.filter((text) => text.includes('large'))).toEqual([
      expect.stringContaining('large 10.999 n=1 total=9'),
    ])
    expect(changes.some((text) => text.startsWith('-small'))).toBe(true)
  })

  it('feeds another aggregate, if it retracts: how many customers have spent how much', async () => {
    const made = pipeline('chain', { deadLetter: ndjson('dead') }, (p) => {
      p.from(orders)
        .keyBy((row) => row.customer)
        .aggregate('spent', { total: sum((row) => row.amount) }, { every: '1s', accumulation: 'retracting' })
        .keyBy((row) => (row.value.total >= 10 ? 'ten or more' : 'less'))
        .aggregate('customers', { n: count(), total: sum((row) => row.value.total) }, { every: '1s' })
        .to(ndjson('out'))
    })
    const t = testDriver<Rows>(made)
    for (const split of [0, 1])
      t.source(orders)
        .split(split)
        .send(order(1, 6), order(2, 7, `b${split}`), order(3, 8), order(100, 1, 'late'))
    t.endOfInput()
    const last = new Map((await t.sink('out').rows()).map((row) => [row.key, [row.value.n, row.value.total]]))
    expect(Object.fromEntries(last)).toEqual({ less: [3, 16], 'ten or more': [1, 28] })
    await t.everyWay(undefined, { runs: 4 })
  })

  it('invariant 14: rows with which the state would be too large go to the dead letter, with their folds', async () => {
    const all = { n: count(), all: collect((row: Order) => `${row.amount}`.padStart(1_000, '.'), { max: 500 }) }
    const t = testDriver<Rows>(spent({}, all))
    t.source(orders).send(...Array.from({ length: 150 }, (_, i) => order(10 + i / 10, i)), order(300))
    const dead = await t.sink('dead').rows()
    expect(dead[0]).toMatchObject({ reason: 'state-too-large', key: 'a', operator: 'spent', payload: { rows: 10 } })
    const refused = dead.map(({ payload }) => payload.rows as number).reduce((a, b) => a + b, 0)
    const counted = (await t.sink('out').rows()).at(-1)!.value.n
    expect(counted + refused).toBe(150)
  })

  it('invariant 14: a fold whose result throws rejects its result alone', async () => {
    const fussy = custom({
      name: 'fussy',
      init: () => 0,
      add: (acc: number, row: Order) => acc + row.amount,
      merge: (a: number, b: number) => a + b,
      result: (acc: number) => {
        if (acc === 13) throw new Error('thirteen')
        return acc
      },
    })
    const t = testDriver<Rows>(spent({}, { n: fussy }))
    t.source(orders).send(order(10, 13), order(12, 2), order(60))
    expect((await t.sink('out').rows()).map(({ value }) => value.n)).toEqual([15])
    expect(await t.sink('dead').rows()).toMatchObject([{ reason: 'step-threw', key: 'a', operator: 'spent' }])
  })

  it.each<[string, () => unknown, string]>([
    [
      'an accumulation that is none',
      () => spent({ accumulation: 'discarding' as never }),
      `accumulation of aggregate("spent") is 'accumulating' or 'retracting'; it is "discarding".`,
    ],
    ['no duration', () => spent({ ttl: 'soon' as never }), 'ttl of aggregate("spent") must be a duration'],
    [
      'folds that keep all rows',
      () =>
        spent(
          {},
          {
            all: custom({
              name: 'all',
              ordered: true,
              init: () => 0,
              add: (n: number) => n + 1,
              result: (n: number) => n,
            }),
          },
        ),
      'The field "all" of aggregate("spent") keeps all rows of the key',
    ],
    ['an unknown option', () => spent({ window: '5s' } as never), 'window'],
  ])('refuses %s', (_, make, message) => {
    expect(make).toThrow(message)
  })
})
