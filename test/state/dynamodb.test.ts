import {
  BatchGetItemCommand,
  DynamoDBClient,
  PutItemCommand,
  QueryCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { toItem, toValue } from '../../lib/aws/dynamodb-values.js'
import type { Item } from '../../lib/ports/index.js'
import { type DynamoDBStoreOptions, dynamodbStore } from '../../lib/state/dynamodb/index.js'
import { createTable } from '../../lib/state/dynamodb/table.js'
import { itemBytes, readUnits, writeUnits } from '../../lib/state/units.js'
import { draws } from '../draws.js'
import { describeLive } from '../services/local.js'
import { describeStateStore } from './conformance.js'

describeLive('DynamoDB Local', ['dynamodb'], (services) => {
  let tables = 0
  const freshTable = async (): Promise<string> => {
    const table = `state-${tables++}`
    await createTable(table, { endpoint: services.endpoint('dynamodb') })
    return table
  }
  const open = async (options: DynamoDBStoreOptions = {}) =>
    await dynamodbStore(await freshTable(), { endpoint: services.endpoint('dynamodb'), ...options })

  describeStateStore('dynamodb', () => open(), { refusedInsertsAreBlind: true })
  describeStateStore('dynamodb, without PartiQL', () => open({ partiql: false }), { isFaulty: true, scripts: 20 })

  it('counts what DynamoDB charges, wherever it says what that is', async () => {
    const client = new DynamoDBClient({ endpoint: services.endpoint('dynamodb') })
    const TableName = await freshTable()
    const attribute = fc.oneof(
      fc.string({ maxLength: 1500 }).filter((text) => !/\p{Surrogate}/u.test(text)),
      fc.integer(),
      fc
        .double({ noNaN: true, noDefaultInfinity: true, min: -1e100, max: 1e100 })
        .map((n) => (Math.abs(n) < 1e-100 ? 0 : n)),
      fc.boolean(),
      fc.uint8Array({ maxLength: 3000 }),
    )
    let n = 0
    await fc.assert(
      fc.asyncProperty(fc.dictionary(fc.string({ minLength: 1, maxLength: 30 }), attribute), async (attributes) => {
        const { pk: _, sk: __, __proto__: ___, ...rest } = attributes as Record<string, Item[string]>
        const item = { pk: `p${n}`, sk: `${n++}`, ...rest } as Item
        const bytes = itemBytes(item)
        const Item = toItem(item)
        // For a size within a few bytes of a boundary, DynamoDB itself states 'approximately'.
        if (bytes % 1024 < 24 || bytes % 1024 > 1000) return
        const ReturnConsumedCapacity = 'TOTAL' as const
        const put = await client.send(new PutItemCommand({ TableName, Item, ReturnConsumedCapacity }))
        expect(put.ConsumedCapacity?.CapacityUnits).toBe(writeUnits(bytes))
        const update = await client.send(
          new UpdateItemCommand({
            TableName,
            Key: { pk: toValue(item.pk), sk: toValue(item.sk) },
            UpdateExpression: 'SET z = :z',
            ExpressionAttributeValues: { ':z': { S: '' } },
            ReturnConsumedCapacity,
          }),
        )
        expect(update.ConsumedCapacity?.CapacityUnits).toBe(writeUnits(bytes + 1))
        const got = await client.send(
          new BatchGetItemCommand({
            RequestItems: { [TableName]: { Keys: [{ pk: Item.pk!, sk: Item.sk! }], ConsistentRead: true } },
            ReturnConsumedCapacity,
          }),
        )
        expect(got.ConsumedCapacity?.[0]?.CapacityUnits).toBe(readUnits(bytes + 1))
        const queried = await client.send(
          new QueryCommand({
            TableName,
            KeyConditionExpression: 'pk = :pk',
            ExpressionAttributeValues: { ':pk': Item.pk! },
            ConsistentRead: true,
            ReturnConsumedCapacity,
          }),
        )
        expect(queried.ConsumedCapacity?.CapacityUnits).toBe(readUnits(bytes + 1))
      }),
      { numRuns: draws(20, 60) },
    )
    client.destroy()
  })

  it('takes an item of exactly 400 KB, and writes many of 350 KB in one call', async () => {
    const store = await open()
    const exact = { pk: 'p', sk: 'exact', b: new Uint8Array(400 * 1024 - itemBytes({ pk: 'p', sk: 'exact', b: '' })) }
    expect(itemBytes(exact)).toBe(400 * 1024)
    expect(await store.insert([exact])).toEqual(['inserted'])
    expect(await store.get([{ pk: 'p', sk: 'exact' }])).toEqual([exact])
    const more = { ...exact, sk: 'exact!' }
    await expect(store.insert([more])).rejects.toThrow('at most 409600 bytes')
    const large = Array.from({ length: 30 }, (_, i) => ({ pk: 'q', sk: `${i}`, b: new Uint8Array(350 * 1024).fill(i) }))
    expect(new Set(await store.insert(large))).toEqual(new Set(['inserted']))
    const found = await store.get(large.map(({ pk, sk }) => ({ pk, sk })))
    expect(found.every((item, i) => Buffer.compare(item!.b as Uint8Array, large[i]!.b) === 0)).toBe(true)
    await store.close()
  })

  it('does not take the item at the end of a range for the last one before it', async () => {
    const store = await open()
    await store.insert(['a', 'b', 'c'].map((sk) => ({ pk: 'p', sk })))
    const page = await store.query({ pk: 'p', from: 'a', to: 'c', descending: true, limit: 1 })
    expect(page.items).toEqual([{ pk: 'p', sk: 'b' }])
    expect((await store.query({ pk: 'p', from: '', to: 'b' })).items).toEqual([{ pk: 'p', sk: 'a' }])
    await store.close()
  })
})
