import { createServer, request as httpRequest, type IncomingMessage, type Server } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { Random } from '../../lib/testing/random.js'

/**
 * What the proxy may do to a request. `late…` goes on after the client has given up; `…After` lets the effect happen
 * and loses the answer.
 */
export const FAULTS = [
  'throttle',
  'errorBefore',
  'errorAfter',
  'resetBefore',
  'resetAfter',
  'lateEffect',
  'lateAnswer',
  'partial',
] as const
export type Fault = (typeof FAULTS)[number]

export interface FaultyOptions {
  readonly seed: number
  /** Chance of each fault for each request, 0 to 1. */
  readonly rates: Readonly<Partial<Record<Fault, number>>>
  /** Longer than the client waits, ms. */
  readonly lateMs: number
  /** Whether an update may have its effect after a later one of the same client: then only its conditions guard it. */
  readonly lateUpdates?: boolean
}

interface Answer {
  readonly status: number
  readonly body: string
}

/** A proxy before DynamoDB Local that does what the real service and the network do at their worst, from a seed. */
export class FaultyDynamoDB {
  readonly counts: Record<string, number> = {}
  /** Sees every request as it comes. */
  onRequest: (operation: string, body: any) => void = () => undefined
  private readonly seeded: Random
  private readonly underWay = new Set<Promise<unknown>>()
  private readonly server: Server
  private readonly target: URL
  private options: FaultyOptions

  constructor(target: string, options: FaultyOptions) {
    this.target = new URL(target)
    this.options = options
    this.seeded = new Random(options.seed)
    this.server = createServer((request, response) => {
      const handling = this.handle(request).then(
        (answer) => {
          if (answer === undefined) return void response.socket?.destroy()
          response.writeHead(answer.status, { 'content-type': 'application/x-amz-json-1.0' }).end(answer.body)
        },
        () => response.socket?.destroy(),
      )
      this.underWay.add(handling)
      void handling.finally(() => this.underWay.delete(handling))
    })
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve))
    return `http://127.0.0.1:${(this.server.address() as { port: number }).port}`
  }

  /** From now on these rates. */
  set(rates: FaultyOptions['rates']): void {
    this.options = { ...this.options, rates }
  }

  /** Waits for effects that are still to come, then ends. */
  async close(): Promise<void> {
    await Promise.allSettled(this.underWay)
    this.server.closeAllConnections()
    await new Promise((resolve) => this.server.close(resolve))
  }

  private async handle(request: IncomingMessage): Promise<Answer | undefined> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const body = Buffer.concat(chunks).toString()
    const operation = String(request.headers['x-amz-target'] ?? '').split('.')[1] ?? ''
    this.onRequest(operation, JSON.parse(body))
    const forward = (text: string): Promise<Answer> => this.forward(request, text)
    switch (this.pick(operation)) {
      case 'throttle':
        return thrown(400, 'ProvisionedThroughputExceededException', 'The level of configured throughput was exceeded.')
      case 'errorBefore':
        return thrown(500, 'InternalServerError', 'Internal server error')
      case 'errorAfter':
        await forward(body)
        return thrown(500, 'InternalServerError', 'Internal server error')
      case 'resetBefore':
        return undefined
      case 'resetAfter':
        await forward(body)
        return undefined
      case 'lateEffect':
        await sleep(this.options.lateMs)
        return await forward(body)
      case 'lateAnswer': {
        const answer = await forward(body)
        await sleep(this.options.lateMs)
        return answer
      }
      case 'partial':
        return await this.partial(operation, body, forward)
      case undefined:
        return await forward(body)
    }
  }

  /** At most one fault a request; each that can strike this operation has its chance. */
  private pick(operation: string): Fault | undefined {
    for (const fault of FAULTS) {
      if (fault === 'lateEffect' && operation === 'UpdateItem' && this.options.lateUpdates !== true) continue
      if (fault === 'partial' && operation !== 'BatchExecuteStatement' && operation !== 'BatchGetItem') continue
      if (this.random() >= (this.options.rates[fault] ?? 0)) continue
      this.counts[fault] = (this.counts[fault] ?? 0) + 1
      return fault
    }
    return undefined
  }

  /** Some members of a batch fail: throttled, or with an error before or after their effect. */
  private async partial(operation: string, body: string, forward: (text: string) => Promise<Answer>): Promise<Answer> {
    const parsed = JSON.parse(body)
    if (operation === 'BatchGetItem') {
      const [table] = Object.keys(parsed.RequestItems) as [string]
      const { Keys, ...rest } = parsed.RequestItems[table]
      const left = Keys.filter(() => this.random() < 0.5)
      const asked = Keys.filter((key: unknown) => !left.includes(key))
      const unprocessed = left.length === 0 ? {} : { [table]: { ...rest, Keys: left } }
      if (asked.length === 0) return ok({ Responses: { [table]: [] }, UnprocessedKeys: unprocessed })
      const answer = await forward(JSON.stringify({ ...parsed, RequestItems: { [table]: { ...rest, Keys: asked } } }))
      return answer.status === 200 ? ok({ ...JSON.parse(answer.body), UnprocessedKeys: unprocessed }) : answer
    }
    const fates = parsed.Statements.map(() => this.random())
    const run = parsed.Statements.filter((_: unknown, i: number) => fates[i] >= 0.5)
    const answer =
      run.length === 0 ? ok({ Responses: [] }) : await forward(JSON.stringify({ ...parsed, Statements: run }))
    if (answer.status !== 200) return answer
    const responses = JSON.parse(answer.body).Responses
    let next = 0
    return ok({
      Responses: fates.map((fate: number) => {
        if (fate < 0.25) return { Error: { Code: 'ThrottlingError', Message: 'Throttled.' } }
        if (fate < 0.5) return { Error: { Code: 'InternalServerError', Message: 'Not done.' } }
        const response = responses[next++]
        return fate < 0.75 ? { Error: { Code: 'InternalServerError', Message: 'Done, perhaps.' } } : response
      }),
    })
  }

  /** From 0 up to, but not, 1. */
  private random(): number {
    return this.seeded.next()
  }

  private forward(request: IncomingMessage, body: string): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const headers = { ...request.headers, 'content-length': String(Buffer.byteLength(body)) }
      const { hostname, port } = this.target
      const forwarded = httpRequest({ hostname, port, method: 'POST', path: '/', headers }, (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('end', () => resolve({ status: response.statusCode!, body: Buffer.concat(chunks).toString() }))
        response.on('error', reject)
      })
      forwarded.on('error', reject)
      forwarded.end(body)
    })
  }
}

const ok = (body: unknown): Answer => ({ status: 200, body: JSON.stringify(body) })
const thrown = (status: number, name: string, message: string): Answer => ({
  status,
  body: JSON.stringify({ __type: `com.amazonaws.dynamodb.v20120810#${name}`, message }),
})
