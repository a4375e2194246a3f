import { setTimeout as sleep } from 'node:timers/promises'
import {
  CreateTableCommand,
  DescribeTableCommand,
  type DynamoDBClient,
  ResourceInUseException,
  ResourceNotFoundException,
  type TableDescription,
  UpdateContinuousBackupsCommand,
  UpdateTimeToLiveCommand,
} from '@aws-sdk/client-dynamodb'
import { type DynamoDBOptions, dynamodbClient, placeOf } from '../../aws/dynamodb-client.js'
import { codeOf, refusal } from '../../aws/failure.js'
import { RETRY_BUDGET, Retries, untilAnswered } from '../../aws/retry.js'
import { ConfigError, MillraceError } from '../../base/index.js'

/** The properties of a state table. */
export interface TableFacts {
  readonly table: string
  readonly where: string
  readonly status: string
  readonly keys: string
  readonly billing: string
  /** As DynamoDB last counted them, which it does about every six hours. */
  readonly items: number
  readonly bytes: number
}

const ACTIVE_MS_MAX = 120_000
const LOOK_MS = 250

/** What is wrong with the keys of a table that is to hold state; undefined if nothing is. */
function keyFault(table: TableDescription): string | undefined {
  const found = keysOf(table)
  return found === 'pk (S), sk (S)'
    ? undefined
    : `has the keys ${found}, but a state table needs pk (S), sk (S). Use another table, or create one with "millrace table create".`
}

function keysOf({ KeySchema = [], AttributeDefinitions = [] }: TableDescription): string {
  return KeySchema.map(({ AttributeName }) => {
    const type = AttributeDefinitions.find((definition) => definition.AttributeName === AttributeName)?.AttributeType
    return `${AttributeName} (${type})`
  }).join(', ')
}

/**
 * Creates a state table, billed on demand, with `ttl` and point-in-time recovery. An existing table with the right keys
 * is left as it is.
 *
 * @throws {ConfigError} if a table with that name has other keys
 */
export async function createTable(table: string, options: DynamoDBOptions = {}): Promise<'created' | 'exists'> {
  return await withClient(table, options, async (client) => {
    const isNew = await create(client, table)
    const until = performance.now() + ACTIVE_MS_MAX
    let description = await describe(client, table)
    while (description?.TableStatus !== 'ACTIVE') {
      if (performance.now() > until) {
        throw new MillraceError('slow-table', `The table "${table}" was not active after ${ACTIVE_MS_MAX / 1000} s.`)
      }
      await sleep(LOOK_MS)
      description = await describe(client, table)
    }
    const fault = keyFault(description)
    if (fault !== undefined) throw new ConfigError('bad-table', `The table "${table}" ${fault}`)
    if (isNew) await settle(client, table)
    return isNew ? 'created' : 'exists'
  })
}

/** @throws {ConfigError} if the table does not exist, or has other keys than a state table */
export async function describeTable(table: string, options: DynamoDBOptions = {}): Promise<TableFacts> {
  return await withClient(table, options, async (client) => {
    const { Table } = await client.send(new DescribeTableCommand({ TableName: table }))
    const fault = keyFault(Table!)
    if (fault !== undefined) throw new ConfigError('bad-table', `The table "${table}" ${fault}`)
    return {
      table,
      where: placeOf(options),
      status: Table!.TableStatus!,
      keys: keysOf(Table!),
      billing: Table!.BillingModeSummary?.BillingMode === 'PAY_PER_REQUEST' ? 'on demand' : 'provisioned',
      items: Table!.ItemCount ?? 0,
      bytes: Table!.TableSizeBytes ?? 0,
    }
  })
}

async function withClient<R>(
  table: string,
  options: DynamoDBOptions,
  work: (client: DynamoDBClient) => Promise<R>,
): Promise<R> {
  const client = dynamodbClient(options)
  const retries = new Retries(`A call for the table "${table}" ${placeOf(options)}`, RETRY_BUDGET)
  try {
    return await untilAnswered(retries, () => work(client))
  } catch (error) {
    throw refusal(error, `The table "${table}"`, placeOf(options))
  } finally {
    client.destroy()
  }
}

async function create(client: DynamoDBClient, table: string): Promise<boolean> {
  try {
    await client.send(
      new CreateTableCommand({
        TableName: table,
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: [
          { AttributeName: 'pk', AttributeType: 'S' },
          { AttributeName: 'sk', AttributeType: 'S' },
        ],
        KeySchema: [
          { AttributeName: 'pk', KeyType: 'HASH' },
          { AttributeName: 'sk', KeyType: 'RANGE' },
        ],
      }),
    )
    return true
  } catch (error) {
    if (error instanceof ResourceInUseException) return false
    throw error
  }
}

async function describe(client: DynamoDBClient, table: string): Promise<TableDescription | undefined> {
  try {
    return (await client.send(new DescribeTableCommand({ TableName: table }))).Table
  } catch (error) {
    // The table has just been created, and not every DynamoDB node knows it yet.
    if (error instanceof ResourceNotFoundException) return undefined
    throw error
  }
}

async function settle(client: DynamoDBClient, table: string): Promise<void> {
  await client.send(
    new UpdateTimeToLiveCommand({
      TableName: table,
      TimeToLiveSpecification: { AttributeName: 'ttl', Enabled: true },
    }),
  )
  try {
    await client.send(
      new UpdateContinuousBackupsCommand({
        TableName: table,
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
      }),
    )
  } catch (error) {
    // DynamoDB Local has no backups.
    if (codeOf((error as Error).name) !== 'UnknownOperation') throw error
  }
}
