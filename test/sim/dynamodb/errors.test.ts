import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { ConditionalCheckFailedException, DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb'
import { describe, expect, it } from 'vitest'
import { dynamodbClient } from '../../../lib/aws/dynamodb-client.js'
import { judgeError } from '../../../lib/aws/failure.js'
import { answerError, cutError, LOST, lostError, proxyError, Refusal, type Way } from './errors.js'

const answers: readonly (readonly [refusal: Refusal, judged: string])[] = [
  [new Refusal('ProvisionedThroughputExceededException', 'm'), 'throttled'],
  [new Refusal('ThrottlingException', 'm'), 'throttled'],
  [new Refusal('RequestLimitExceeded', 'm'), 'throttled'],
  [new Refusal('TransactionConflictException', 'm'), 'throttled'],
  [new Refusal('InternalServerError', 'm', { status: 500 }), 'unknown'],
  [new Refusal('ServiceUnavailable', 'm', { status: 503 }), 'unknown'],
  [new Refusal('ConditionalCheckFailedException', 'm', { item: { pk: { S: 'p' } } }), 'refused'],
  [new Refusal('ConditionalCheckFailedException', 'm'), 'refused'],
  [new Refusal('ResourceNotFoundException', 'm'), 'refused'],
  [new Refusal('ValidationException', 'm'), 'refused'],
]

/** A real client on a wire that gives one answer, after a first call that succeeds. */
async function thrownBy(way: Way, answer: { status: number; body: string } | Error): Promise<Error> {
  let next: typeof answer = { status: 200, body: '{}' }
  const requestHandler = {
    handle: async () => {
      if (next instanceof Error) throw next
      const headers = { 'content-type': 'application/x-amz-json-1.0', 'x-amzn-requestid': 'simulated' }
      return { response: { statusCode: next.status, headers, body: Readable.from([Buffer.from(next.body)]) } }
    },
  }
  const credentials = { accessKeyId: 'A', secretAccessKey: 's' }
  const config = { region: 'eu-west-1', credentials, requestHandler: requestHandler as any }
  const client =
    way === 'whole' ? new DynamoDBClient({ ...config, maxAttempts: 1 }) : dynamodbClient({ client: config })
  const send = () => client.send(new PutItemCommand({ TableName: 't', Item: { pk: { S: 'p' } } }))
  await send()
  next = answer
  return await send().then(
    () => expect.fail('it succeeded'),
    (error) => error,
  )
}

/** All that the store could tell errors apart by. */
const looksOf = (error: Error & { code?: string; $fault?: string; $metadata?: object; Item?: object }) => ({
  class: error.constructor.name,
  isCondition: error instanceof ConditionalCheckFailedException,
  name: error.name,
  code: error.code,
  fault: error.$fault,
  metadata: error.$metadata,
  item: error.Item,
})

describe.each(['whole', 'short'] as const)('errors of the simulated service, the %s way', (way) => {
  it.each(answers)('$name looks as the SDK makes it', async (refusal, judged) => {
    const body = JSON.stringify({ __type: `x#${refusal.name}`, message: refusal.message, Item: refusal.item })
    const theirs = await thrownBy(way, { status: refusal.status, body })
    const ours = answerError(refusal, way)
    expect(looksOf(ours)).toEqual(looksOf(theirs))
    expect(judgeError(ours)).toBe(judged)
  })

  it('what is no JSON looks as the SDK makes it', async () => {
    const busy = await thrownBy(way, { status: 503, body: '<html>busy</html>' })
    expect(looksOf(proxyError(way))).toEqual(looksOf(busy))
    expect(judgeError(proxyError(way))).toBe('unknown')
    const cut = await thrownBy(way, { status: 200, body: '{"Attributes":{"a"' })
    expect(looksOf(cutError(way))).toEqual(looksOf(cut))
    expect(judgeError(cutError(way))).toBe('unknown')
  })

  it.each(Object.keys(LOST) as (keyof typeof LOST)[])('no answer (%s) looks as the SDK makes it', async (kind) => {
    const { name, code, message } = LOST[kind]
    const theirs = await thrownBy(way, Object.assign(new Error(message), { name, ...(code && { code }) }))
    expect(looksOf(lostError(kind, way))).toEqual(looksOf(theirs))
    expect(judgeError(lostError(kind, way))).toBe('unknown')
  })
})

describe('errors of the simulated service, beside a real wire', () => {
  it.each([
    ['reset', ['reset']],
    ['refused', ['refused']],
    ['silent', ['request', 'socket']],
  ] as const)('a wire that is %s gives what it gives', async (wire, kinds) => {
    const server = createServer((request) => (wire === 'reset' ? request.socket.destroy() : undefined))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    if (wire === 'refused') await new Promise((resolve) => server.close(resolve))
    const credentials = { accessKeyId: 'A', secretAccessKey: 's' }
    // Only silence is to be met by it: on a busy machine a reset comes late.
    const requestTimeoutMs = wire === 'silent' ? 100 : 60_000
    const client = dynamodbClient({ endpoint, region: 'eu-west-1', requestTimeoutMs, client: { credentials } })
    const error: Error = await client.send(new PutItemCommand({ TableName: 't', Item: {} })).then(
      () => expect.fail('it succeeded'),
      (thrown) => thrown,
    )
    // A client's first call goes the whole way.
    const looks = kinds.map((kind) => looksOf(lostError(kind, 'whole')))
    expect(looks).toContainEqual(looksOf(error))
    client.destroy()
    server.closeAllConnections()
    server.close()
  })
})
