import { DynamoDBClient, type DynamoDBClientConfig } from '@aws-sdk/client-dynamodb'
import { takeShortcut } from './dynamodb-shortcut.js'
import { type Where, whereOf } from './where.js'

export interface DynamoDBOptions extends Where {
  /** Time for one request, ms. Default 3,000: well below a function's timeout, so that an attempt can follow. */
  readonly requestTimeoutMs?: number
  /** More settings of the client, such as credentials. */
  readonly client?: DynamoDBClientConfig
}

const CONNECTION_TIMEOUT_MS = 1_000
const REQUEST_TIMEOUT_MS = 3_000
/**
 * What the short way of a call keeps to. With any other setting (a logger, an extension) calls go the SDK's whole way.
 */
const PLAIN_SETTINGS: ReadonlySet<string> = new Set(['credentials', 'region', 'endpoint', 'requestHandler'])

/**
 * A client that tries once and gives up in time: whoever repeats a call has to know that an earlier one may have had
 * its effect.
 */
export function dynamodbClient(options: DynamoDBOptions): DynamoDBClient {
  const client = new DynamoDBClient({
    ...(options.region !== undefined && { region: options.region }),
    ...(options.endpoint !== undefined && { endpoint: options.endpoint }),
    requestHandler: {
      connectionTimeout: CONNECTION_TIMEOUT_MS,
      requestTimeout: options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS,
      throwOnRequestTimeout: true,
      // The time of a request ends with the headers of its answer; its body may stall too.
      socketTimeout: options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS,
    },
    // Nobody changes the middleware of a client after its first call.
    cacheMiddleware: true,
    ...options.client,
    maxAttempts: 1,
  })
  if (Object.keys(options.client ?? {}).every((setting) => PLAIN_SETTINGS.has(setting))) takeShortcut(client)
  return client
}

/** Where a client of these options looks, for messages. */
export const placeOf = (options: DynamoDBOptions): string => whereOf('DYNAMODB', options)
