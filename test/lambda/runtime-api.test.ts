import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type ErrorBody, type Outcome, PAYLOAD_BYTES_MAX, RuntimeApi } from '../../lib/dev/lambda/runtime-api.js'

const invocation = {
  requestId: 'a-request',
  event: '{"a":1}',
  deadlineMs: 1_700_000_000_123,
  functionArn: 'arn:aws:lambda:us-east-1:123456789012:function:f',
  traceId: 'Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0',
}

let api: RuntimeApi
let seen: (Outcome | ErrorBody | 'next')[]
let onNext: () => void

beforeEach(async () => {
  seen = []
  onNext = () => undefined
  api = await RuntimeApi.listen({
    onNext: () => {
      seen.push('next')
      onNext()
    },
    onOutcome: (outcome) => seen.push(outcome),
    onInitError: (error) => seen.push(error),
  })
})
afterEach(() => api.close())

const call = (method: string, path: string, body?: string, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`http://${api.address}/2018-06-01/runtime/${path}`, { method, headers, ...(body !== undefined && { body }) })

/** Polls, and gets the invocation as soon as the poll is there. */
async function polled(): Promise<Response> {
  onNext = () => api.deliver(invocation)
  const response = await call('GET', 'invocation/next')
  onNext = () => undefined
  return response
}

describe('the Runtime API', () => {
  it('answers a poll when there is an invocation, and not before', async () => {
    let answered = false
    const poll = call('GET', 'invocation/next').then((response) => {
      answered = true
      return response
    })
    while (!api.isWaiting) await new Promise((resolve) => setTimeout(resolve, 1))
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(answered).toBe(false)
    api.deliver(invocation)
    const response = await poll
    expect(response.status).toBe(200)
    expect(await response.text()).toBe('{"a":1}')
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'lambda-runtime-aws-request-id': 'a-request',
      'lambda-runtime-deadline-ms': '1700000000123',
      'lambda-runtime-invoked-function-arn': invocation.functionArn,
      'lambda-runtime-trace-id': invocation.traceId,
    })
  })

  it('takes one response to an invocation', async () => {
    await polled()
    expect((await call('POST', 'invocation/another/response', 'null')).status).toBe(400)
    const response = await call('POST', 'invocation/a-request/response', '{"b":2}')
    expect([response.status, await response.json()]).toEqual([202, { status: 'OK' }])
    const again = await call('POST', 'invocation/a-request/response', '{"b":3}')
    expect([again.status, await again.json()]).toEqual([
      400,
      { errorType: 'InvalidRequestID', errorMessage: 'Invalid request ID' },
    ])
    expect(seen).toEqual(['next', { kind: 'response', body: '{"b":2}' }])
  })

  it('takes an error, typed by its body or else by its header', async () => {
    const type = { 'Lambda-Runtime-Function-Error-Type': 'FromHeader' }
    await polled()
    const body = JSON.stringify({ errorType: 'FromBody', errorMessage: 'why', stackTrace: ['a', 'b'] })
    expect((await call('POST', 'invocation/a-request/error', body, type)).status).toBe(202)
    await polled()
    expect((await call('POST', 'invocation/a-request/error', 'no json', type)).status).toBe(202)
    await polled()
    expect((await call('POST', 'invocation/a-request/error', 'null')).status).toBe(202)
    expect(seen.filter((entry) => entry !== 'next')).toEqual([
      { kind: 'error', error: { errorType: 'FromBody', errorMessage: 'why', trace: ['a', 'b'] } },
      { kind: 'error', error: { errorType: 'FromHeader', errorMessage: 'no json' } },
      { kind: 'error', error: { errorType: 'Runtime.Unknown', errorMessage: 'null' } },
    ])
  })

  it('takes an init error before the first poll only', async () => {
    const body = JSON.stringify({ errorType: 'Runtime.HandlerNotFound', errorMessage: 'none' })
    expect((await call('POST', 'init/error', body)).status).toBe(202)
    await polled()
    expect((await call('POST', 'init/error', body)).status).toBe(403)
    expect(seen).toEqual([{ errorType: 'Runtime.HandlerNotFound', errorMessage: 'none' }, 'next'])
  })

  it('refuses a poll while an invocation has no outcome', async () => {
    await polled()
    const response = await call('GET', 'invocation/next')
    expect([response.status, ((await response.json()) as ErrorBody).errorType]).toEqual([403, 'InvalidStateTransition'])
    expect(seen).toEqual(['next'])
  })

  it('takes 6 MB and 100 bytes, and not one more', async () => {
    await polled()
    expect((await call('POST', 'invocation/a-request/response', 'x'.repeat(PAYLOAD_BYTES_MAX))).status).toBe(202)
    await polled()
    const response = await call('POST', 'invocation/a-request/response', 'x'.repeat(PAYLOAD_BYTES_MAX + 1))
    const errorMessage = 'Response payload size exceeded maximum allowed payload size (6291556 bytes).'
    expect([response.status, await response.json()]).toEqual([
      413,
      { errorType: 'RequestEntityTooLarge', errorMessage },
    ])
    expect(seen.at(-1)).toEqual({ kind: 'error', error: { errorType: 'Function.ResponseSizeTooLarge', errorMessage } })
  })

  it.each([
    ['GET', 'invocation/nothing'],
    ['POST', 'invocation/next'],
    ['GET', 'invocation/a-request/response'],
    ['POST', 'invocation/a-request/else'],
    ['POST', '../../2020-01-01/extension/register'],
  ])('knows no %s %s', async (method, path) => {
    expect((await call(method, path)).status).toBe(404)
    expect(seen).toEqual([])
  })
})
