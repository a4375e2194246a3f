import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { BOOTSTRAP, type Runtime } from '../../lib/dev/lambda/bootstrap.js'
import type { FunctionError, LambdaFunction } from '../../lib/dev/lambda/function.js'
import type { BuiltFunction } from '../../scripts/bundle.js'
import { kinesisEvent } from '../handlers/worlds.js'
import { bundledFunctions } from '../services/bundled.js'
import { functionMaker } from './handlers.js'

const { folder, make } = functionMaker('lambda-ric')

/** AWS's own runtime interface client, if it is installed. */
const ric = (() => {
  try {
    const require = createRequire(import.meta.url)
    return join(dirname(require.resolve('aws-lambda-ric')), '../bin/index.mjs')
  } catch {
    return undefined
  }
})()
const stand = fileURLToPath(new URL('./rapid-client.cjs', import.meta.url))
const runtimes: Record<string, Runtime> = {
  "the emulator's": BOOTSTRAP,
  "AWS's own": { args: ['--require', stand, ric ?? 'missing'], input: '' },
}

const HANDLER = `let n = 0
  export const handler = async (event, context) => {
    n++
    switch (event.do) {
      case 'throw': throw Object.assign(new RangeError('too far'), { code: 'E_FAR' })
      case 'text': throw 'a text'
      case 'reject': Promise.reject(new Error('nobody')); return await new Promise((done) => setTimeout(done, 5000))
      case 'crash': setTimeout(() => { throw new TypeError('nowhere') }); return await new Promise((done) => setTimeout(done, 5000))
      case 'cycle': { const o = {}; o.o = o; return o }
      case 'exit': return process.kill(process.pid, 'SIGKILL')
      case 'never': return await new Promise(() => undefined)
      case 'large': return 'x'.repeat(7 * 1024 * 1024)
      case 'nothing': return undefined
      case 'context': return [context.functionName, context.memoryLimitInMB, context.invokedFunctionArn, context.functionVersion,
        context.getRemainingTimeInMillis() <= 5001, process.env._X_AMZN_TRACE_ID.length, Object.keys(context).length > 7]
      default: return { event, n }
    }
  }`
const CALLS = [
  'throw',
  'text',
  'reject',
  'crash',
  'cycle',
  'exit',
  'never',
  'large',
  'nothing',
  'context',
  'ü',
] as const

/** What each call gave: an answer, or an error's type, message and the head of its trace. */
async function outcomesOf(f: LambdaFunction): Promise<unknown[]> {
  const outcomes: unknown[] = []
  for (const call of CALLS) {
    outcomes.push(
      await f.invoke({ do: call }).catch(({ errorType, message, trace }: FunctionError) => ({
        errorType,
        message: message.replace(/[0-9a-f-]{36}/, 'ID'),
        trace: trace[0],
      })),
    )
  }
  return outcomes
}

// Where CI says so it has to be there: a check that is left out in silence is none.
describe.skipIf(ric === undefined && process.env.CI !== 'true')("AWS's runtime interface client for Node", () => {
  it('is installed', () => {
    expect(ric, 'npm install --save-dev --ignore-scripts aws-lambda-ric@3.3.0').toBeDefined()
  })

  it('and the one of the emulator say the same of every outcome', async () => {
    const [ours, aws] = await Promise.all(
      Object.values(runtimes).map((runtime) => outcomesOf(make(HANDLER, { timeoutMs: 5_000, runtime }))),
    )
    expect(ours).toEqual(aws)
    expect(ours).toContainEqual({ event: { do: 'ü' }, n: expect.any(Number) })
    expect(ours).toContainEqual({
      errorType: 'RangeError',
      message: 'RangeError: too far',
      trace: 'RangeError: too far',
    })
  })

  it.each([
    ['export const other = 1', 'index.handler'],
    ['export const handler = 1', 'index.handler'],
    [`throw new TypeError('not today')`, 'index.handler'],
    ['export const handler = ]', 'index.handler'],
    [`import 'nowhere'; export const handler = async () => 1`, 'index.handler'],
    ['', 'index'],
    ['', 'other.handler'],
  ])('and the one of the emulator say the same of a failed init: %j, %s', async (module, handler) => {
    const errors = await Promise.all(
      Object.values(runtimes).map((runtime) =>
        make(module, { handler, runtime })
          .invoke({})
          .catch(({ errorType, message }: FunctionError) => {
            // Where a module was looked for is told by its folder.
            return [errorType, message.split('\n')[0]!.replace(/task-\d+/, 'task')]
          }),
      ),
    )
    expect(errors[0]).toEqual(errors[1])
    expect(errors[0]).toBeInstanceOf(Array)
  })

  let built: BuiltFunction | undefined
  it.each(Object.entries(runtimes))('runs the bundle of the ingest function: %s', async (_, runtime) => {
    built ??= (await bundledFunctions(folder('out'))).find(({ name }) => name === 'ingest')!
    const f = make('', {
      taskRoot: built.directory,
      env: { MILLRACE_STATE: 'memory' },
      runtime,
    })
    const flight = { scheduled: '2001-01-01T06:00:00Z', delay: 7, distance: 100, origin: 'ATL', destination: 'JFK' }
    const event = kinesisEvent(0, [flight], 'departures-a-l')
    expect(await f.invoke(event)).toEqual({ batchItemFailures: [] })
    await expect(f.invoke({ no: 'event' })).rejects.toThrow(
      'Pipeline "flights" expects events from kinesis, kafka, but this one is an object with no. Check which mapping invokes this function.',
    )
    const metrics = f.lines.filter(({ text }) => text.includes('CloudWatchMetrics'))
    // The event that was refused has nothing to count.
    expect(metrics.length).toBe(1)
    expect(f.counters).toMatchObject({ coldStarts: 1, initFailures: 0 })
  })
})
