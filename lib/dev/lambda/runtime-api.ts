import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Lambda limits the request and the response of a synchronous invocation to slightly more than 6 MB. */
export const PAYLOAD_BYTES_MAX = 6 * 1024 * 1024 + 100
const ROOT = '/2018-06-01/runtime/'

/** An error as a runtime reports it, and as the invoker receives it. */
export interface ErrorBody {
  readonly errorType: string
  readonly errorMessage: string
  readonly trace?: readonly string[]
}

export interface Invocation {
  readonly requestId: string
  /** The JSON of the event. */
  readonly event: string
  /** When the time of the invocation ends, ms since the epoch. */
  readonly deadlineMs: number
  readonly functionArn: string
  readonly traceId: string
}

/** The outcome of an invocation: the JSON of the answer, or an error. */
export type Outcome =
  | { readonly kind: 'response'; readonly body: string }
  | { readonly kind: 'error'; readonly error: ErrorBody }

export interface RuntimeListener {
  /** Called when the runtime asks for an invocation: it is initialized, and done with the previous one. */
  onNext(): void
  onOutcome(outcome: Outcome): void
  onInitError(error: ErrorBody): void
}

/**
 * Lambda's Runtime API for one execution environment, on a free loopback port. Calls out of order are refused, as
 * Lambda refuses them. See https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html.
 */
export class RuntimeApi {
  private readonly server: Server
  private readonly listener: RuntimeListener
  private initialised = false
  private waiting: ServerResponse | undefined
  /** The invocation that has no outcome yet. */
  private current: string | undefined

  private constructor(listener: RuntimeListener) {
    this.listener = listener
    this.server = createServer((request, response) => {
      this.handle(request, response).catch(() => response.destroy())
    })
    // The connection must survive while the environment is frozen, however long.
    this.server.keepAliveTimeout = 0
    this.server.requestTimeout = 0
    this.server.headersTimeout = 0
  }

  static async listen(listener: RuntimeListener): Promise<RuntimeApi> {
    const api = new RuntimeApi(listener)
    await new Promise<void>((resolve, reject) => {
      api.server.once('error', reject).listen(0, '127.0.0.1', resolve)
    })
    return api
  }

  /** The value of AWS_LAMBDA_RUNTIME_API. */
  get address(): string {
    return `127.0.0.1:${(this.server.address() as AddressInfo).port}`
  }

  /** Whether the runtime is waiting for an invocation. */
  get isWaiting(): boolean {
    return this.waiting !== undefined
  }

  /** Answers the pending poll of the runtime. */
  deliver(invocation: Invocation): void {
    const { waiting } = this
    this.waiting = undefined
    this.current = invocation.requestId
    waiting?.writeHead(200, {
      'Content-Type': 'application/json',
      'Lambda-Runtime-Aws-Request-Id': invocation.requestId,
      'Lambda-Runtime-Deadline-Ms': String(invocation.deadlineMs),
      'Lambda-Runtime-Invoked-Function-Arn': invocation.functionArn,
      'Lambda-Runtime-Trace-Id': invocation.traceId,
    })
    waiting?.end(invocation.event)
  }

  async close(): Promise<void> {
    this.server.closeAllConnections()
    await new Promise((resolve) => this.server.close(resolve))
  }

  private async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url?.startsWith(ROOT) ? request.url.slice(ROOT.length) : ''
    const sent = await sentIn(request)
    const [, id, what] = /^invocation\/([^/]+)\/(response|error)$/.exec(path) ?? []
    if (request.method === 'GET' && path === 'invocation/next') this.next(response)
    else if (request.method === 'POST' && path === 'init/error') this.initError(sent, response)
    else if (request.method === 'POST' && id !== undefined) this.outcome(id, what === 'error', sent, response)
    else refuse(response, 404, 'NotFound', `There is no ${request.method} ${request.url}.`)
  }

  private next(response: ServerResponse): void {
    if (this.waiting !== undefined || this.current !== undefined) {
      refuse(response, 403, 'InvalidStateTransition', 'The previous invocation has no outcome yet.')
      return
    }
    this.initialised = true
    this.waiting = response
    this.listener.onNext()
  }

  private initError(sent: Sent, response: ServerResponse): void {
    if (this.initialised) {
      refuse(response, 403, 'InvalidStateTransition', 'The runtime is already initialized.')
      return
    }
    this.listener.onInitError(errorOf(sent))
    accept(response)
  }

  private outcome(id: string, isError: boolean, sent: Sent, response: ServerResponse): void {
    if (this.current !== decodeURIComponent(id)) {
      refuse(response, 400, 'InvalidRequestID', 'Invalid request ID')
      return
    }
    this.current = undefined
    if (isError) {
      this.listener.onOutcome({ kind: 'error', error: errorOf(sent) })
    } else if (sent.bytes > PAYLOAD_BYTES_MAX) {
      const errorMessage = `Response payload size exceeded maximum allowed payload size (${PAYLOAD_BYTES_MAX} bytes).`
      const error = { errorType: 'Function.ResponseSizeTooLarge', errorMessage }
      this.listener.onOutcome({ kind: 'error', error })
      refuse(response, 413, 'RequestEntityTooLarge', errorMessage)
      return
    } else {
      this.listener.onOutcome({ kind: 'response', body: sent.body })
    }
    accept(response)
  }
}

/** What a runtime sent. If the body is over the limit, only its length is known. */
interface Sent {
  readonly body: string
  readonly bytes: number
  readonly errorType: string | undefined
}

async function sentIn(request: IncomingMessage): Promise<Sent> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes <= PAYLOAD_BYTES_MAX) chunks.push(chunk)
  }
  return {
    body: bytes <= PAYLOAD_BYTES_MAX ? Buffer.concat(chunks).toString('utf8') : '',
    bytes,
    errorType: request.headers['lambda-runtime-function-error-type']?.toString(),
  }
}

/** The runtime decides the form of an error's body. If the body has no type, the type is in a header. */
function errorOf({ body, errorType }: Sent): ErrorBody {
  let parsed: { errorType?: unknown; errorMessage?: unknown; trace?: unknown; stackTrace?: unknown } | null = null
  try {
    parsed = JSON.parse(body)
  } catch {
    // A body that is not JSON is used as the message.
  }
  const trace = parsed?.trace ?? parsed?.stackTrace
  return {
    errorType: String(parsed?.errorType ?? errorType ?? 'Runtime.Unknown'),
    errorMessage: String(parsed?.errorMessage ?? body),
    ...(Array.isArray(trace) && { trace: trace.map(String) }),
  }
}

function accept(response: ServerResponse): void {
  response.writeHead(202, { 'Content-Type': 'application/json' }).end('{"status":"OK"}\n')
}

function refuse(response: ServerResponse, status: number, errorType: string, errorMessage: string): void {
  response
    .writeHead(status, { 'Content-Type': 'application/json' })
    .end(`${JSON.stringify({ errorMessage, errorType })}\n`)
}
