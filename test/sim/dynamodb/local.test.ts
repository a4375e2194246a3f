import { DynamoDBClient, type QueryCommand } from '@aws-sdk/client-dynamodb'
import { expect, it } from 'vitest'
import { createTable } from '../../../lib/state/dynamodb/table.js'
import { draws } from '../../draws.js'
import { describeLive } from '../../services/local.js'
import { Commands, NO_TABLE, TABLE } from './commands.js'
import { SeededWorld } from './seeded-world.js'
import { SimulatedTable } from './table.js'
import type { Values } from './values.js'

/** Enough to meet every outcome of every command. */
const COMMANDS = draws(400, 1_000)

/** What a call gives, or how it fails, without the words of a message. */
async function outcome(client: Pick<DynamoDBClient, 'send'>, command: object): Promise<Record<string, any>> {
  try {
    return comparable(await client.send(command as QueryCommand))
  } catch (error) {
    const { name, $fault, $metadata, Item } = error as Error & { $fault: string; $metadata: object; Item?: Values }
    return {
      name,
      $fault,
      status: ($metadata as { httpStatusCode: number }).httpStatusCode,
      Item: Item && numbers(Item),
    }
  }
}

/** A full page may say where to go on though nothing follows. */
function dropNeedless(theirs: Record<string, any>, ours: Record<string, any>): void {
  const { Items = [], LastEvaluatedKey: last } = theirs
  if (last === undefined || ours.LastEvaluatedKey !== undefined) return
  expect(Items.at(-1)).toMatchObject(last)
  delete theirs.LastEvaluatedKey
}

function comparable({ $metadata, ...answer }: Record<string, any>): Record<string, any> {
  if (Array.isArray(answer.Responses))
    return { codes: answer.Responses.map(({ Error: error }) => error?.Code ?? 'done') }
  if (answer.Responses !== undefined) {
    const items: Values[] = answer.Responses[TABLE].map(numbers)
    return { items: items.sort((a, b) => (JSON.stringify([a.pk, a.sk]) < JSON.stringify([b.pk, b.sk]) ? -1 : 1)) }
  }
  if (answer.Items !== undefined) return { ...answer, Items: answer.Items.map(numbers) }
  return answer.Attributes === undefined ? answer : { ...answer, Attributes: numbers(answer.Attributes) }
}

/** DynamoDB writes numbers its own way. */
const numbers = (item: Values): Values =>
  Object.fromEntries(
    Object.entries(item).map(([name, value]) => [name, value.N === undefined ? value : { N: String(Number(value.N)) }]),
  )

describeLive('the simulated DynamoDB beside DynamoDB Local', ['dynamodb'], (services) => {
  it('gives what it gives, refuses what it refuses', async () => {
    const endpoint = services.endpoint('dynamodb')
    await createTable(TABLE, { endpoint })
    const local = new DynamoDBClient({ endpoint, maxAttempts: 1 })
    const simulated = new SimulatedTable(TABLE).client(new SeededWorld(1).caller())
    const commands = new Commands(1)
    const met = new Map<string, number>()
    for (let i = 0; i < COMMANDS; i++) {
      const command = commands.next()
      const [theirs, ours] = [await outcome(local, command), await outcome(simulated, command)]
      dropNeedless(theirs, ours)
      const text = JSON.stringify(command.input, shortened)
      // Of two things that are wrong either may be named.
      if (text.includes(NO_TABLE) && theirs.name !== undefined && ours.name !== undefined) ours.name = theirs.name
      expect(ours, `${i}: ${text}`).toEqual(theirs)
      const kind = `${command.constructor.name} ${theirs.name ?? 'answered'}`
      met.set(kind, (met.get(kind) ?? 0) + 1)
    }
    expect([...met.keys()].sort()).toEqual(MET)
    local.destroy()
  })
})

const MET = [
  ...['BatchExecuteStatementCommand ValidationException', 'BatchExecuteStatementCommand answered'],
  ...['BatchGetItemCommand ResourceNotFoundException', 'BatchGetItemCommand ValidationException'],
  ...['BatchGetItemCommand answered', 'PutItemCommand ConditionalCheckFailedException'],
  ...['PutItemCommand ResourceNotFoundException', 'PutItemCommand ValidationException', 'PutItemCommand answered'],
  ...['QueryCommand ResourceNotFoundException', 'QueryCommand ValidationException', 'QueryCommand answered'],
  ...['UpdateItemCommand ConditionalCheckFailedException', 'UpdateItemCommand ResourceNotFoundException'],
  ...['UpdateItemCommand ValidationException', 'UpdateItemCommand answered'],
]

const shortened = (_: string, value: unknown): unknown =>
  value instanceof Uint8Array ? `${value.length} bytes` : typeof value === 'string' ? value.slice(0, 60) : value
