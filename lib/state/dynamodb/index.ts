import { load } from '../../aws/load.js'
import { checkOptions } from '../../base/index.js'
import type { StateStore } from '../../ports/index.js'
import type { DynamoDBStoreOptions } from './options.js'

export type { DynamoDBStoreOptions } from './options.js'

/**
 * A store in a DynamoDB table with the string keys `pk` and `sk`, and `ttl` as its time to live
 * (`millrace table create` creates one).
 *
 * An acknowledged write is durable in DynamoDB. A call whose outcome is unknown (a timeout after it was sent, a
 * connection reset, a 5xx) is tried again and its effect is read back. If a condition failed because an earlier attempt
 * of the same call had succeeded, the call counts as successful. If another writer has changed the item since, this
 * cannot be detected, and the call counts as refused. If the store gives up on a write, the error is `throttled` only
 * if everything still missing was throttled each time; otherwise it is `unknown-outcome`.
 *
 * @throws {ConfigError} `missing-package` here; `not-found`, `no-permission`, `no-credentials`, `bad-credentials` and
 *   `no-region` from its calls
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
