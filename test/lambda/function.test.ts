import { writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { FunctionError, LambdaFunction } from '../../lib/dev/lambda/function.js'
import { PAYLOAD_BYTES_MAX } from '../../lib/dev/lambda/runtime-api.js'
import { functionMaker, isAlive, until } from './handlers.js'

const { folder, make, write } = functionMaker('lambda-function')

/** What an invocation throws, as its type and message. */
async function errorOf(work: Promise<unknown>): Promise<[string, string]> {
  const error = await work.then(
    () => undefined,
    (thrown) => thrown,
  )
  expect(error).toBeInstanceOf(FunctionError)
  const { errorType, message } = error as FunctionError
  expect(message.startsWith(`${errorType}: `)).toBe(true)
  return [errorType, message.slice(errorType.length + 2).replace(/[0-9a-f-]{36}/, 'ID')]
}

describe('a function', () => {
  it('gets the event and what Lambda says of it, and its answer comes back', async () => {
    const f = make(
      `export const handler = async (event, context) => {
        const remainingMs = context.getRemainingTimeInMillis()
        return { event, context, remains: remainingMs > 4000 && remainingMs <= 5001, env: process.env, cwd: process.cwd(), args: process.execArgv }
      }`,
      { name: 'orders', memoryMb: 512, timeoutMs: 5_000, region: 'eu-west-1', env: { MINE: 'yes' } },
    )
    const answer = (await f.invoke({ Records: [{ a: 'ü' }] })) as any
    expect(answer.event).toEqual({ Records: [{ a: 'ü' }] })
    expect(answer.remains).toBe(true)
    expect(answer.context).toMatchObject({
      functionName: 'orders',
      functionVersion: '$LATEST',
      memoryLimitInMB: '512',
      invokedFunctionArn: 'arn:aws:lambda:eu-west-1:123456789012:function:orders',
      awsRequestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      logGroupName: '/aws/lambda/orders',
    })
    expect(answer.env).toMatchObject({
      MINE: 'yes',
      AWS_REGION: 'eu-west-1',
      AWS_LAMBDA_FUNCTION_NAME: 'orders',
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '512',
      AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
      LAMBDA_TASK_ROOT: answer.cwd,
      _HANDLER: 'index.handler',
      _X_AMZN_TRACE_ID: expect.stringMatching(/^Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=0$/),
    })
    // Nothing of this machine's environment: a handler that needs a variable has to be given it.
    expect(answer.env).not.toHaveProperty('HOME')
    expect(answer.args).toContain('--max-old-space-size=460')
  })

  it('reuses an environment, the last one first, one invocation at a time', async () => {
    const f = make(`let n = 0
      import { existsSync } from 'node:fs'
      export const handler = async ({ after }) => {
        n++
        while (after && !existsSync(after)) await new Promise((done) => setTimeout(done, 5))
        return [process.pid, n]
      }`)
    const gate = (name: string) => ({ after: folder(`reuse-${name}`) })
    const calls = [f.invoke(gate('first')), f.invoke(gate('second'))] as Promise<[number, number]>[]
    // The second of two that run at once comes to its end last.
    writeFileSync(gate('first').after, '')
    const first = await calls[0]!
    writeFileSync(gate('second').after, '')
    const second = await calls[1]!
    expect(first[0]).not.toBe(second[0])
    expect(await f.invoke({})).toEqual([second[0], 2])
    expect(await f.invoke({})).toEqual([second[0], 3])
    expect(f.counters).toMatchObject({ invocations: 4, coldStarts: 2, errors: 0 })
    expect(f.counters.initMs).toBeGreaterThan(0)
  })

  it('is throttled beyond its concurrency', async () => {
    const f = make('export const handler = () => new Promise((done) => setTimeout(done, 200, 1))', { concurrency: 2 })
    const settled = await Promise.allSettled([f.invoke(1), f.invoke(2), f.invoke(3)])
    expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected'])
    expect(await errorOf(Promise.reject((settled[2] as PromiseRejectedResult).reason))).toEqual([
      'TooManyRequestsException',
      'Rate Exceeded.',
    ])
    expect(f.counters).toMatchObject({ coldStarts: 2, throttles: 1 })
    expect(await f.invoke(4)).toBe(1)
  })

  it('keeps what it writes, line by line', async () => {
    const seen: string[] = []
    const f = make(
      `export const handler = async () => { process.stdout.write('one\\ntw'); process.stdout.write('o\\n'); console.error('three') }`,
      {
        onLine: ({ stream, text }) => seen.push(`${stream} ${text}`),
      },
    )
    expect(await f.invoke({})).toBe(null)
    await until(() => seen.length === 3)
    expect(seen.filter((line) => line.startsWith('stdout'))).toEqual(['stdout one', 'stdout two'])
    expect(f.lines.map(({ text }) => text).sort()).toEqual(['one', 'three', 'two'])
  })

  it('refuses an event over 6 MB', async () => {
    const f = make('export const handler = async (event) => event.length')
    expect(await f.invoke('x'.repeat(PAYLOAD_BYTES_MAX - 2))).toBe(PAYLOAD_BYTES_MAX - 2)
    await expect(f.invoke('x'.repeat(PAYLOAD_BYTES_MAX - 1))).rejects.toThrow(
      `An event may have at most 6291556 bytes, which is Lambda's limit; this event for "f" has 6291557. Send fewer records.`,
    )
  })

  it.each([
    [{ name: 'a b' }, `The name of a function must have 1 to 64 letters, digits, - and _; it is "a b".`],
    [{ memoryMb: 64 }, 'memoryMb of the function "f" must be a whole number from 128 to 10240; it is 64.'],
    [{ timeoutMs: 900_001 }, 'timeoutMs of the function "f" must be a whole number from 1 to 900000; it is 900001.'],
    [{ concurrency: 0 }, 'concurrency of the function "f" must be a whole number from 1 to 1000; it is 0.'],
    [
      { taskRoot: '/nowhere' },
      'The function "f" runs in a folder, but "/nowhere" is not one. Bundle the function into it first.',
    ],
    [
      { env: { AWS_REGION: 'x' } },
      'Lambda sets AWS_REGION itself, so the env of the function "f" must not. Remove it.',
    ],
  ])('refuses %j', (options, message) => {
    expect(() => new LambdaFunction({ name: 'f', taskRoot: folder('.'), ...options })).toThrow(message)
  })
})

describe('errors of a function', () => {
  it('of the handler have their type, message and trace, and the environment lives on', async () => {
    const f = make(`class OddError extends Error { name = 'OddError' }
      export const handler = async (what) => {
        if (what === 'odd') throw new OddError('is odd')
        if (what === 'text') throw 'a text'
        if (what === 'cycle') { const o = {}; o.o = o; return o }
        return process.pid
      }`)
    const pid = await f.invoke('')
    expect(await errorOf(f.invoke('odd'))).toEqual(['OddError', 'is odd'])
    expect(await errorOf(f.invoke('text'))).toEqual(['string', 'a text'])
    expect(await errorOf(f.invoke('cycle'))).toEqual(['Error', 'Unable to stringify response body'])
    const { trace } = (await f.invoke('odd').catch((error) => error)) as FunctionError
    expect(trace[0]).toBe('OddError: is odd')
    expect(await f.invoke('')).toBe(pid)
    expect(f.counters).toMatchObject({ coldStarts: 1, errors: 4 })
  })

  it.each(['ConfigError', 'EventShapeError', 'StopError'])('that no redelivery mends end a run: %s', async (name) => {
    const f = make(
      `export const handler = async () => { const e = new Error('Say why.'); e.name = '${name}'; throw e }`,
    )
    const error = await f.invoke({}).catch((thrown) => thrown)
    expect(error).not.toBeInstanceOf(FunctionError)
    expect(error).toMatchObject({ code: 'function-stopped', message: 'Say why.' })
  })

  it('that nobody catches end its environment', async () => {
    const f = make(`export const handler = async (what) => {
      if (what === 'reject') Promise.reject(new Error('nobody')); if (what === 'throw') setTimeout(() => { throw new Error('nowhere') })
      if (what !== '') await new Promise((done) => setTimeout(done, 5000)); return process.pid }`)
    const pid = await f.invoke('')
    expect(await errorOf(f.invoke('reject'))).toEqual(['Runtime.UnhandledPromiseRejection', 'Error: nobody'])
    expect(await errorOf(f.invoke('throw'))).toEqual(['Error', 'nowhere'])
    expect(await f.invoke('')).not.toBe(pid)
    expect(f.counters.coldStarts).toBe(3)
  })

  it.each([
    ['exit code 3', 'process.exit(3)', 'Runtime exited with error: exit status 3'],
    ['exit code 0', 'process.exit(0)', 'Runtime exited without providing a reason'],
    ['SIGKILL', `process.kill(process.pid, 'SIGKILL')`, 'Runtime exited with error: signal: killed'],
    [
      'no memory',
      'const all = []; for (;;) all.push(new Array(1e6).fill(all.length))',
      'Runtime exited with error: signal: aborted',
    ],
  ])('of an early exit say how: %s', async (_, body, message) => {
    const f = make(`export const handler = async () => { ${body} }`, { memoryMb: 128 })
    expect(await errorOf(f.invoke({}))).toEqual(['Runtime.ExitError', `RequestId: ID Error: ${message}`])
    expect(f.environments).toEqual([])
  })

  it('of a timeout: the process is killed, whatever it does', async () => {
    const f = make(
      `export const handler = async (busy) => { if (busy) for (;;); await new Promise((done) => setTimeout(done, 60000)) }`,
      {
        timeoutMs: 1_250,
      },
    )
    const error = ['Sandbox.Timedout', 'RequestId: ID Error: Task timed out after 1.25 seconds']
    expect(await Promise.all([errorOf(f.invoke(true)), errorOf(f.invoke(false))])).toEqual([error, error])
    await until(() => f.environments.length === 0)
    expect(f.counters).toMatchObject({ timeouts: 2, coldStarts: 2 })
  })

  it('a handler that never settles, with nothing left to wait for, answers null', async () => {
    const f = make('export const handler = () => new Promise(() => undefined)')
    expect(await f.invoke({})).toBe(null)
    expect(await f.invoke({})).toBe(null)
    expect(f.counters).toMatchObject({ coldStarts: 1, errors: 0 })
  })

  it('of an answer over 6 MB, after which the environment lives on', async () => {
    const f = make(`export const handler = async (n) => 'x'.repeat(n)`)
    expect(await errorOf(f.invoke(PAYLOAD_BYTES_MAX - 1))).toEqual([
      'Function.ResponseSizeTooLarge',
      'Response payload size exceeded maximum allowed payload size (6291556 bytes).',
    ])
    expect(await f.invoke(1)).toBe('x')
    expect(f.counters.coldStarts).toBe(1)
  })
})

describe('the init phase', () => {
  it.each([
    ['throws', `throw new TypeError('not today')`, 'index.handler', 'TypeError', 'not today'],
    [
      'is no JavaScript',
      'export const handler = ]',
      'index.handler',
      'Runtime.UserCodeSyntaxError',
      "SyntaxError: Unexpected token ']'",
    ],
    [
      'has no such export',
      'export const other = 1',
      'index.handler',
      'Runtime.HandlerNotFound',
      'index.handler is undefined or not exported',
    ],
    [
      'exports no function',
      'export const handler = 1',
      'index.handler',
      'Runtime.HandlerNotFound',
      'index.handler is not a function',
    ],
    ['is not there', '', 'other.handler', 'Runtime.ImportModuleError', "Error: Cannot find module 'other'"],
    ['has a bad name', '', 'index', 'Runtime.MalformedHandlerName', 'Bad handler'],
    [
      'ends the process',
      'process.exit(7)',
      'index.handler',
      'Runtime.ExitError',
      'RequestId: ID Error: Runtime exited with error: exit status 7',
    ],
  ])('of a module that %s fails the invocation, after a second try', async (_, module, handler, type, message) => {
    const f = make(module, { handler })
    expect(await errorOf(f.invoke({}))).toEqual([type, message])
    expect(f.counters).toMatchObject({ initFailures: 2, coldStarts: 2, errors: 1 })
  })

  it('that succeeds at the second try serves the invocation', async () => {
    const f = make(`import { existsSync, writeFileSync } from 'node:fs'
      if (!existsSync('tried')) { writeFileSync('tried', ''); process.exit(1) }
      export const handler = async () => 'served'`)
    expect(await f.invoke({})).toBe('served')
    expect(f.counters).toMatchObject({ initFailures: 1, coldStarts: 2, errors: 0 })
  })

  it('has 10 s, and then the timeout of the invocation', async () => {
    const f = make('await new Promise((done) => setTimeout(done, 60000))', { timeoutMs: 500 })
    expect(await errorOf(f.invoke({}))).toEqual([
      'Sandbox.Timedout',
      'RequestId: ID Error: Task timed out after 0.50 seconds',
    ])
    expect(f.counters).toMatchObject({ initFailures: 2, timeouts: 1 })
  })

  it('loads CommonJS as Node does', async () => {
    const taskRoot = write('exports.deep = { handler: async () => require("node:path").sep }', 'main.cjs')
    const f = make('', { taskRoot, handler: 'main.deep.handler' })
    expect(await f.invoke({})).toBe('/')
  })
})

describe('close', () => {
  it('leaves no process behind: idle, busy or starting', async () => {
    const f = make('export const handler = (ms) => new Promise((done) => setTimeout(done, ms))')
    await Promise.all([f.invoke(0), f.invoke(0)])
    const busy = errorOf(f.invoke(60_000))
    await until(() => f.environments.some(({ state }) => state === 'busy'))
    const starting = errorOf(f.invoke(60_000).then(() => f.invoke(60_000)))
    const started = f.environments.map(({ pid }) => pid)
    expect(started.length).toBeGreaterThan(1)
    await f.close()
    expect(started.filter(isAlive)).toEqual([])
    expect((await busy)[0]).toBe('Runtime.ExitError')
    expect((await starting)[0]).toBe('Runtime.ExitError')
    await expect(f.invoke({})).rejects.toThrow('The function "f" is closed. Invoke it before closing it.')
  })
})
