import { ConfigError, MillraceError, messageOf } from '../base/index.js'

/**
 * What is known about a failed call. `throttled`: it had no effect. `unknown`: it may have had its effect, or may still
 * have it. `refused`: it had no effect, and the same call will be refused again.
 */
export type Failure = 'throttled' | 'unknown' | 'refused'

/** Codes of errors and of members of a batch, without the suffix `Exception`. */
const THROTTLED = new Set([
  'ProvisionedThroughputExceeded',
  'Throttling',
  'ThrottlingError',
  'Throttled',
  'RequestLimitExceeded',
  'RequestThrottled',
  'LimitExceeded',
  'TooManyRequests',
  'TransactionConflict',
  'ReplicatedWriteConflict',
  'KMSThrottling',
  // Codes of S3.
  'SlowDown',
  'OperationAborted',
  'ConditionalRequestConflict',
  'KMS.Throttling',
  // The client corrects its clock by the response.
  'RequestTimeTooSkewed',
])
/** S3 reports `RequestTimeout` if a request body arrived too slowly. */
const UNKNOWN = new Set([
  'InternalServerError',
  'InternalFailure',
  'ServiceUnavailable',
  'InternalServer',
  'RequestTimeout',
])

/** The fields of the SDK's errors that are used here. */
interface ServiceError extends Error {
  readonly code?: string
  readonly $fault?: 'client' | 'server'
  readonly $metadata?: { readonly httpStatusCode?: number }
}

/** The name of an error or the code of a member, without `Exception`. */
export const codeOf = (name: string): string => name.replace(/Exception$/, '')

/** Classifies the code of a member of a batch. */
export function judgeCode(code: string): Failure {
  const plain = codeOf(code)
  if (THROTTLED.has(plain)) return 'throttled'
  return UNKNOWN.has(plain) ? 'unknown' : 'refused'
}

/** Classifies the error of a whole call. Without a response, the outcome of the call is unknown. */
export function judgeError(thrown: unknown): Failure {
  const error = thrown as ServiceError
  if (judgeCode(error.name) !== 'refused') return judgeCode(error.name)
  if (isCredentials(error) || error.name === 'PermanentRedirect') return 'refused'
  const status = error.$metadata?.httpStatusCode
  // A successful response that was cut off is worth no more than a missing one.
  if (status === undefined || status < 400 || status >= 500) return 'unknown'
  return status === 429 ? 'throttled' : 'refused'
}

function isCredentials(error: ServiceError): boolean {
  return error.name === 'CredentialsProviderError' || /^Region is missing/.test(error.message)
}

/** Whether an error reports that the service lacks PartiQL, as older emulators do. */
export const lacksPartiql = (thrown: unknown): boolean =>
  ['UnknownOperation', 'NotImplemented'].includes(codeOf((thrown as Error).name))

/**
 * Explains a refusal in one sentence to the operator. A `MillraceError` is returned unchanged. `what` names the
 * resource: `The table "state"`.
 */
export function refusal(thrown: unknown, what: string, where: string): MillraceError {
  if (thrown instanceof MillraceError) return thrown
  const error = thrown as ServiceError
  const cause = { cause: thrown }
  switch (codeOf(error.name)) {
    case 'ResourceNotFound':
    case 'NoSuchBucket':
      return new ConfigError(
        'not-found',
        `${what} does not exist ${where}. Check its name, the region and the account, or create it.`,
        cause,
      )
    case 'PermanentRedirect':
      return new ConfigError(
        'wrong-region',
        `${what} is in another region, not ${where}. Give the region that it is in.`,
        cause,
      )
    case 'AccessDenied':
      return new ConfigError('no-permission', `${what} refuses the call ${where}: ${firstLine(error)}`, cause)
    case 'CredentialsProviderError':
      return new ConfigError(
        'no-credentials',
        `There are no AWS credentials to reach ${lower(what)} with ${where}: ${firstLine(error)} Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile.`,
        cause,
      )
    case 'UnrecognizedClient':
    case 'InvalidSignature':
    case 'IncompleteSignature':
    case 'ExpiredToken':
    case 'MissingAuthenticationToken':
    case 'InvalidClientTokenId':
    case 'InvalidAccessKeyId':
    case 'SignatureDoesNotMatch':
      return new ConfigError(
        'bad-credentials',
        `The AWS credentials are not accepted for ${lower(what)} ${where}: ${firstLine(error)}`,
        cause,
      )
  }
  if (/^Region is missing/.test(error.message)) {
    return new ConfigError('no-region', `No AWS region is set for ${lower(what)}. Set AWS_REGION.`, cause)
  }
  return new MillraceError('refused', `${what} refuses a call ${where}: ${error.name}: ${firstLine(error)}`, cause)
}

const lower = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1)

function firstLine(error: Error): string {
  const [line = ''] = messageOf(error).split('\n')
  return line.endsWith('.') ? line : `${line}.`
}
