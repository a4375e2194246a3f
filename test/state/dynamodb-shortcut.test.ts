import { createHash, createHmac } from 'node:crypto'
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  BatchExecuteStatementCommand,
  BatchGetItemCommand,
  ConditionalCheckFailedException,
  DynamoDBClient,
  PutItemCommand,
  QueryCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { dynamodbClient } from '../../lib/aws/dynamodb-client.js'
import { createTable } from '../../lib/state/dynamodb/table.js'
import { describeLive } from '../services/local.js'

const TABLE = 'shortcut'
const bytes = Uint8Array.from({ length: 300 }, (_, i) => i % 256)
const key = (sk: string) => ({ pk: { S: 'ключ "1"\n' }, sk: { S: sk } })
const item = (sk: string) => ({
  ...key(sk),
  B: { B: bytes },
  n: { N: '-1.5e10' },
  t: { BOOL: true },
  deep: { M: { B: { L: [{ B: bytes }, { NULL: true as const }, { S: '😀 B' }] } } },
})
const put = (sk: string) => ({ TableName: TABLE, Item: item(sk), ConditionExpression: 'attribute_not_exists(pk)' })
const update = (value: string, table = TABLE) => ({
  TableName: table,
  Key: key('a'),
  UpdateExpression: 'SET b = :b',
  ConditionExpression: 'n = :n',
  ExpressionAttributeValues: { ':b': { B: bytes.slice(9) }, ':n': { N: value } },
  ReturnValues: 'ALL_NEW' as const,
  ReturnValuesOnConditionCheckFailure: 'ALL_OLD' as const,
  ReturnConsumedCapacity: 'TOTAL' as const,
})
const insert = (sk: string) => ({
  Statement: `INSERT INTO "${TABLE}" VALUE {'pk': ?, 'sk': ?, 'b': ?}`,
  Parameters: [{ S: 'p' }, { S: sk }, { B: bytes }],
})
const pageOf = (more: object) => ({
  TableName: TABLE,
  KeyConditionExpression: 'pk = :p',
  ExpressionAttributeValues: { ':p': { S: 'p' } },
  Limit: 1,
  ...more,
})

/** Calls in turn, which one client makes after the other: writes, refused writes, reads, and invalid calls. */
const calls = () => [
  new PutItemCommand(put('a')),
  new PutItemCommand(put('a')),
  new UpdateItemCommand(update('-1.5e10')),
  new UpdateItemCommand(update('7')),
  new UpdateItemCommand(update('7', 'no-such-table')),
  new UpdateItemCommand({ ...update('7'), UpdateExpression: 'SET SET' }),
  new BatchExecuteStatementCommand({ Statements: [insert('1'), insert('2')] }),
  new BatchExecuteStatementCommand({ Statements: [insert('2'), insert('3')] }),
  new BatchGetItemCommand({ RequestItems: { [TABLE]: { Keys: [key('a'), key('none')], ConsistentRead: true } } }),
  new QueryCommand(pageOf({})),
  new QueryCommand(pageOf({ ExclusiveStartKey: { pk: { S: 'p' }, sk: { S: '1' } } })),
]

describeLive('the short way of a DynamoDB call', ['dynamodb'], (services) => {
  /** The result of a call, or its error. */
  const outcomes = async (client: DynamoDBClient): Promise<unknown[]> => {
    const seen: unknown[] = []
    for (const command of calls()) {
      const outcome = client.send(command as PutItemCommand).then(
        ({ $metadata: _, ...output }) => ({ output }),
        (error) => ({
          name: error.name,
          message: error.message,
          status: error.$metadata.httpStatusCode,
          isCondition: error instanceof ConditionalCheckFailedException,
          item: error.Item,
        }),
      )
      seen.push(await outcome)
    }
    return seen
  }

  it('gives what the SDK gives, for answers and for refusals', async () => {
    const endpoint = services.endpoint('dynamodb')
    const theirs = new DynamoDBClient({ endpoint, maxAttempts: 1 })
    const ours = dynamodbClient({ endpoint })
    const whole: unknown[][] = []
    for (const client of [theirs, ours]) {
      await createTable(TABLE, { endpoint })
      whole.push(await outcomes(client))
      await services.stop('dynamodb')
      await services.start('dynamodb')
    }
    expect(whole[1]).toEqual(whole[0])
    expect(whole[0]).toMatchObject([
      { output: {} },
      { isCondition: true },
      {},
      { item: { B: {} } },
      { status: 400 },
      {},
      {},
      {},
      {},
      {},
      {},
    ])
    theirs.destroy()
    ours.destroy()
  })
})

interface Seen {
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** Signature Version 4 of the received request, computed as its documentation describes. */
function signatureOf({ headers, body }: Seen, secret: string): string {
  const hash = (text: string): string => createHash('sha256').update(text).digest('hex')
  const hmac = (by: string | Buffer, text: string): Buffer => createHmac('sha256', by).update(text).digest()
  const [, scope, names] = /Credential=[^/]+\/(\S+), SignedHeaders=(\S+),/.exec(headers.authorization!)!
  const canonical = names!.split(';').map((name) => `${name}:${String(headers[name]).trim().replace(/ +/g, ' ')}\n`)
  const request = `POST\n/\n\n${canonical.join('')}\n${names}\n${hash(body)}`
  const text = `AWS4-HMAC-SHA256\n${headers['x-amz-date']}\n${scope}\n${hash(request)}`
  const signing = scope!.split('/').reduce<string | Buffer>(hmac, `AWS4${secret}`)
  return hmac(signing, text).toString('hex')
}

describe('what the short way sends', () => {
  const seen: Seen[] = []
  let answer: { status: number; body: string; headers?: Record<string, string> }
  let server: Server
  let endpoint: string
  beforeAll(async () => {
    server = createServer(async (request, response) => {
      const chunks: Buffer[] = []
      for await (const chunk of request) chunks.push(chunk as Buffer)
      seen.push({ headers: request.headers, body: Buffer.concat(chunks).toString() })
      response.writeHead(answer.status, answer.headers).end(answer.body)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  afterAll(() => void server.close())
  beforeEach(() => {
    seen.length = 0
    answer = { status: 200, body: '{}' }
  })
  const send = (client: DynamoDBClient) =>
    client.send(new PutItemCommand(put('é'))).then(({ $metadata: _, ...output }) => output)
  const short = ({ headers }: Seen): boolean => headers['amz-sdk-request'] === undefined

  it('is signed with the credentials of the moment, for the same headers as by the SDK', async () => {
    const credentials = { accessKeyId: 'A', secretAccessKey: 'first', sessionToken: 'one' }
    let given = credentials
    const expired = { expiration: new Date(0) }
    const client = dynamodbClient({
      endpoint,
      region: 'eu-north-1',
      client: { credentials: async () => ({ ...given, ...expired }) },
    })
    await send(client)
    await send(client)
    given = { accessKeyId: 'A2', secretAccessKey: 'second', sessionToken: 'two' }
    await send(client)
    expect(seen.map(short)).toEqual([false, true, true])
    for (const [i, request] of seen.entries()) {
      const { headers } = request
      expect(headers.authorization).toContain(`Signature=${signatureOf(request, i < 2 ? 'first' : 'second')}`)
      expect(headers.authorization).toMatch(/\/eu-north-1\/dynamodb\/aws4_request/)
      expect(headers['x-amz-security-token']).toBe(i < 2 ? 'one' : 'two')
      expect(JSON.parse(request.body)).toEqual(JSON.parse(seen[0]!.body))
      for (const name of ['host', 'user-agent', 'x-amz-target', 'content-type', 'content-length'])
        expect(headers[name], name).toBe(seen[0]!.headers[name])
    }
    client.destroy()
  })

  it('goes the whole way once more where it is refused, so that a clock that is off is corrected', async () => {
    const client = dynamodbClient({ endpoint, client: { credentials: { accessKeyId: 'A', secretAccessKey: 's' } } })
    await send(client)
    answer = {
      status: 400,
      body: JSON.stringify({
        __type: 'com.amazon.coral.service#InvalidSignatureException',
        message: 'Signature expired',
      }),
      headers: { date: 'Tue, 01 Jan 2030 00:00:00 GMT' },
    }
    await expect(send(client)).rejects.toMatchObject({ name: 'InvalidSignatureException' })
    answer = { status: 200, body: '{}', headers: { date: 'Tue, 01 Jan 2030 00:00:00 GMT' } }
    await send(client)
    expect(seen.map(short)).toEqual([false, true, false, false])
    expect(seen.at(-1)!.headers['x-amz-date']).toMatch(/^20300101T0000/)
    client.destroy()
  })

  it.each([
    [500, '{"__type":"com.amazonaws.dynamodb.v20120810#InternalServerError"}', 'InternalServerError'],
    [400, '{"__type":"x#ThrottlingException","message":"slow down"}', 'ThrottlingException'],
    [503, '<html>busy</html>', 'UnknownError'],
  ])('is not repeated where it may have had its effect, or was throttled (%i)', async (status, body, name) => {
    const client = dynamodbClient({ endpoint })
    await send(client)
    answer = { status, body }
    await expect(send(client)).rejects.toMatchObject({ name, $metadata: { httpStatusCode: status } })
    expect(seen).toHaveLength(2)
    client.destroy()
  })

  it('does not take an answer for one that is cut off', async () => {
    const client = dynamodbClient({ endpoint })
    await send(client)
    answer = { status: 200, body: '{"Attributes":{"a"' }
    await expect(send(client)).rejects.toThrow(SyntaxError)
    client.destroy()
  })

  it('is not taken where the client has settings that only the SDK keeps to', async () => {
    const lines: unknown[] = []
    const log = (line: unknown): void => void lines.push(line)
    const logger = { trace: () => undefined, debug: () => undefined, info: log, warn: log, error: log }
    const client = dynamodbClient({ endpoint, client: { logger } })
    await send(client)
    await send(client)
    expect(seen.map(short)).toEqual([false, false])
    expect(lines).toHaveLength(2)
    client.destroy()
  })
})
