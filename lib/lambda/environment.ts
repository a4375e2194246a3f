import { ConfigError, shown } from '../base/index.js'

/**
 * The environment variables of a deployed function. The stack writes them and the function reads them, both by these
 * names. Values that are JSON hold plain data by logical name.
 */
export const VARIABLES = {
  /** `dynamodb:TABLE`, `memory`, or `lmdb:DIRECTORY` if there is only one container. */
  state: 'MILLRACE_STATE',
  /** JSON: the physical resource of each source. */
  sources: 'MILLRACE_SOURCES',
  /**
   * JSON: a DynamoDB table or `s3://BUCKET/PREFIX`, for each sink whose physical name differs from its logical one, or
   * that uses something other than a table on a laptop.
   */
  sinks: 'MILLRACE_SINKS',
  /** The URL of the SQS queue that invokes `advance`. Without one, the next tick does what ingest had no time for. */
  queue: 'MILLRACE_QUEUE',
  /** `true` if the Kafka mapping has provisioned pollers, the only ones that accept partial responses. */
  kafkaPartialAnswers: 'MILLRACE_KAFKA_PARTIAL_ANSWERS',
  /** The name in logs and metrics. Default: the pipeline's name. */
  deployment: 'MILLRACE_DEPLOYMENT',
  /** The run, a whole number from 1. Default 1. */
  run: 'MILLRACE_RUN',
} as const

/** The JSON object in a variable; an empty object if the variable is not set. */
export function objectIn(name: string, example: string): Readonly<Record<string, unknown>> {
  const text = process.env[name]
  if (text === undefined || text === '') return {}
  try {
    const parsed: unknown = JSON.parse(text)
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed))
      return parsed as Readonly<Record<string, unknown>>
  } catch {
    // Reported below.
  }
  throw new ConfigError('bad-environment', `${name} must be a JSON object by logical name, such as ${example}.`)
}

/** The run whose state a function works on. */
export function runIn(text = process.env[VARIABLES.run]): number {
  if (text === undefined || text === '') return 1
  const run = Number(text)
  if (Number.isSafeInteger(run) && run > 0) return run
  throw new ConfigError('bad-environment', `${VARIABLES.run} must be a whole number from 1; it is ${shown(text)}.`)
}

/** Whether a variable is `true`. It is false if the variable is not set. */
export function isSet(name: string): boolean {
  const text = process.env[name]
  if (text === undefined || text === '' || text === 'false') return false
  if (text === 'true') return true
  throw new ConfigError('bad-environment', `${name} must be true or false; it is ${shown(text)}.`)
}
