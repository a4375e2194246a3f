/** The region and endpoint of a service's client. */
export interface Where {
  /** Default: AWS_REGION. */
  readonly region?: string
  /** A local service; default: AWS_ENDPOINT_URL_SERVICE, or the region's. */
  readonly endpoint?: string
}

type Service = 'DYNAMODB' | 'S3'

/** The given endpoint, or the one that the environment sets, as the SDK reads it; undefined for the region's own. */
export function endpointOf(service: Service, { endpoint }: Where): string | undefined {
  return endpoint ?? process.env[`AWS_ENDPOINT_URL_${service}`] ?? process.env.AWS_ENDPOINT_URL
}

/** The endpoint or region in words, for messages: `at http://localhost:8000`, `in eu-west-1`. */
export function whereOf(service: Service, where: Where): string {
  const endpoint = endpointOf(service, where)
  if (endpoint !== undefined) return `at ${endpoint}`
  const region = where.region ?? process.env.AWS_REGION
  return region === undefined ? 'in the default region' : `in ${region}`
}
