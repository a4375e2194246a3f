import type { DynamoDBOptions } from '../../aws/dynamodb-client.js'
import type { RetryBudget } from '../../aws/retry.js'

export interface DynamoDBStoreOptions extends DynamoDBOptions {
  /** How often and how long a call is tried before the batch is given back. Default 10 attempts in 12 s. */
  readonly retries?: RetryBudget
  /**
   * Whether the service runs PartiQL. Default true; where it says that it does not, single conditional puts take its
   * place.
   */
  readonly partiql?: boolean
}
