import { ConfigError, MillraceError, messageOf } from '../base/index.js'

/**
 * What is known of a call that failed. `throttled`: it had no effect. `unknown`: it may have had its effect, or may
 * have it yet. `refused`: it had none, and the same call will have none.
 */
export type Failure = 'throttled' | 'unknown' | 'refused'

/** Codes of errors and of members of a batch, without the `Exception` at their end. */
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
  // S3's.
  'SlowDown',
  'OperationAborted',
  'ConditionalRequestConflict',
  'KMS.Throttling',
  // The client corrects its clock by the answer.
  'RequestTimeTooSkewed',
])
/** S3 says by `RequestTimeout` that a body came too slowly. */
const UNKNOWN = new Set([
  'InternalServerError',
  'InternalFailure',
  'ServiceUnavailable',
  'InternalServer',
  'RequestTimeout',
])

/** What the SDK's errors have, as far as it matters here. */
interface ServiceError extends Error {
  readonly code?: string
  readonly $fault?: 'client' | 'server'
  readonly $metadata?: { readonly httpStatusCode?: number }
}

/** The name of an error or the code of a member, without `Exception`. */
export const codeOf = (name: string): string => name.replace(/Exception$/, '')

/** What the code of a member of a batch says. */
export function judgeCode(code: string): Failure {
  const plain = codeOf(code)
  if (THROTTLED.has(plain)) return 'throttled'
  return UNKNOWN.has(plain) ? 'unknown' : 'refused'
}

/** What an error of a whole call says. Whoever has no answer does not know what became of the call. */
export function judgeError(thrown: unknown): Failure {
  const error = thrown as ServiceError
  if (judgeCode(error.name) !== 'refused') return judgeCode(error.name)
  if (isCredentials(error) || error.name === 'PermanentRedirect') return 'refused'
  const status = error.$metadata?.httpStatusCode
  // An answer that began well and was cut off says no more than none.
  if (status === undefined || status < 400 || status >= 500) return 'unknown'
  return status === 429 ? 'throttled' : 'refused'
}

function isCredentials(error: ServiceError): boolean {
  return error.name === 'CredentialsProviderError' || /^Region is missing/.test(error.message)
}

/** Whether an error says that the service has no PartiQL, as older emulators have none. */
export const lacksPartiql = (thrown: unknown): boolean =>
  ['UnknownOperation', 'NotImplemented'].includes(codeOf((thrown as Error).name))

/**
 * A refusal as a sentence for who set the system up; what is one already stays as it is. `what` names the thing that
 * was asked for: `The table "state"`.
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
      return new ConfigError('wrong-region', `${what} is in another region, and not ${where}. Give its own.`, cause)
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
    return new ConfigError('no-region', `No AWS region is set to reach ${lower(what)} in. Set AWS_REGION.`, cause)
  }
  return new MillraceError('refused', `${what} refuses a call ${where}: ${error.name}: ${firstLine(error)}`, cause)
}

const lower = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1)

function firstLine(error: Error): string {
  const [line = ''] = messageOf(error).split('\n')
  return line.endsWith('.') ? line : `${line}.`
}
