import { DynamoDBClient, type DynamoDBClientConfig } from '@aws-sdk/client-dynamodb'
import { takeShortcut } from './dynamodb-shortcut.js'
import { type Where, whereOf } from './where.js'

export interface DynamoDBOptions extends Where {
  /** Timeout of one request, ms. Default 3,000: well below a function's timeout, so that another attempt can follow. */
  readonly requestTimeoutMs?: number
  /** More settings of the client, such as credentials. */
  readonly client?: DynamoDBClientConfig
}

const CONNECTION_TIMEOUT_MS = 1_000
const REQUEST_TIMEOUT_MS = 3_000
/**
 * The settings that the shortcut honours. With any other setting (a logger, an extension) calls go through the SDK's
 * middleware.
 */
const PLAIN_SETTINGS: ReadonlySet<string> = new Set(['credentials', 'region', 'endpoint', 'requestHandler'])

/**
 * Makes a client that sends each call once, with a timeout. The caller repeats calls, because it has to know that an
 * earlier attempt may have had its effect.
 */
export function dynamodbClient(options: DynamoDBOptions): DynamoDBClient {
  const client = new DynamoDBClient({
    ...(options.region !== undefined && { region: options.region }),
    ...(options.endpoint !== undefined && { endpoint: options.endpoint }),
    requestHandler: {
      connectionTimeout: CONNECTION_TIMEOUT_MS,
      requestTimeout: options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS,
      throwOnRequestTimeout: true,
      // The request timeout only covers the time until the response headers; the body may stall too.
      socketTimeout: options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS,
    },
    // The middleware of a client does not change after its first call.
    cacheMiddleware: true,
    ...options.client,
    maxAttempts: 1,
  })
  if (Object.keys(options.client ?? {}).every((setting) => PLAIN_SETTINGS.has(setting))) takeShortcut(client)
  return client
}

/** The endpoint or region of a client with these options, for messages. */
export const placeOf = (options: DynamoDBOptions): string => whereOf('DYNAMODB', options)
