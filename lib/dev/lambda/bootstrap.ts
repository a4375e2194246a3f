/** The arguments that Node is started with to run a handler, and the text of its standard input. */
export interface Runtime {
  readonly args: readonly string[]
  readonly input: string
}

/**
 * The runtime of an execution environment, as the text of an ES module that Node reads from its standard input. It must
 * work the same from the sources and from the built package, in a process that loads nothing but the handler. It
 * behaves as AWS's runtime interface client for Node: its errors have the same types, and a test runs both. Handlers
 * are async functions or return a value; callbacks and response streaming are not supported.
 */
const TEXT = String.raw`
import { existsSync } from 'node:fs'
import http from 'node:http'
import { createRequire } from 'node:module'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

const { env } = process
const [host, port] = env.AWS_LAMBDA_RUNTIME_API.split(':')
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
const watched = new WeakSet()

// The emulator has closed the connection and will not return: an environment does not outlive its emulator.
function watch(socket) {
  if (watched.has(socket)) return
  watched.add(socket)
  socket.once('close', () => process.exit(1))
}

function call(method, path, body, headers) {
  return new Promise((done, fail) => {
    const request = http.request({ host, port, method, agent, path: '/2018-06-01/runtime/' + path, headers }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk) => (text += chunk)).on('error', fail)
      response.on('end', () => done({ text, headers: response.headers }))
    })
    request.once('socket', watch).once('error', fail).end(body)
  })
}

const post = (path, body, type) =>
  call('POST', path, body, { 'Content-Type': 'application/json', ...(type && { 'Lambda-Runtime-Function-Error-Type': type }) })

function postError(path, error) {
  const known = error instanceof Error
  const errorType = known ? error.name : typeof error
  const errorMessage = known ? error.message : String(error)
  const trace = known ? String(error.stack).split('\n') : []
  process.stderr.write('Invoke Error\t' + JSON.stringify({ errorType, errorMessage, code: error?.code, stack: trace }) + '\n')
  return post(path, JSON.stringify({ errorType, errorMessage, trace }), encodeURIComponent(errorType))
}

class RuntimeError extends Error {
  constructor(type, message) {
    super(message)
    this.name = 'Runtime.' + type
  }
}

async function load(name) {
  const [, module, path] = /^([^.]*)\.(.*)$/.exec(name) ?? []
  if (path === undefined) throw new RuntimeError('MalformedHandlerName', 'Bad handler')
  const file = ['.mjs', '.js', '.cjs'].map((end) => resolve(env.LAMBDA_TASK_ROOT, module + end)).find((file) => existsSync(file))
  if (file === undefined) throw new RuntimeError('ImportModuleError', "Error: Cannot find module '" + module + "'")
  let handler
  try {
    handler = file.endsWith('.cjs') ? createRequire(file)(file) : await import(pathToFileURL(file))
  } catch (error) {
    if (error instanceof SyntaxError) throw new RuntimeError('UserCodeSyntaxError', String(error))
    if (error?.code === 'MODULE_NOT_FOUND') throw new RuntimeError('ImportModuleError', String(error))
    throw error
  }
  for (const part of path.split('.')) handler = handler?.[part]
  if (!handler) throw new RuntimeError('HandlerNotFound', name + ' is undefined or not exported')
  if (typeof handler !== 'function') throw new RuntimeError('HandlerNotFound', name + ' is not a function')
  return handler
}

function contextOf(headers) {
  const deadline = Number(headers['lambda-runtime-deadline-ms'])
  return {
    callbackWaitsForEmptyEventLoop: true,
    functionName: env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: env.AWS_LAMBDA_FUNCTION_VERSION,
    memoryLimitInMB: env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: env.AWS_LAMBDA_LOG_STREAM_NAME,
    invokedFunctionArn: headers['lambda-runtime-invoked-function-arn'],
    awsRequestId: headers['lambda-runtime-aws-request-id'],
    getRemainingTimeInMillis: () => deadline - (performance.timeOrigin + performance.now()),
  }
}

function serialize(answer) {
  try {
    return JSON.stringify(answer === undefined ? null : answer)
  } catch {
    throw new Error('Unable to stringify response body')
  }
}

let failing = 'init/error'

async function handleOne(handler) {
  const { text, headers } = await call('GET', 'invocation/next')
  const path = 'invocation/' + headers['lambda-runtime-aws-request-id'] + '/'
  failing = path + 'error'
  env._X_AMZN_TRACE_ID = headers['lambda-runtime-trace-id']
  // If a handler never settles and the event loop is empty, the answer is null.
  let over
  const empty = new Promise((done) => process.once('beforeExit', (over = () => done(null))))
  let body
  try {
    body = serialize(await Promise.race([handler(JSON.parse(text), contextOf(headers)), empty]))
  } catch (error) {
    await postError(failing, error)
    return
  } finally {
    process.off('beforeExit', over)
  }
  await post(path + 'response', body)
}

async function crash(error, code) {
  await postError(failing, error)
  process.exit(code)
}

process.on('uncaughtException', (error) => crash(error, 129))
process.on('unhandledRejection', (reason) => crash(new RuntimeError('UnhandledPromiseRejection', String(reason)), 128))
load(env._HANDLER).then(
  async (handler) => {
    for (;;) await handleOne(handler)
  },
  (error) => crash(error, 129),
)
`

export const BOOTSTRAP: Runtime = { args: ['--input-type=module', '-'], input: TEXT }
