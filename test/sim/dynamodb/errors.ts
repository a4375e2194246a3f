import {
  ConditionalCheckFailedException,
  DynamoDBServiceException,
  InternalServerError,
  ProvisionedThroughputExceededException,
  RequestLimitExceeded,
  ResourceNotFoundException,
  ThrottlingException,
  TransactionConflictException,
} from '@aws-sdk/client-dynamodb'
import type { Values } from './values.js'

/**
 * Which way a call went: all of the SDK's middleware, or the short one of `lib/aws/dynamodb-shortcut.ts`. Their errors
 * look different.
 */
export type Way = 'whole' | 'short'

const CLASSES = {
  ConditionalCheckFailedException,
  InternalServerError,
  ProvisionedThroughputExceededException,
  RequestLimitExceeded,
  ResourceNotFoundException,
  ThrottlingException,
  TransactionConflictException,
} as const

const ONE_ATTEMPT = { attempts: 1, totalRetryDelay: 0 }

/** A refusal of the service, before it is known which way it goes back. It is no Error yet. */
export class Refusal {
  readonly name: string
  readonly message: string
  readonly status: number
  readonly item: Values | undefined

  constructor(name: string, message: string, { status = 400, item }: { status?: number; item?: Values } = {}) {
    this.name = name
    this.message = message
    this.status = status
    this.item = item
  }
}

export const invalid = (message: string): Refusal => new Refusal('ValidationException', message)
export const tooLarge = (): Refusal => new Refusal('Unknown', 'UnknownError', { status: 413 })

/** Errors of a service come by the thousand. Their stack is most of what they cost, and says nothing. */
function withoutStack<E extends Error>(make: () => E): E {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 0
  try {
    return make()
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
}

/** A refusal as the client throws it. What the short way is refused for good goes the whole way once more. */
export const answerError = (refusal: Refusal, way: Way): Error => withoutStack(() => sdkError(refusal, way))

function sdkError({ name, message, status, item }: Refusal, way: Way): Error {
  const isFinal = status < 500 && !(name in CLASSES)
  const isWhole = way === 'whole' || isFinal || name === 'ResourceNotFoundException'
  const $metadata = { httpStatusCode: status, ...(isWhole && { requestId: 'simulated', ...ONE_ATTEMPT }) }
  const given = { message, $metadata, ...(item !== undefined && { Item: item }) }
  if (name === 'ConditionalCheckFailedException') return new ConditionalCheckFailedException(given)
  const Class = isWhole ? CLASSES[name as keyof typeof CLASSES] : undefined
  if (Class !== undefined) return new Class(given)
  return new DynamoDBServiceException({ name, message, $metadata, $fault: status < 500 ? 'client' : 'server' })
}

/** What stands before the service answers with no JSON of DynamoDB's. */
export function proxyError(way: Way): Error {
  if (way === 'short') return answerError(new Refusal('UnknownError', 'The service answers 503.', { status: 503 }), way)
  return cutError(way, 503)
}

/** An answer that is no JSON. */
export function cutError(way: Way, status = 200): Error {
  const error = withoutStack(() => new SyntaxError('Unexpected end of JSON input'))
  const $metadata = { httpStatusCode: status, requestId: 'simulated', ...ONE_ATTEMPT }
  return way === 'short' ? error : Object.assign(error, { $metadata })
}

/** How the SDK's handler says that there is no answer; it calls some of these a TimeoutError. */
export const LOST = {
  reset: { name: 'TimeoutError', code: 'ECONNRESET', message: 'socket hang up' },
  pipe: { name: 'TimeoutError', code: 'EPIPE', message: 'write EPIPE' },
  refused: { name: 'Error', code: 'ECONNREFUSED', message: 'connect ECONNREFUSED 127.0.0.1:443' },
  address: { name: 'Error', code: 'ENOTFOUND', message: 'getaddrinfo ENOTFOUND dynamodb.eu-west-1.amazonaws.com' },
  request: {
    name: 'TimeoutError',
    code: 'ETIMEDOUT',
    message: 'a request has exceeded the configured requestTimeout.',
  },
  socket: { name: 'TimeoutError', code: undefined, message: 'the request socket timed out' },
  connect: { name: 'TimeoutError', code: undefined, message: 'the request socket did not establish a connection' },
} as const

export function lostError(kind: keyof typeof LOST, way: Way): Error {
  const { name, code, message } = LOST[kind]
  const error = withoutStack(() => new Error(message))
  return Object.assign(error, { name, ...(code && { code }), ...(way === 'whole' && { $metadata: ONE_ATTEMPT }) })
}

/** What the adapter asks for and this service does not know: a refusal that no retry hides. */
export class NotSimulated extends Error {
  override readonly name = 'NotSimulatedException'
  readonly $metadata = { httpStatusCode: 400 }
}

/** Refuses an input that has more than the simulation knows of. */
export function expectOnly(input: object, known: ReadonlySet<string>): void {
  for (const name in input) {
    if (known.has(name) || (input as Record<string, unknown>)[name] === undefined) continue
    throw new NotSimulated(`The simulated DynamoDB does not know the parameter ${name}.`)
  }
}
