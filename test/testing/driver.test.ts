import { describe, expect, expectTypeOf, it } from 'vitest'
import { ConfigError, hopping, kafkaSource, kinesisSource, ndjson, outOfOrder, pipeline, sum } from '../../lib/index.js'
import { raw, type SentRecord, testDriver } from '../../lib/testing/index.js'
import {
  chain,
  files,
  legacy,
  type Order,
  order,
  orders,
  type Revenue,
  type Rows,
  revenue,
} from './driver-pipelines.js'

const totals = (rows: readonly Revenue[]) => rows.map(({ key, window, value }) => [key, window.start, value.total])

describe('testDriver', () => {
  it('sends records, and reads sinks after what was sent before', async () => {
    const t = testDriver<Rows>(revenue)
    t.source(orders).send(order(1, 1_000), order(2, 2_000, 'b'), order(3, 3_000))
    expect(await t.sink('revenue').rows()).toEqual([])
    t.source('orders').send(order(4, 12_500))
    expect(totals(await t.sink('revenue').rows())).toEqual([
      ['a', 0, 4],
      ['b', 0, 2],
    ])
    t.endOfInput()
    expect(totals(await t.sink('revenue').rows())).toEqual([
      ['a', 0, 4],
      ['b', 0, 2],
      ['a', 10_000, 4],
    ])
  })

  it('reads that run at the same time give the rows of all commands before', async () => {
    const t = testDriver<Rows>(revenue)
    t.source(orders).send(order(1, 1_000), order(2, 12_500))
    const first = t.sink('revenue').rows()
    t.source(orders).send(order(3, 25_000))
    const second = t.sink('revenue').rows()
    const [one, two] = await Promise.all([first, second])
    expect(one.length).toBeGreaterThanOrEqual(1)
    expect(two).toHaveLength(2)
  })

  it('take() gives the rows since the last one; deletes() and changes() give what was taken back', async () => {
    const t = testDriver<{ perKey: Revenue }>(chain)
    t.source(orders).send(order(1, 1_000), order(2, 13_000))
    t.source(legacy).send(order(3, 13_000))
    expect(totals(await t.sink('perKey').take())).toEqual([['a', 0, 1]])
    expect(await t.sink('perKey').take()).toEqual([])
    t.source(orders).send(order(4, 2_000), order(5, 25_000))
    t.source(legacy).send(order(6, 25_000))
    expect(totals(await t.sink('perKey').take())).toEqual([
      ['a', 0, 5],
      ['a', 10_000, 5],
    ])
    expect(totals(await t.sink('perKey').deletes())).toEqual([['a', 0, 1]])
    expect((await t.sink('perKey').changes()).map(({ id, op }) => [op, id])).toEqual([
      ['+', 'perKey|"a"|0-10000|0'],
      ['-', 'perKey|"a"|0-10000|1|-'],
      ['+', 'perKey|"a"|0-10000|1'],
      ['+', 'perKey|"a"|10000-20000|0'],
    ])
    expect(await t.sink('perKey').rows()).toHaveLength(3)
  })

  it('results of one command are in the order of their windows and keys, however many key groups there are', async () => {
    const rows = []
    for (const keyGroups of [1, 4, 9]) {
      const t = testDriver<Rows>({ ...revenue, keyGroups })
      t.source(orders).send(...Array.from({ length: 40 }, (_, i) => order(i, 1_000 * i, `k${i % 12}`)))
      rows.push(totals(await t.sink('revenue').rows()))
    }
    expect(rows[0]).toEqual([...rows[0]!].sort((a, b) => +a[1]! - +b[1]! || (a[0]! < b[0]! ? -1 : 1)))
    expect(rows[0]!.length).toBeGreaterThan(20)
    expect(rows.slice(1)).toEqual([rows[0], rows[0]])
  })

  it('a split that has no record holds event time back; records of all splits move it', async () => {
    const t = testDriver<Rows>(revenue)
    const [first, second] = [t.source(orders).split(0), t.source(orders).split('other')]
    expect([first.id, second.id]).toEqual(['shardId-000000000000', 'other'])
    first.send(order(1, 1_000), order(2, 40_000))
    expect(await t.sink('revenue').rows()).toEqual([])
    expect(await t.watermark('orders')).toBeUndefined()
    expect(await t.watermark('revenue')).toBeUndefined()
    second.send(order(3, 15_000))
    expect(totals(await t.sink('revenue').rows())).toEqual([['a', 0, 1]])
    expect(await t.watermark('orders')).toBe(13_000)
    expect(await t.watermark('revenue')).toBe(13_000)
    expect(await first.watermark()).toBe(38_000)
    t.endOfInput()
    expect(await t.watermark('orders')).toBe(Number.POSITIVE_INFINITY)
    expect(await t.watermark('revenue')).toBe(Number.POSITIVE_INFINITY)
  })

  it('a split that is named after a read appears then: its records are late by what was published before', async () => {
    const t = testDriver<Rows>(revenue)
    t.source(orders).split(0).send(order(1, 1_000), order(2, 60_000))
    expect(await t.watermark('revenue')).toBe(58_000)
    const second = t.source(orders).split(1)
    second.send(order(3, 2_000))
    expect(await second.watermark()).toBe(58_000)
    expect(await t.late('revenue')).toMatchObject([{ payload: { id: 3 }, split: second.id }])
    // Named before the first read, it would have held event time back.
    const early = testDriver<Rows>(revenue)
    early.source(orders).split(0).send(order(1, 1_000), order(2, 60_000))
    early.source(orders).split(1).send(order(3, 2_000))
    expect(await early.late('revenue')).toEqual([])
    await expect(t.everyWay()).rejects.toThrow('the time decides: an idle split had left, or a new one appeared')
  })

  it('advanceTime lets idle splits leave, then closes the windows; event time itself comes from records', async () => {
    const t = testDriver<Rows>(revenue, { splits: { orders: 2 }, now: new Date('2026-01-01') })
    expect(t.now).toBe(Date.UTC(2026))
    const active = t.source(orders).split(0)
    active.send(order(1, 1_000), order(2, 40_000))
    t.advanceTime('30s')
    active.send(order(3, 41_000))
    expect(await t.sink('revenue').rows()).toEqual([])
    // Split 1 has been silent for `idle.after`, one minute.
    t.advanceTime('30s')
    expect(totals(await t.sink('revenue').take())).toEqual([['a', 0, 1]])
    expect(await t.openWindows('revenue')).toHaveLength(1)
    // All splits have been silent for `idle.close`, five minutes.
    t.advanceTime('10m')
    expect(totals(await t.sink('revenue').take())).toEqual([['a', 40_000, 5]])
    expect(await t.openWindows('revenue')).toEqual([])
    expect(t.now).toBe(Date.UTC(2026) + 660_000)
    t.advanceTime('30d')
    expect(await t.sink('revenue').take()).toEqual([])
  })

  it('shows open windows with their values so far, and late rows that wait for their pane', async () => {
    const t = testDriver(revenue)
    t.source(orders).send(order(1, 1_000), order(2, 2_000, 'b'), order(3, 3_000), order(4, 11_000))
    const open = [
      { key: 'a', window: { start: 0, end: 10_000 }, value: { orders: 2, total: 4 }, timing: 'on-time' },
      { key: 'b', window: { start: 0, end: 10_000 }, value: { orders: 1, total: 2 }, timing: 'on-time' },
      { key: 'a', window: { start: 10_000, end: 20_000 }, value: { orders: 1, total: 4 }, timing: 'on-time' },
    ]
    expect(await t.openWindows('revenue')).toEqual(open)
    t.source(orders).send(order(5, 13_000, 'c'), order(6, 4_000, 'b'))
    expect(await t.openWindows('revenue')).toEqual([
      { ...open[1], value: { orders: 2, total: 8 }, timing: 'late' },
      open[2],
      { ...open[2], key: 'c', value: { orders: 1, total: 5 } },
    ])
    t.source(orders).send(order(7, 60_000))
    expect(await t.openWindows('revenue')).toMatchObject([{ key: 'a', window: { start: 60_000 } }])
  })

  it('counts rows in hopping windows, and shows each of them', async () => {
    const sliding = pipeline('sliding', { deadLetter: ndjson('dead'), writeShards: 3 }, (p) =>
      p
        .from(orders)
        .keyBy((one) => one.id % 10)
        .window(hopping('20s', '10s'))
        .aggregate('sliding', { total: sum((one) => one.amount) })
        .to(ndjson('out')),
    )
    const t = testDriver(sliding)
    t.source(orders).send(order(9, 15_000), order(10, 16_000), order(2, 17_000))
    const windows = await t.openWindows<number, { total: number }>('sliding')
    expectTypeOf(windows[0]!.value.total).toEqualTypeOf<number>()
    expect(windows.map(({ key, window, value }) => [key, window.start, value.total])).toEqual([
      [0, 0, 10],
      [2, 0, 2],
      [9, 0, 9],
      [0, 10_000, 10],
      [2, 10_000, 2],
      [9, 10_000, 9],
    ])
    expect(await t.counts('sliding')).toEqual({ counted: 6, late: 0, expired: 0, outside: 0 })
  })

  it('gives late and expired rows, side outputs and dead letters', async () => {
    const t = testDriver<Rows>(revenue)
    t.source(orders).send(order(1, 1_000), order(2, 13_000), order(3, 5_000), order(4, 30_000), order(5, 6_000))
    t.source(orders).send(order(6, 31_000, 'a', 2_000), order(7, 32_000, 'a', -1), raw('{"id":'), {
      ...order(8, 33_000),
      at: 'noon' as never,
    })
    expect(await t.counts('revenue')).toEqual({ counted: 4, late: 1, expired: 1, outside: 0 })
    expect(await t.late('revenue')).toMatchObject([{ reason: 'expired', key: 'a', payload: { id: 5 } }])
    expect(await t.sink('large').rows()).toMatchObject([{ id: 6 }])
    expect(await t.deadLetters()).toMatchObject([
      { reason: 'bad-json', payload: '{"id":' },
      { reason: 'bad-timestamp', payload: { id: 8 } },
    ])
    expect(await t.source(orders).counts()).toEqual({ in: 9, rejected: 2, filtered: 1, passed: 6 })
    expect(await t.sink('revenue').rows()).toMatchObject([
      { value: { total: 1 }, pane: { timing: 'on-time' } },
      { value: { total: 4 }, pane: { timing: 'late' } },
      { value: { total: 2 }, window: { start: 10_000 } },
    ])
  })

  it('an operator without a late output has its expired rows in the dead letter', async () => {
    const t = testDriver(chain)
    t.source(orders).send(order(1, 1_000), order(2, 30_000), order(3, 2_000))
    expect(await t.late('perKey')).toMatchObject([{ payload: { id: 3 } }])
    expect(await t.late('perMinute')).toEqual([])
    expect(await t.deadLetters()).toMatchObject([{ reason: 'expired', operator: 'perKey' }])
  })

  it('endOfInput closes a chain of operators; of one source, it waits for the other', async () => {
    const t = testDriver<{ perMinute: Revenue }>(chain)
    t.source(orders).send(order(1, 1_000), order(2, 2_000, 'b'))
    t.source(orders).endOfInput()
    expect(await t.sink('perMinute').rows()).toEqual([])
    t.source(legacy).send(order(4, 5_000, 'b'))
    expect(await t.openWindows('perKey')).toHaveLength(2)
    t.endOfInput()
    expect((await t.sink('perMinute').rows()).map(({ value }) => value)).toEqual([{ keys: 2, total: 7 }])
  })

  it('records have keys, headers and times of their own', async () => {
    const meta = { timestamp: (one: Order) => one.at, watermark: outOfOrder('0s') }
    const kafka = kafkaSource('topic', { ...meta, timestamp: (one: Order, { stampMs }) => stampMs ?? one.at })
    const kinesis = kinesisSource('stream', meta)
    const seen = pipeline('seen', { deadLetter: ndjson('dead') }, (p) =>
      p
        .from(kafka, kinesis)
        .map(({ id }, m) => [id, m.split, m.key, m.header('trace') ?? null, m.arrivalMs ?? null, m.stampMs ?? null])
        .to(ndjson('seen')),
    )
    const now = Date.UTC(2026)
    const t = testDriver(seen, { now })
    const envelope = { key: 'c1', headers: { trace: Buffer.from('ü') }, timestamp: new Date(now - 5) }
    t.source(kafka).split(3).sendWith(envelope, order(1, 1_000), order(2, 1_000))
    t.source(kafka).split('topic-7').send(order(3, 1_000))
    t.source(kafka)
      .split('east')
      .sendWith({ arrivedAt: now - 7 }, order(4, 1_000))
    t.source(kinesis).sendWith({ key: 'c2', arrivedAt: now - 9 }, order(5, 1_000))
    t.advanceTime(1_000)
    t.source(kinesis).send(order(6, 1_000))
    expect(await t.sink('seen').rows()).toEqual([
      [1, 'topic-3', 'c1', 'ü', null, now - 5],
      [2, 'topic-3', 'c1', 'ü', null, now - 5],
      [3, 'topic-7', null, null, now, now],
      [4, 'topic-1000', null, null, now - 7, now - 7],
      [5, 'shardId-000000000000', 'c2', null, now - 9, now - 9],
      [6, 'shardId-000000000000', 'k', null, now + 1_000, now + 1_000],
    ])
  })

  it('a Kafka tombstone, bytes, and files', async () => {
    const each = pipeline('each', { deadLetter: ndjson('dead') }, (p) => p.from(legacy, files).to(ndjson('out')))
    const t = testDriver(each)
    t.source(legacy).send(raw(null), order(1, 1_000), Buffer.from(JSON.stringify(order(2, 1_000))))
    t.source(files)
      .split('2026-01.ndjson')
      .send(order(3, 1_000), raw(Uint8Array.of(0xff)))
    expect(await t.sink('out').rows()).toMatchObject([{ id: 1 }, { id: 2 }, { id: 3 }])
    expect(await t.deadLetters()).toMatchObject([{ reason: 'bad-utf8', split: '2026-01.ndjson' }])
    expect(await t.source(legacy).counts()).toMatchObject({ in: 3, filtered: 1 })
  })

  it('a large batch is delivered in parts', async () => {
    const t = testDriver<Rows>(revenue)
    t.source(orders).send(...Array.from({ length: 2_500 }, (_, i) => order(1, 4 * i)))
    t.endOfInput()
    expect((await t.sink('revenue').rows()).map(({ value }) => value.orders)).toEqual([2_500])
  })

  it('a row that a sink has is not changed by what the pipeline does later', async () => {
    const kept: { n: number }[] = []
    const shared = pipeline('shared', { deadLetter: ndjson('dead') }, (p) =>
      p
        .from(orders)
        .map(() => {
          for (const one of kept) one.n = -1
          const made = { n: 1 }
          kept.push(made)
          return made
        })
        .to(ndjson('out')),
    )
    const t = testDriver(shared)
    t.source(orders).send(order(1, 1_000))
    expect(await t.sink('out').rows()).toEqual([{ n: 1 }])
    t.source(orders).send(order(2, 1_000))
    expect(await t.sink('out').rows()).toEqual([{ n: 1 }, { n: 1 }])
  })

  it('infers the types of rows from nodes, and takes those that are declared', () => {
    const t = testDriver<Rows>(revenue)
    t.source(orders).send(order(1, 1_000), raw('{'), Uint8Array.of(1))
    // @ts-expect-error a row of another shape
    t.source(orders).send({ id: 1 })
    t.source<Order>('orders').send(order(1, 1_000))
    expectTypeOf(t.source(orders).send(order(1, 1_000))).toEqualTypeOf<SentRecord[]>()
    expectTypeOf(t.sink('revenue').rows()).resolves.toEqualTypeOf<readonly Revenue[]>()
    expectTypeOf(t.sink('large').rows()).resolves.toEqualTypeOf<readonly unknown[]>()
    expectTypeOf(t.sink(ndjson<Order>('large')).rows()).resolves.toEqualTypeOf<readonly Order[]>()
    expectTypeOf(t.sink<Order>('large').take()).resolves.toEqualTypeOf<readonly Order[]>()
  })
})

describe('testDriver refuses', () => {
  const t = testDriver(revenue)
  const any = t as any
  it.each<[string, () => unknown, string]>([
    ['a source', () => t.source('order'), 'Pipeline "revenue" has no source "order". It has: orders.'],
    ['a sink', () => t.sink('total'), 'Pipeline "revenue" has no sink "total". It has: large, late, revenue, dead.'],
    ['a node', () => any.source({ name: 'orders' }), 'A source is given by its name or its node; this is an object.'],
    ['a pipeline', () => testDriver(undefined as never), 'testDriver() takes a pipeline; it got undefined.'],
    ['an option', () => testDriver(revenue, { clock: 1 } as never), 'testDriver() has no option "clock"'],
    ['a time', () => testDriver(revenue, { now: Number.NaN }), 'now of testDriver() is a Date, or whole ms since'],
    [
      'a number of splits',
      () => testDriver(revenue, { splits: { orders: 0 } }),
      'splits.orders of testDriver() is the',
    ],
    ['splits of nothing', () => testDriver(revenue, { splits: { order: 2 } }), 'has no source "order"'],
    ['a split', () => t.source(orders).split(-1), 'A split of "orders" is a whole number from 0, or a name'],
    ['a name of a split', () => t.source(orders).split('a:b'), "or a name without ':'; it is"],
    ['a value', () => t.source('orders').send(5n), 'Record 0 of send() to "orders" cannot be written as JSON'],
    ['a tombstone', () => t.source(orders).send(raw(null)), 'has no payload, which is only allowed for a Kafka record'],
    ['a duration', () => any.advanceTime('5 min'), "advanceTime() must be a duration such as '30s'"],
    [
      'headers',
      () => t.source(orders).sendWith({ headers: {} }),
      'sendWith() of "orders": a record of a Kinesis stream has no headers; it has key, arrivedAt.',
    ],
    ['a key', () => t.source(orders).sendWith({ key: Uint8Array.of(1) }), 'key is text; it is an object.'],
    [
      'a field',
      () => any.source(orders).sendWith({ partition: 1 }),
      'sendWith() of "orders" has no option "partition"',
    ],
    ['an arrival', () => t.source(orders).sendWith({ arrivedAt: -1 }), 'arrivedAt is a Date, or whole ms since'],
    [
      'two times',
      () => testDriver(chain).source(legacy).sendWith({ timestamp: 1, arrivedAt: 1 }),
      'a Kafka record states one time, either timestamp or arrivedAt. Leave one of them out.',
    ],
  ])('%s', (_, attempt, message) => {
    expect(attempt).toThrow(message)
  })

  it.each<[string, () => Promise<unknown>, string]>([
    ['counts', () => t.counts('total'), 'Pipeline "revenue" has no operator "total". It has: revenue.'],
    ['openWindows', () => t.openWindows('total'), 'has no operator "total"'],
    ['late', () => t.late('total'), 'has no operator "total"'],
    [
      'watermark',
      () => t.watermark('total'),
      'Pipeline "revenue" has no source or operator "total". It has: orders, revenue.',
    ],
  ])('an operator that does not exist: %s', async (_, attempt, message) => {
    await expect(attempt()).rejects.toThrow(message)
  })

  it('records after the end of input', () => {
    const ended = testDriver(revenue)
    ended.endOfInput()
    ended.endOfInput()
    expect(() => ended.source(orders).send(order(1, 1_000))).toThrow(
      'The input of "orders" has ended: endOfInput() was called before. Send before it, or leave it out.',
    )
  })

  it('to go on after an error of the pipeline: every read shows it', async () => {
    const broken = pipeline('broken', { deadLetter: ndjson('dead') }, (p) =>
      p
        .from(orders)
        .map((): Order => {
          throw new ConfigError('bad-table', 'The table of rates is missing.')
        })
        .to(ndjson('out')),
    )
    const driver = testDriver(broken)
    driver.source(orders).send(order(1, 1_000))
    await expect(driver.sink('out').rows()).rejects.toThrow('The table of rates is missing.')
    await expect(driver.deadLetters()).rejects.toThrow('The table of rates is missing.')
  })
})
