import {
  BatchExecuteStatementCommand,
  BatchGetItemCommand,
  DescribeTableCommand,
  PutItemCommand,
  QueryCommand,
} from '@aws-sdk/client-dynamodb'
import { describe, expect, it } from 'vitest'
import { insertText } from '../../../lib/state/dynamodb/expressions.js'
import { DYNAMODB_FAULT_KINDS, DYNAMODB_FAULTS, type DynamoDBFault } from './faults.js'
import { SeededWorld, scriptedWorld } from './seeded-world.js'
import { simulatedStore } from './simulated-store.js'
import { SimulatedTable } from './table.js'

const key = (sk: string) => ({ pk: { S: 'p' }, sk: { S: sk } })
const put = (sk: string, n: number) =>
  new PutItemCommand({ TableName: 'state', Item: { ...key(sk), n: { N: `${n}` } } })
const read = (ConsistentRead: boolean, ...sks: string[]) =>
  new BatchGetItemCommand({ RequestItems: { state: { Keys: sks.map(key), ConsistentRead } } })
const page = (ConsistentRead: boolean) =>
  new QueryCommand({
    TableName: 'state',
    KeyConditionExpression: '#0 = :0 AND #1 < :1',
    ExpressionAttributeNames: { '#0': 'pk', '#1': 'sk' },
    ExpressionAttributeValues: { ':0': { S: 'p' }, ':1': { S: 'z' } },
    ConsistentRead,
  })

const always = (kind: DynamoDBFault) => {
  const world = new SeededWorld(1, { [kind]: 1 })
  const table = new SimulatedTable()
  return { world, table, client: table.client(world.caller()) }
}

describe('the simulated DynamoDB', () => {
  it('shows older versions to whoever does not read strongly, and only to them', async () => {
    const { client } = always('ddb-stale-read')
    for (let n = 0; n < 20; n++) await client.send(put('a', n))
    await client.send(put('b', 0))
    const seen = new Set<string | undefined>()
    for (let i = 0; i < 200; i++) {
      const { Responses } = await client.send(read(false, 'a'))
      seen.add(Responses!.state![0]?.n?.N)
      expect((await client.send(read(true, 'a'))).Responses!.state![0]!.n).toEqual({ N: '19' })
      expect((await client.send(page(true))).Items).toHaveLength(2)
      // What is seen of a page is of one moment: the newest item is seen last.
      expect((await client.send(page(false))).Items).toHaveLength(1)
    }
    // Before each of the last eight writes: of b, then of a.
    expect([...seen].sort()).toEqual(['12', '13', '14', '15', '16', '17', '18', '19'])
  })

  it('lets a write that is held land later, after others', async () => {
    const { client, table, world } = always('ddb-hold')
    await expect(client.send(put('a', 1))).rejects.toThrow()
    expect(table.item({ pk: 'p', sk: 'a' })).toBeUndefined()
    await table.client(new SeededWorld(1).caller()).send(put('a', 2))
    world.release()
    expect(table.item({ pk: 'p', sk: 'a' })?.n).toEqual({ N: '1' })
  })

  it.each(['ddb-throttle-long', 'ddb-unprocessed-long'] as const)('%s outlasts the tries of a call', async (kind) => {
    for (let seed = 1; seed <= 20; seed++) {
      const store = simulatedStore(new SimulatedTable(), scriptedWorld(seed, kind))
      await expect(store.get([{ pk: 'p', sk: 'a' }])).rejects.toMatchObject({ code: 'throttled' })
      expect(store.usage().requests).toBe(10)
    }
  })

  it('cuts an answer at 16 MB, and refuses a longer request', async () => {
    const world = new SeededWorld(1)
    const table = new SimulatedTable()
    const store = simulatedStore(table, world.caller())
    const b = new Uint8Array(390 * 1024)
    const items = Array.from({ length: 60 }, (_, i) => ({ pk: 'p', sk: `${i}`, b }))
    await store.insert(items)
    const keys = items.map(({ sk }) => key(sk))
    const command = new BatchGetItemCommand({ RequestItems: { state: { Keys: keys, ConsistentRead: true } } })
    const { Responses, UnprocessedKeys } = await table.client(world.caller()).send(command)
    expect([Responses!.state!.length, UnprocessedKeys!.state!.Keys!.length]).toEqual([42, 18])
    expect((await store.get(items.map(({ pk, sk }) => ({ pk, sk })))).filter(Boolean)).toHaveLength(60)
    const Statements = Array.from({ length: 25 }, (_, i) => ({
      Statement: insertText('state', { pk: 'q', sk: '', b: '' }),
      Parameters: [{ S: 'q' }, { S: `${i}` }, { B: new Uint8Array(700 * 1024) }],
    }))
    const longer = table.client(world.caller()).send(new BatchExecuteStatementCommand({ Statements }))
    await expect(longer).rejects.toMatchObject({ $metadata: { httpStatusCode: 413 } })
  })

  it('says loudly what it does not know: nobody tries that again', async () => {
    const table = new SimulatedTable()
    const client = table.client(new SeededWorld(1).caller())
    const unknown = { name: 'NotSimulatedException', $metadata: { httpStatusCode: 400 } }
    await expect(client.send(new DescribeTableCommand({ TableName: 'state' }))).rejects.toMatchObject(unknown)
    const filtered = new QueryCommand({ ...page(true).input, FilterExpression: 'n = :n' })
    await expect(client.send(filtered)).rejects.toMatchObject(unknown)
    for (const ConditionExpression of ['size(pk) > :0', 'attribute_exists(pk) OR attribute_exists(sk)']) {
      const command = new PutItemCommand({ TableName: 'state', Item: key('a'), ConditionExpression })
      await expect(client.send(command)).rejects.toMatchObject(unknown)
    }
    client.destroy()
    await expect(client.send(page(true))).rejects.toMatchObject(unknown)
  })

  it('has a sentence for each of its faults', () => {
    expect(Object.isFrozen(DYNAMODB_FAULT_KINDS) && Object.isFrozen(DYNAMODB_FAULTS)).toBe(true)
    for (const kind of DYNAMODB_FAULT_KINDS)
      expect([kind, DYNAMODB_FAULTS[kind]]).toEqual([
        expect.stringMatching(/^ddb-[a-z0-9-]+$/),
        expect.stringMatching(/^[A-Z].*\.$/),
      ])
  })
})
