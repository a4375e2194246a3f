import { ConfigError } from '../../base/index.js'
import { defaultServicesFolder, servicesEnvironment } from '../services/services.js'

/** Where AWS and Kafka are: the account's own by default, or elsewhere. */
export interface PlaceFlags {
  /** Of DynamoDB. */
  readonly endpoint?: string
  readonly region?: string
  /** The folder of `millrace services up`; true stands for the default one. */
  readonly services?: string | true
}

/**
 * Takes the flags for what clients read from the environment, and checks them. Returns the options of a DynamoDB
 * client.
 */
export function usePlace(flags: PlaceFlags): { endpoint?: string; region?: string } {
  if (flags.endpoint !== undefined && !URL.canParse(flags.endpoint)) {
    throw new ConfigError(
      'bad-endpoint',
      `--endpoint is a URL such as http://127.0.0.1:8000; it is ${JSON.stringify(flags.endpoint)}.`,
    )
  }
  if (flags.services !== undefined) {
    const folder = flags.services === true ? defaultServicesFolder : flags.services
    Object.assign(process.env, servicesEnvironment(folder))
  }
  // Sinks read the environment: a table of results is where the table of state is.
  if (flags.endpoint !== undefined) process.env.AWS_ENDPOINT_URL_DYNAMODB = flags.endpoint
  if (flags.region !== undefined) process.env.AWS_REGION = flags.region
  return {
    ...(flags.endpoint !== undefined && { endpoint: flags.endpoint }),
    ...(flags.region !== undefined && { region: flags.region }),
  }
}
