import type { DynamoDBOptions } from '../../aws/dynamodb-client.js'
import type { RetryBudget } from '../../aws/retry.js'

export interface DynamoDBStoreOptions extends DynamoDBOptions {
  /** How often and how long a call is retried before the batch is given back. Default: 10 attempts in 12 s. */
  readonly retries?: RetryBudget
  /**
   * Whether the service supports PartiQL. Default true. If the service reports that it does not, single conditional
   * puts are used instead.
   */
  readonly partiql?: boolean
}
