import type { DynamoDBOptions } from '../../aws/dynamodb-client.js'
import { load } from '../../aws/load.js'
import type { RetryBudget } from '../../aws/retry.js'
import type { StateStore } from '../../ports/index.js'

export interface DynamoDBStoreOptions extends DynamoDBOptions {
  /** How often and how long a call is tried before the batch is given back. Default 10 attempts in 12 s. */
  readonly retries?: RetryBudget
  /** Whether the service runs PartiQL. Default true; where it says that it does not, single conditional puts take its place. */
  readonly partiql?: boolean
}

/**
 * A store in a DynamoDB table with the keys `pk` and `sk`, both strings, and `ttl` as its time to live (`millrace table create` makes one).
 *
 * An acknowledged write is durable in DynamoDB. A call whose outcome is unknown (a timeout after it was sent, a reset, a 5xx) is tried again and
 * read back: a condition that failed because an earlier attempt of the same call had succeeded counts as success.
 *
 * @throws {ConfigError} `missing-package` here; `not-found`, `no-permission`, `no-credentials`, `bad-credentials` and `no-region` from its calls
 * @example
 * const store = await dynamodbStore('millrace-state', { region: 'eu-west-1' })
 */
export async function dynamodbStore(table: string, options: DynamoDBStoreOptions = {}): Promise<StateStore> {
  const { DynamoDBStore } = await load('The DynamoDB store', '@aws-sdk/client-dynamodb', () => import('./store.js'))
  return new DynamoDBStore(table, options)
}
