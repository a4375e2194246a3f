import { ConfigError } from '../../base/index.js'
import { defaultServicesFolder, servicesEnvironment } from '../services/services.js'

/** The location of AWS and Kafka: the account's own endpoints by default, or others. */
export interface PlaceFlags {
  /** Endpoint of DynamoDB. */
  readonly endpoint?: string
  readonly region?: string
  /** The directory of `millrace services up`; `true` stands for the default one. */
  readonly services?: string | true
}

/**
 * Checks the flags, and puts them into the environment variables that clients read. Returns the options of a DynamoDB
 * client.
 */
export function usePlace(flags: PlaceFlags): { endpoint?: string; region?: string } {
  if (flags.endpoint !== undefined && !URL.canParse(flags.endpoint)) {
    throw new ConfigError(
      'bad-endpoint',
      `--endpoint must be a URL such as http://127.0.0.1:8000; it is ${JSON.stringify(flags.endpoint)}.`,
    )
  }
  if (flags.services !== undefined) {
    const folder = flags.services === true ? defaultServicesFolder : flags.services
    Object.assign(process.env, servicesEnvironment(folder))
  }
  // Sinks read the environment, so that tables of results are at the same endpoint as the state table.
  if (flags.endpoint !== undefined) process.env.AWS_ENDPOINT_URL_DYNAMODB = flags.endpoint
  if (flags.region !== undefined) process.env.AWS_REGION = flags.region
  return {
    ...(flags.endpoint !== undefined && { endpoint: flags.endpoint }),
    ...(flags.region !== undefined && { region: flags.region }),
  }
}
