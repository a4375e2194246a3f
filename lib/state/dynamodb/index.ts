import { load } from '../../aws/load.js'
import { checkOptions } from '../../base/index.js'
import type { StateStore } from '../../ports/index.js'
import type { DynamoDBStoreOptions } from './options.js'

export type { DynamoDBStoreOptions } from './options.js'

/**
 * A store in a DynamoDB table with the keys `pk` and `sk`, both strings, and `ttl` as its time to live (`millrace table
 * create` makes one).
 *
 * An acknowledged write is durable in DynamoDB. A call whose outcome is unknown (a timeout after it was sent, a reset,
 * a 5xx) is tried again and read back: a condition that failed because an earlier attempt of the same call had
 * succeeded counts as success. Where another has changed the item since, that cannot be told, and the call counts as
 * refused. A write that is given up on says `throttled` only if what it still lacked was throttled each time, else
 * `unknown-outcome`.
 *
 * @throws {ConfigError} `missing-package` here; `not-found`, `no-permission`, `no-credentials`, `bad-credentials` and
 * `no-region` from its calls
 * @example
 * const store = await dynamodbStore('millrace-state', { region: 'eu-west-1' })
 */
export async function dynamodbStore(table: string, options: DynamoDBStoreOptions = {}): Promise<StateStore> {
  checkOptions(`dynamodbStore("${table}")`, options, {
    region: true,
    endpoint: true,
    requestTimeoutMs: true,
    client: true,
    retries: true,
    partiql: true,
  })
  const { DynamoDBStore } = await load('The DynamoDB store', '@aws-sdk/client-dynamodb', () => import('./store.js'))
  return new DynamoDBStore(table, options)
}
