import { S3Client } from '@aws-sdk/client-s3'
import { endpointOf, type Where } from './where.js'

const CONNECTION_TIMEOUT_MS = 1_000
/** For a whole object, which may have several MB. */
const REQUEST_TIMEOUT_MS = 5_000

/** Makes a client that sends each call once, with a timeout; the caller decides how often a call is repeated. */
export function s3Client(where: Where): S3Client {
  const { region } = where
  const endpoint = endpointOf('S3', where)
  return new S3Client({
    ...(region !== undefined && { region }),
    // A local service has no host names for buckets.
    ...(endpoint !== undefined && { endpoint, forcePathStyle: true }),
    requestHandler: {
      connectionTimeout: CONNECTION_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      throwOnRequestTimeout: true,
      socketTimeout: REQUEST_TIMEOUT_MS,
    },
    maxAttempts: 1,
  })
}
