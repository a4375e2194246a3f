import { S3Client } from '@aws-sdk/client-s3'

export interface S3Options {
  /** Default: AWS_REGION. */
  readonly region?: string
  /** A local S3; default: AWS_ENDPOINT_URL_S3, or the region's. */
  readonly endpoint?: string
}

const CONNECTION_TIMEOUT_MS = 1_000
/** Of a whole object, which may have some MB. */
const REQUEST_TIMEOUT_MS = 5_000

/** A client that tries once and gives up in time; who calls says how often a call is repeated. */
export function s3Client({ region, endpoint }: S3Options): S3Client {
  const local = localEndpoint(endpoint)
  return new S3Client({
    ...(region !== undefined && { region }),
    // A local service has no names of its own for buckets.
    ...(local !== undefined && { endpoint: local, forcePathStyle: true }),
    requestHandler: {
      connectionTimeout: CONNECTION_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      throwOnRequestTimeout: true,
      socketTimeout: REQUEST_TIMEOUT_MS,
    },
    maxAttempts: 1,
  })
}

/** Where a client of these options looks, for messages. */
export function s3Place({ region = process.env.AWS_REGION, endpoint }: S3Options): string {
  const local = localEndpoint(endpoint)
  if (local !== undefined) return `at ${local}`
  return region === undefined ? 'in the default region' : `in ${region}`
}

function localEndpoint(endpoint: string | undefined): string | undefined {
  const { AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL } = process.env
  return endpoint ?? AWS_ENDPOINT_URL_S3 ?? AWS_ENDPOINT_URL
}
