import { createServer } from 'node:http'
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest'
import type { StateStore } from '../../lib/ports/index.js'
import { type DynamoDBStoreOptions, dynamodbStore } from '../../lib/state/dynamodb/index.js'
import { createTable } from '../../lib/state/dynamodb/table.js'
import { draws } from '../draws.js'
import { FAULTS, type Fault, FaultyDynamoDB } from '../services/faulty-dynamodb.js'
import { describeLive } from '../services/local.js'
import { describeStateStore } from './conformance.js'

/** Longer than DynamoDB Local takes for the largest call on a machine that is ten times slower than usual. */
const REQUEST_TIMEOUT_MS = 1_000
const LATE_MS = 1_250
const RATES: Readonly<Record<Fault, number>> = {
  throttle: 0.04,
  errorBefore: 0.02,
  errorAfter: 0.03,
  resetBefore: 0.02,
  resetAfter: 0.03,
  // Each is waited for.
  lateEffect: 0.005,
  lateAnswer: 0.005,
  partial: 0.1,
}

describeLive('DynamoDB behind faults', ['dynamodb'], (services) => {
  let proxy: FaultyDynamoDB
  let endpoint: string
  let tables = 0
  const opened: StateStore[] = []
  beforeAll(async () => {
    proxy = new FaultyDynamoDB(services.endpoint('dynamodb'), { seed: 7, rates: {}, lateMs: LATE_MS })
    endpoint = await proxy.listen()
  })
  afterEach(async () => {
    proxy.set({})
    for (const store of opened.splice(0)) await store.close()
  })
  afterAll(() => proxy.close())

  const open = async (options: DynamoDBStoreOptions = {}): Promise<StateStore> => {
    const table = `state-${tables++}`
    await createTable(table, { endpoint: services.endpoint('dynamodb') })
    const store = await dynamodbStore(table, { endpoint, requestTimeoutMs: REQUEST_TIMEOUT_MS, ...options })
    opened.push(store)
    return store
  }

  const faulty = async (options?: DynamoDBStoreOptions): Promise<StateStore> => {
    const store = await open(options)
    proxy.set(RATES)
    return store
  }
  describeStateStore('dynamodb, behind faults', () => faulty(), {
    isFaulty: true,
    scripts: 6,
    items: draws(500, 2_000),
  })
  describeStateStore('dynamodb by single puts, behind faults', () => faulty({ partiql: false }), {
    isFaulty: true,
    scripts: 5,
    items: draws(500, 2_000),
  })

  it('met every fault', () => {
    for (const fault of FAULTS) expect(proxy.counts[fault], fault).toBeGreaterThan(draws(2, 5))
  })

  const key = { pk: 'p', sk: 'a' }
  const losingAnswers = ['errorAfter', 'resetAfter', 'lateAnswer'] as const

  it.each(losingAnswers)('an insert whose answer is lost (%s) is known as its own (invariant 2)', async (fault) => {
    for (const partiql of [true, false]) {
      const store = await open({ partiql })
      await once(proxy, fault)
      expect(await store.insert([{ ...key, n: 1, b: new Uint8Array([1, 2]) }])).toEqual(['inserted'])
    }
  })

  it('an insert that another was faster with is not taken for its own, though its answer was lost', async () => {
    const store = await open()
    await store.insert([{ ...key, n: 1 }])
    await once(proxy, 'errorAfter')
    expect(await store.insert([{ ...key, n: 2 }])).toEqual(['exists'])
  })

  it('a member of a batch that failed after its effect is known as its own; its neighbours are judged alone', async () => {
    const store = await open()
    await store.insert([{ pk: 'p', sk: '3', other: true }])
    proxy.set({ partial: 1 })
    setTimeout(() => proxy.set({}), 300)
    const items = Array.from({ length: 25 }, (_, i) => ({ pk: 'p', sk: `${i}`, n: i }))
    const verdicts = await store.insert(items)
    expect(verdicts.map((verdict, i) => (verdict === 'exists' ? i : -1)).filter((i) => i >= 0)).toEqual([3])
    expect((await store.query({ pk: 'p', from: '', to: '~' })).items).toHaveLength(25)
  })

  it.each(losingAnswers)('an update whose answer is lost (%s) is known as its own', async (fault) => {
    const store = await open()
    await store.insert([{ ...key, epoch: 1, old: 'x' }])
    await once(proxy, fault)
    const when = [{ attribute: 'epoch', is: 'equal', value: 1 }] as const
    const verdict = await store.update({ key, set: { epoch: 2, by: 'me' }, remove: ['old'], when })
    expect(verdict).toEqual({ applied: true, item: { ...key, epoch: 2, by: 'me' } })
  })

  it('an update that another was faster with is refused, though its own answer was lost', async () => {
    const store = await open()
    await store.insert([{ ...key, epoch: 2, by: 'other' }])
    await once(proxy, 'errorBefore')
    const when = [{ attribute: 'epoch', is: 'equal', value: 1 }] as const
    const verdict = await store.update({ key, set: { epoch: 2, by: 'me' }, when })
    expect(verdict).toEqual({ applied: false, item: { ...key, epoch: 2, by: 'other' } })
  })

  it('an effect that comes after the retry does no harm: its condition holds no more', async () => {
    const store = await open()
    await once(proxy, 'lateEffect')
    expect(await store.insert([{ ...key, epoch: 1 }])).toEqual(['inserted'])
    await store.update({ key, set: { epoch: 2 }, when: [{ attribute: 'epoch', is: 'equal', value: 1 }] })
    await new Promise((resolve) => setTimeout(resolve, LATE_MS))
    expect(await store.get([key])).toEqual([{ ...key, epoch: 2 }])
  })

  it('invariant 12: asks for strong reads only', async () => {
    const store = await open()
    const asked: boolean[] = []
    proxy.onRequest = (operation, body) => {
      if (operation === 'BatchGetItem')
        asked.push(...Object.values<any>(body.RequestItems).map((each) => each.ConsistentRead))
      if (operation === 'Query') asked.push(body.ConsistentRead)
    }
    for (let turn = 0; turn < 2; turn++) {
      await store.get([key])
      await store.query({ pk: 'p', from: '', to: '~' })
    }
    proxy.onRequest = () => undefined
    expect(asked).toEqual([true, true, true, true])
  })

  it('gives up in bounded time, and says whether anything may have happened', async () => {
    const retries = { attemptsMax: 4, totalMs: 1_000 }
    const store = await open({ retries })
    proxy.set({ throttle: 1 })
    for (const call of callsOf(store)) await expect(call()).rejects.toMatchObject({ code: 'throttled' })
    proxy.set({ resetAfter: 1 })
    for (const call of callsOf(store)) await expect(call()).rejects.toMatchObject({ code: 'unknown-outcome' })
    await expect(store.get([key])).rejects.toThrow(/^A read of the table "state-\d+" got no answer in \d attempts/)
    // The insert did happen: the next attempt finds it.
    proxy.set({})
    expect(await store.insert([{ ...key, n: 1 }])).toEqual(['exists'])
  })

  it('goes over to single puts where the service does not know PartiQL', async () => {
    const asked: string[] = []
    const server = createServer((request, response) => {
      const operation = String(request.headers['x-amz-target']).split('.')[1]!
      asked.push(operation)
      request.resume()
      const unknown = { __type: 'com.amazon.coral.service#UnknownOperationException', message: '' }
      response
        .writeHead(operation === 'PutItem' ? 200 : 400)
        .end(JSON.stringify(operation === 'PutItem' ? {} : unknown))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as { port: number }
    const store = await dynamodbStore('old', { endpoint: `http://127.0.0.1:${port}` })
    expect(await store.insert([key, { pk: 'p', sk: 'b' }])).toEqual(['inserted', 'inserted'])
    expect(await store.insert([{ pk: 'p', sk: 'c' }])).toEqual(['inserted'])
    expect(asked).toEqual(['BatchExecuteStatement', 'PutItem', 'PutItem', 'PutItem'])
    await store.close()
    server.closeAllConnections()
    server.close()
  })

  it('says in one sentence what an operator has to mend', async () => {
    const direct = services.endpoint('dynamodb')
    const missing = await dynamodbStore('nowhere', { endpoint: direct })
    for (const call of callsOf(missing)) {
      await expect(call()).rejects.toMatchObject({
        name: 'ConfigError',
        code: 'not-found',
        message: `The table "nowhere" does not exist at ${direct}. Check its name, the region and the account, or create it.`,
      })
    }
    await missing.close()
    const refuse = createServer((request, response) => {
      request.resume()
      const answer = { __type: 'x#AccessDeniedException', message: 'User: bob is not authorized to perform this.' }
      response.writeHead(400).end(JSON.stringify(answer))
    })
    await new Promise<void>((resolve) => refuse.listen(0, '127.0.0.1', resolve))
    const place = `http://127.0.0.1:${(refuse.address() as { port: number }).port}`
    const denied = await dynamodbStore('mine', { endpoint: place })
    for (const call of callsOf(denied)) {
      await expect(call()).rejects.toMatchObject({
        code: 'no-permission',
        message: `The table "mine" refuses the call at ${place}: User: bob is not authorized to perform this.`,
      })
    }
    await denied.close()
    refuse.closeAllConnections()
    refuse.close()
    const none = await dynamodbStore('mine', {
      endpoint: direct,
      client: {
        credentials: () =>
          Promise.reject(Object.assign(new Error('No provider'), { name: 'CredentialsProviderError' })),
      },
    })
    await expect(none.get([key])).rejects.toMatchObject({ code: 'no-credentials' })
    await none.close()
    vi.stubEnv('AWS_REGION', undefined)
    vi.stubEnv('AWS_CONFIG_FILE', '/nowhere')
    vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', '/nowhere')
    const nowhere = await dynamodbStore('mine', { endpoint: direct })
    await expect(nowhere.get([key])).rejects.toMatchObject({
      code: 'no-region',
      message: 'No AWS region is set for the table "mine". Set AWS_REGION.',
    })
    await nowhere.close()
    vi.unstubAllEnvs()
    const nobody = await dynamodbStore('mine', {
      endpoint: 'http://127.0.0.1:9',
      retries: { attemptsMax: 3, totalMs: 500 },
    })
    await expect(nobody.get([key])).rejects.toMatchObject({ name: 'RetryableError' })
    await nobody.close()
  })
})

const callsOf = (store: StateStore) => {
  const key = { pk: 'p', sk: 'a' }
  return [
    () => store.get([key]),
    () => store.insert([{ ...key, n: 1 }]),
    () => store.update({ key, set: { n: 2 }, when: [] }),
    () => store.query({ pk: 'p', from: 'a', to: 'b' }),
  ]
}

/** The next request meets this fault. Requests after it meet none. */
async function once(proxy: FaultyDynamoDB, fault: Fault): Promise<void> {
  const before = proxy.counts[fault] ?? 0
  proxy.set({ [fault]: 1 })
  const watch = setInterval(() => {
    if ((proxy.counts[fault] ?? 0) === before) return
    proxy.set({})
    clearInterval(watch)
  }, 1)
}
