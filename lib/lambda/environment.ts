import { ConfigError, shown } from '../base/index.js'

/**
 * The environment variables of a deployed function. The stack writes them, the function reads them: both by these
 * names. Values that are JSON hold plain data by logical name.
 */
export const VARIABLES = {
  /** `dynamodb:TABLE`, `memory`, or `lmdb:DIRECTORY` where one container is all there is. */
  state: 'MILLRACE_STATE',
  /** JSON: what each source is outside. */
  sources: 'MILLRACE_SOURCES',
  /**
   * JSON: of each sink that has another name than its own, or that is no table on a laptop, the DynamoDB table, or
   * `s3://BUCKET/PREFIX`.
   */
  sinks: 'MILLRACE_SINKS',
  /** The URL of the SQS queue that invokes advance; without one the next tick does what ingest had no time for. */
  queue: 'MILLRACE_QUEUE',
  /** `true` where the Kafka mapping has provisioned pollers, which alone take partial answers. */
  kafkaPartialAnswers: 'MILLRACE_KAFKA_PARTIAL_ANSWERS',
  /** What logs and metrics call it. Default: the pipeline's name. */
  deployment: 'MILLRACE_DEPLOYMENT',
  /** The run, a whole number from 1. Default 1. */
  run: 'MILLRACE_RUN',
} as const

/** The JSON object that a variable holds; an empty one where it is not set. */
export function objectIn(name: string, example: string): Readonly<Record<string, unknown>> {
  const text = process.env[name]
  if (text === undefined || text === '') return {}
  try {
    const parsed: unknown = JSON.parse(text)
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed))
      return parsed as Readonly<Record<string, unknown>>
  } catch {
    // Said below.
  }
  throw new ConfigError('bad-environment', `${name} is JSON of an object by logical name, such as ${example}.`)
}

/** The run of the state that a function works on. */
export function runIn(text = process.env[VARIABLES.run]): number {
  if (text === undefined || text === '') return 1
  const run = Number(text)
  if (Number.isSafeInteger(run) && run > 0) return run
  throw new ConfigError('bad-environment', `${VARIABLES.run} is a whole number from 1; it is ${shown(text)}.`)
}

/** A variable that is `true`, or is not set. */
export function isSet(name: string): boolean {
  const text = process.env[name]
  if (text === undefined || text === '' || text === 'false') return false
  if (text === 'true') return true
  throw new ConfigError('bad-environment', `${name} is true or false; it is ${shown(text)}.`)
}
