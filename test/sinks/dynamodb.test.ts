import {
  CreateTableCommand,
  DynamoDBClient,
  type KeySchemaElement,
  PutItemCommand,
  paginateScan,
} from '@aws-sdk/client-dynamodb'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { digest, rowJson } from '../../lib/base/index.js'
import {
  count,
  type DynamoDBTableOptions,
  dynamodbTable,
  fileSource,
  monotonous,
  ndjson,
  pipeline,
  tumbling,
  type WindowResult,
} from '../../lib/index.js'
import type { Sink, SinkRow } from '../../lib/ports/index.js'
import { draws } from '../draws.js'
import { FaultyDynamoDB } from '../services/faulty-dynamodb.js'
import { describeLive } from '../services/local.js'
import { describeSink, part, position, range } from './conformance.js'

/** DynamoDB Local accepts some thousand rows a second. */
const SUITE = { exactlyOnce: true, rowsAtOnce: draws(600, 20_000) }

describeLive('DynamoDB tables as sinks', ['dynamodb'], (services) => {
  let client: DynamoDBClient
  let tables = 0
  beforeAll(() => {
    client = new DynamoDBClient({ endpoint: services.endpoint('dynamodb') })
  })
  afterAll(() => client.destroy())

  async function freshTable(keys: Readonly<Record<string, 'S' | 'N'>> = { pk: 'S', sk: 'S' }): Promise<string> {
    const TableName = `sink-${tables++}`
    const KeySchema = Object.keys(keys).map(
      (AttributeName, i): KeySchemaElement => ({ AttributeName, KeyType: i === 0 ? 'HASH' : 'RANGE' }),
    )
    const AttributeDefinitions = Object.entries(keys).map(([AttributeName, AttributeType]) => ({
      AttributeName,
      AttributeType,
    }))
    await client.send(
      new CreateTableCommand({ TableName, KeySchema, AttributeDefinitions, BillingMode: 'PAY_PER_REQUEST' }),
    )
    return TableName
  }

  async function itemsOf(TableName: string): Promise<any[]> {
    const items: any[] = []
    for await (const page of paginateScan({ client }, { TableName, ConsistentRead: true }))
      items.push(...(page.Items ?? []).map((fields) => plain({ M: fields })))
    return items
  }

  const open = (table: string, options: DynamoDBTableOptions<any> = {}, run = 1): Promise<Sink> =>
    dynamodbTable(table, { endpoint: services.endpoint('dynamodb'), ...options }).open({ pipeline: 'p', run })

  /** The rows of the suite have no keys of their own, so each is stored under its id, as JSON. */
  const byId = (row: unknown, id: string) => ({
    pk: digest(id),
    sk: id.startsWith('op/') ? 'a' : 'b',
    order: id.replace(/\d+$/, (n) => n.padStart(6, '0')),
    json: rowJson(row),
  })
  // A row that is written again is equal, so the first one stays.
  const version = () => 0
  const place = (endpoint?: () => string) => {
    const table = freshTable()
    return {
      open: async () => open(await table, { item: byId, version, ...(endpoint && { endpoint: endpoint() }) }),
      rows: async () =>
        (await itemsOf(await table))
          .sort((a, b) => (a.sk + a.order < b.sk + b.order ? -1 : 1))
          .map((item) => JSON.parse(item.json)),
    }
  }
  describeSink('dynamodb', () => place(), SUITE)

  describe('behind faults', () => {
    let proxy: FaultyDynamoDB
    let endpoint: string
    beforeAll(async () => {
      const rates = { throttle: 0.05, errorAfter: 0.05, resetAfter: 0.03, resetBefore: 0.03, partial: 0.1 }
      proxy = new FaultyDynamoDB(services.endpoint('dynamodb'), { seed: 11, rates, lateMs: 0 })
      endpoint = await proxy.listen()
    })
    afterAll(() => proxy.close())
    describeSink('dynamodb behind faults', () => place(() => endpoint), SUITE)
    it('looks at its table before the first row, whatever gets in the way', async () => {
      const [there, other] = [await freshTable(), await freshTable({ id: 'S' })]
      for (let turn = 0; turn < draws(6, 20); turn++) {
        const sink = await open(there, { endpoint })
        await expect(sink.check!()).resolves.toBeUndefined()
        await sink.close()
      }
      for (const [table, code] of [
        ['nowhere', 'not-found'],
        [other, 'bad-table'],
      ] as const) {
        const sink = await open(table, { endpoint })
        await expect(sink.check!()).rejects.toMatchObject({ name: 'ConfigError', code })
        await sink.close()
      }
    })

    it('met faults', () => {
      for (const fault of ['throttle', 'errorAfter', 'resetAfter', 'partial'])
        expect(proxy.counts[fault], fault).toBeGreaterThan(0)
    })
  })

  const hour = 3_600_000
  const result = (key: any, n: number, pane = 0, more: object = {}): WindowResult<any, any> => ({
    key,
    value: { n, ...more },
    window: { start: 0, end: hour },
    pane: { index: pane, timing: pane === 0 ? 'on-time' : 'late', first: pane === 0, last: false },
    id: `op|${JSON.stringify(key)}|0-${hour}|${pane}`,
  })
  const results = (slice: string, ...rows: WindowResult<any, any>[]) => [
    {
      kind: 'operator' as const,
      operator: 'op',
      part: `${slice}-00000000`,
      rows: rows.map((row): SinkRow => ({ id: row.id, value: row, order: '', ...(row.op === '-' && { op: '-' }) })),
    },
  ]

  it('writes a result under its key and window, with the fields of its value', async () => {
    const table = await freshTable()
    const sink = await open(table)
    await sink.write(results('005', result('ATL', 3), result(['a', 1], 4), result(7, 5), result('#x', 6)))
    const item = (pk: string, n: number, _version: string) => ({
      pk,
      sk: '1970-01-01T00:00:00.000Z/1970-01-01T01:00:00.000Z',
      n,
      windowStart: '1970-01-01T00:00:00.000Z',
      windowEnd: '1970-01-01T01:00:00.000Z',
      pane: 0,
      timing: 'on-time',
      _version,
    })
    expect((await itemsOf(table)).sort((a, b) => a.n - b.n)).toEqual([
      item('ATL', 3, '000001#005-00000000#000000#op'),
      item('#["a",1]', 4, '000001#005-00000000#000001#op'),
      item('#7', 5, '000001#005-00000000#000002#op'),
      item('##x', 6, '000001#005-00000000#000003#op'),
    ])
    await sink.close()
  })

  it('invariant 8: holds the newest total of each key, whatever the order of the writes', async () => {
    const table = await freshTable()
    const [zombie, sink] = [await open(table), await open(table)]
    const total = (slice: string, n: number, timestamp: number, op?: '-') => {
      const id = `op|"a"|${timestamp}${op === '-' ? '|-' : ''}`
      const value = { key: 'a', value: { n }, timestamp, id, ...(op && { op }) }
      return [
        { kind: 'operator' as const, operator: 'op', part: `${slice}-00000000`, rows: [{ id, value, order: '', op }] },
      ] as any
    }
    await sink.write(total('005', 1, 5_000))
    await sink.write(total('006', 2, 6_000))
    await zombie.write(total('005', 1, 5_000))
    const item = { pk: 'a', sk: 'total', n: 2, updatedAt: '1970-01-01T00:00:06.000Z' }
    expect(await itemsOf(table)).toMatchObject([item])
    await sink.write(total('007', 2, 7_000, '-'))
    await zombie.write(total('006', 2, 6_000))
    expect((await itemsOf(table)).filter((one) => one._deleted !== true)).toEqual([])
    await Promise.all([zombie.close(), sink.close()])
  })

  it('invariant 8: a newer pane replaces an older one, with all its fields, and never the other way round', async () => {
    const table = await freshTable()
    const [zombie, sink] = [await open(table), await open(table)]
    await sink.write(results('005', result('a', 1, 0, { old: true })))
    await sink.write(results('007', result('a', 2, 1)))
    // An earlier attempt wakes up and writes its pane again.
    await zombie.write(results('005', result('a', 1, 0, { old: true })))
    await zombie.write(results('006', result('a', 9, 1)))
    const [item] = await itemsOf(table)
    expect(item).toMatchObject({ n: 2, pane: 1, timing: 'late' })
    expect(item).not.toHaveProperty('old')
    // A new run is above all of the previous run, whose rows never return.
    const replay = await open(table, {}, 2)
    await replay.write(results('005', result('a', 5)))
    await sink.write(results('008', result('a', 6, 2)))
    expect((await itemsOf(table))[0]).toMatchObject({ n: 5, pane: 0 })
    for (const opened of [zombie, sink, replay]) await opened.close()
  })

  it('invariant 8: many writers of the same items, in any order, leave the newest of each', async () => {
    const table = await freshTable()
    const keys = Array.from({ length: 40 }, (_, i) => `k${i}`)
    await Promise.all(
      [3, 1, 5, 2, 4, 5].map(async (pane) => {
        const sink = await open(table)
        await sink.write(results(`00${pane}`, ...keys.map((key) => result(key, pane, pane - 1))))
        await sink.close()
      }),
    )
    const items = await itemsOf(table)
    expect(items.map((item) => item.n)).toEqual(keys.map(() => 5))
  })

  it('of a retracting pane the replacement stands', async () => {
    const table = await freshTable()
    const sink = await open(table)
    const taken = { ...result('a', 1, 1), op: '-' as const, id: 'x|-' }
    await sink.write(results('005', result('a', 1)))
    await sink.write(results('006', taken, { ...result('a', 2, 1), op: '+' }))
    expect(await itemsOf(table)).toMatchObject([{ n: 2, pane: 1 }])
    await sink.close()
  })

  it('a row that ceases to be leaves its keys and its version, and nothing older takes its place', async () => {
    const table = await freshTable()
    const sink = await open(table)
    await sink.write(results('005', result('a', 1), result('b', 1)))
    await sink.write(results('006', { ...result('a', 1, 1), op: '-', id: 'x|-' }))
    const gone = { pk: 'a', _deleted: true }
    expect((await itemsOf(table)).sort((a, b) => (a.pk < b.pk ? -1 : 1))).toMatchObject([gone, { pk: 'b', n: 1 }])
    expect((await itemsOf(table)).find(({ pk }) => pk === 'a')).not.toHaveProperty('n')
    // An attempt that slept for a long time writes the earlier rows again.
    await sink.write(results('005', result('a', 1), result('b', 1)))
    expect((await itemsOf(table)).find(({ pk }) => pk === 'a')).toMatchObject(gone)
    await sink.write(results('007', result('a', 3, 2)))
    const back = (await itemsOf(table)).find(({ pk }) => pk === 'a')
    expect(back).toMatchObject({ n: 3, pane: 2 })
    expect(back).not.toHaveProperty('_deleted')
    await sink.close()
  })

  it('with a version of its own too, where what is taken back has the version of what stands', async () => {
    const table = await freshTable()
    const sink = await open(table, { item: (row) => ({ pk: row.c, sk: 'x', v: row.v }), version: (row) => row.v })
    const part = (slice: string, ...rows: SinkRow[]) => [
      { kind: 'operator' as const, operator: 'op', part: `${slice}-00000000`, rows },
    ]
    await sink.write(part('1', { id: '1', value: { c: 'a', v: 5 }, order: '' }))
    await sink.write(part('2', { id: '2', value: { c: 'a', v: 5 }, order: '', op: '-' }))
    expect(await itemsOf(table)).toEqual([{ pk: 'a', sk: 'x', _deleted: true, _version: 5 }])
    await sink.write(part('1', { id: '1', value: { c: 'a', v: 5 }, order: '' }))
    expect(await itemsOf(table)).toMatchObject([{ _deleted: true }])
    // Taken back and replaced by a row of the same version.
    const pair: SinkRow[] = [
      { id: '3', value: { c: 'b', v: 1 }, order: '', op: '-' },
      { id: '4', value: { c: 'b', v: 1 }, order: '' },
    ]
    await sink.write(part('3', ...pair))
    expect((await itemsOf(table)).find(({ pk }) => pk === 'b')).toEqual({ pk: 'b', sk: 'x', v: 1, _version: 1 })
    await sink.close()
  })

  it('takes keys, items and versions as the pipeline says', async () => {
    const table = await freshTable({ customer: 'S', day: 'N' })
    const options: DynamoDBTableOptions<any> = {
      partitionKey: 'customer',
      sortKey: 'day',
      item: (row) => ({ customer: row.c, day: row.d, at: new Date(row.v), deep: [{ u: undefined, x: 1n }] }),
      version: (row) => row.v,
    }
    const sink = await open(table, options)
    const rows = [
      { c: 'a', d: 1, v: 20 },
      { c: 'a', d: 1, v: 10 },
      { c: 'b', d: 1e21, v: 1 },
    ]
    await sink.write([range('s', 0, 3, (index) => [rows[index]])])
    expect((await itemsOf(table)).map((item) => item._version).sort()).toEqual([1, 20])
    await sink.write([range('s', 3, 5, (index) => [{ ...rows[1], v: index === 3 ? 19 : 21 }])])
    await sink.write([range('s', 5, 6, () => [{ ...rows[2], v: 2 }])])
    expect((await itemsOf(table)).sort((a, b) => a.day - b.day)).toEqual([
      { customer: 'a', day: 1, at: '1970-01-01T00:00:00.021Z', deep: [{ x: 1 }], _version: 21 },
      { customer: 'b', day: 1e21, at: '1970-01-01T00:00:00.002Z', deep: [{ x: 1 }], _version: 2 },
    ])
    await sink.close()
    const single = await freshTable({ id: 'S' })
    const alone = await open(single, { partitionKey: 'id', sortKey: null })
    await alone.write(results('005', result('ATL', 3)))
    expect(await itemsOf(single)).toMatchObject([{ id: 'ATL 1970-01-01T00:00:00.000Z/1970-01-01T01:00:00.000Z', n: 3 }])
    await alone.close()
  })

  it('invariant 14: hands back what can be no item, and takes the rest', async () => {
    const table = await freshTable()
    const sink = await open(table, {
      version,
      item: (row) => {
        if (row === 'throws') throw new Error('no such field')
        if (row === 'proto') return { pk: 'p', sk: 'x', inner: { ['__proto__']: 1 } }
        return { pk: row === 'no key' ? '' : row, sk: 'x', ...(row === 'large' && { text: 'x'.repeat(400 * 1024) }) }
      },
    })
    const rows = ['a', 'throws', 'no key', 'large', 'b', 'proto']
    const refused = (await sink.write([range('s', 0, 6, (index) => [rows[index]])])) ?? []
    expect(refused.map(({ row, reason }) => [row.order, reason])).toEqual([
      [position(1), 'its item cannot be created: no such field'],
      [position(2), 'its partition key "pk" has 0 bytes; DynamoDB accepts 1 to 2048.'],
      [position(3), expect.stringMatching(/^its item has 4096\d\d bytes; DynamoDB accepts at most 409600\.$/)],
      [position(5), 'its item cannot be created: a field has the name "__proto__".'],
    ])
    expect((await itemsOf(table)).map((item) => item.pk).sort()).toEqual(['a', 'b'])
    await sink.close()
  })

  it('invariant 14: hands back what only DynamoDB knows to be wrong, and takes the rest', async () => {
    const table = await freshTable()
    const minus = Object.fromEntries(Array.from({ length: 60_000 }, (_, i) => [`${i}`, -7]))
    const keys: Record<string, unknown> = { number: 7, empty: 'empty', ok: 'ok', minus: 'minus' }
    const sink = await open(table, {
      version,
      item: (row) => ({ pk: keys[row], sk: 'x', ...(row === 'empty' && { '': 1 }), ...(row === 'minus' && { minus }) }),
    })
    const refused = (await sink.write([part('p', ['ok', 'number', 'empty', 'minus'])])) ?? []
    expect(refused.map(({ row }) => row.value).sort()).toEqual(['empty', 'minus', 'number'])
    for (const { reason } of refused) expect(reason).toMatch(/item/)
    expect((await itemsOf(table)).map((item) => item.pk)).toEqual(['ok'])
    const twice: Record<string, unknown> = {}
    twice.a = twice.b = twice
    const cyclic = await open(table, { version, item: () => ({ pk: 'c', sk: 'x', twice }) })
    expect((await cyclic.write([part('p', [1])]))?.[0]?.reason).toBe(
      'its item cannot be created: it holds more than 420000 values.',
    )
    for (const opened of [sink, cyclic]) await opened.close()
  })

  it('tells whole numbers of any size apart, and which is newer', async () => {
    const table = await freshTable({ id: 'N' })
    const sink = await open(table, {
      partitionKey: 'id',
      sortKey: null,
      item: (row) => ({ id: row[0], n: row[1] }),
      version: (row) => row[1],
    })
    const ids = [9007199254740993n, 9007199254740992n, 9007199254740994n]
    await sink.write([
      part(
        'p',
        ids.map((id) => [id, 9007199254740993n]),
      ),
    ])
    await sink.write([
      part(
        'q',
        ids.map((id, i) => [id, 9007199254740992n + BigInt(i)]),
      ),
    ])
    const client = new DynamoDBClient({ endpoint: services.endpoint('dynamodb') })
    const found: string[] = []
    for await (const page of paginateScan({ client }, { TableName: table }))
      found.push(...page.Items!.map((item) => `${item.id!.N} ${item.n!.N}`))
    client.destroy()
    expect(found.sort()).toEqual([
      '9007199254740992 9007199254740993',
      '9007199254740993 9007199254740993',
      '9007199254740994 9007199254740994',
    ])
    await sink.close()
  })

  it('replaces a wide item by another wide one, whose statement would be too long', async () => {
    const table = await freshTable()
    const fields = (from: number) =>
      Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`field number ${from + i}`, i]))
    const sink = await open(table, { item: (row) => ({ pk: 'a', sk: 'x', ...fields(row.pane.index * 300) }) })
    await sink.write(results('005', result('a', 1)))
    await sink.write(results('006', result('a', 1, 1)))
    const [item] = await itemsOf(table)
    expect(item).toMatchObject(fields(300))
    expect(Object.keys(item)).toHaveLength(303)
    await sink.close()
  })

  it('needs a version where rows are no results and an item says what they replace', async () => {
    const table = await freshTable()
    const sink = await open(table, { item: (row) => ({ pk: row, sk: 'x' }) })
    await expect(sink.write([range('s', 0, 1)])).rejects.toMatchObject({ name: 'ConfigError', code: 'no-version' })
    await sink.close()
  })

  it('writes items whose statement would be too long, and replaces what others wrote', async () => {
    const table = await freshTable()
    await client.send(
      new PutItemCommand({ TableName: table, Item: { pk: { S: 'wide' }, sk: { S: 'row' }, x: { N: '1' } } }),
    )
    const wide = Object.fromEntries(Array.from({ length: 600 }, (_, i) => [`a long name of a field ${i}`, i]))
    const sink = await open(table, {
      version,
      item: (row) => ({ pk: row, sk: 'row', ...(row === 'wide' && wide), "it's": '"' }),
    })
    await sink.write([part('p', ['wide', 'other'])])
    await sink.write([part('p', ['other'])])
    const items = await itemsOf(table)
    expect(items.find((item) => item.pk === 'wide')).toMatchObject({ ...wide, "it's": '"' })
    expect(items.find((item) => item.pk === 'wide')).not.toHaveProperty('x')
    expect(items.find((item) => item.pk === 'other')).toMatchObject({ "it's": '"' })
    await sink.close()
  })

  it('says in one sentence which table is missing, or has other keys', async () => {
    const where = `at ${services.endpoint('dynamodb')}`
    const nowhere = await open('nowhere')
    await expect(nowhere.write([part('a', [1])])).rejects.toMatchObject({
      name: 'ConfigError',
      message: `The table "nowhere" does not exist ${where}. Check its name, the region and the account, or create it.`,
    })
    const table = await freshTable({ id: 'S' })
    const other = await open(table)
    await expect(other.write([part('a', [1])])).rejects.toMatchObject({
      name: 'ConfigError',
      message: `The table "${table}" ${where} has the keys id; the sink writes pk, sk. Set partitionKey and sortKey of dynamodbTable("${table}", …), or give another table.`,
    })
    for (const sink of [nowhere, other]) await sink.close()
  })
})

describe('dynamodbTable', () => {
  it('takes the results of one operator, unless item tells them apart', () => {
    const make = (table: ReturnType<typeof dynamodbTable>) =>
      pipeline('two', { deadLetter: ndjson('dead') }, (p) => {
        const keyed = p
          .from(fileSource('r', { timestamp: (r: any) => r.t, watermark: monotonous() }))
          .keyBy((r: any) => r.k)
        keyed.window(tumbling('1h')).aggregate('hourly', { n: count() }).to(table)
        return keyed
          .window(tumbling('1d'))
          .aggregate('daily', { n: count() })
          .map((r) => r)
          .to(table)
      })
    expect(() => make(dynamodbTable('t'))).toThrow('The results of "hourly" and "daily" go to one dynamodb sink, "t"')
    expect(() => make(dynamodbTable('t', { item: (row: any) => row }))).not.toThrow()
  })

  it('refuses options that cannot work', () => {
    expect(() => dynamodbTable('t', { item: 3 as never })).toThrow(
      'item of the table "t" is a function of a row; it is number.',
    )
    expect(() => dynamodbTable('t', { partitionKey: '' })).toThrow(
      'partitionKey of the table "t" is the name of an attribute',
    )
    expect(() => dynamodbTable('t', { partitionKey: 'a', sortKey: 'a' })).toThrow('two attributes other than _version')
    expect(() => dynamodbTable('t', { sortKey: '_version' })).toThrow('two attributes other than _version')
    expect(() => dynamodbTable('t', { partitionKey: '_deleted' })).toThrow('other than _version and _deleted')
  })
})

/** Converts a value of the DynamoDB protocol to a plain one. */
function plain(value: any): any {
  if (value.M) return Object.fromEntries(Object.entries(value.M).map(([name, field]) => [name, plain(field)]))
  if (value.L) return value.L.map(plain)
  if (value.N) return Number(value.N)
  return value.NULL ? null : (value.S ?? value.BOOL ?? value.B)
}
