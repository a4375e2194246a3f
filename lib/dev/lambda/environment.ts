import { type ChildProcess, spawn } from 'node:child_process'
import { assert } from '../../base/index.js'
import { randomIds, systemClock } from '../../observe/index.js'
import { onLines } from './lines.js'
import { type ErrorBody, type Outcome, RuntimeApi } from './runtime-api.js'
import type { Settings } from './settings.js'
import type { Watchdog } from './watchdog.js'

/** The share of the memory that Lambda's Node runtime gives to the heap, and the share for its young generation. */
const HEAP_SHARE = 0.9
const YOUNG_SHARE = 0.05
const ACCOUNT = '123456789012'

/** `zombie`: its invocation was abandoned and may still go on. */
export type EnvironmentState = 'starting' | 'idle' | 'busy' | 'zombie' | 'dead'

/**
 * One execution environment: a Node process with a Runtime API of its own, frozen whenever it is idle. It never throws
 * for a failure of a function: every outcome is a value, worded as Lambda words it.
 */
export class Environment {
  state: EnvironmentState = 'starting'
  /** Wall time from the start of the process to its first poll. */
  initMs: number | undefined
  private readonly settings: Settings
  private readonly watchdog: Watchdog
  private readonly startedAt = performance.now()
  private readonly logStream: string
  private api!: RuntimeApi
  private child!: ChildProcess
  private requestId = ''
  /** What the runtime posted. It becomes the outcome when the runtime polls again or its process ends. */
  private posted: Outcome | undefined
  private settle: (outcome: Outcome) => void = () => undefined
  private zombieTimer: NodeJS.Timeout | undefined
  private onGone: () => void = () => undefined
  /** Resolves when the process has ended. */
  readonly gone = new Promise<void>((resolve) => {
    this.onGone = resolve
  })

  private constructor(settings: Settings, watchdog: Watchdog) {
    this.settings = settings
    this.watchdog = watchdog
    const [date] = new Date(systemClock.now()).toISOString().split('T')
    this.logStream = `${date!.replaceAll('-', '/')}/[$LATEST]${hex()}`
  }

  /** Starts the process. Its init phase is awaited by `init`. */
  static async start(settings: Settings, watchdog: Watchdog): Promise<Environment> {
    const environment = new Environment(settings, watchdog)
    environment.api = await RuntimeApi.listen({
      onNext: () => environment.polled(),
      onOutcome: (outcome) => {
        if (environment.state === 'busy') environment.posted = outcome
      },
      onInitError: (error) => {
        environment.posted = { kind: 'error', error }
      },
    })
    environment.spawn()
    return environment
  }

  get pid(): number {
    return this.child.pid!
  }

  /**
   * Waits for the runtime's first poll on behalf of an invocation. Undefined: the runtime is initialized. Otherwise the
   * error; the process is then dead or about to end.
   */
  async init(requestId: string, limitMs: number): Promise<ErrorBody | undefined> {
    const outcome = await this.outcome(requestId, limitMs)
    return outcome.kind === 'error' ? outcome.error : undefined
  }

  /** Hands one event to the handler. The environment must be idle; afterwards it is idle, a zombie or dead. */
  async invoke(requestId: string, event: string, timeoutMs: number): Promise<Outcome> {
    assert(this.state === 'idle', 'an environment takes one invocation at a time')
    this.state = 'busy'
    this.posted = undefined
    const { name, region } = this.settings
    const outcome = this.outcome(requestId, timeoutMs)
    this.child.kill('SIGCONT')
    this.api.deliver({
      requestId,
      event,
      deadlineMs: Math.ceil(systemClock.now() + timeoutMs),
      functionArn: `arn:aws:lambda:${region}:${ACCOUNT}:function:${name}`,
      traceId: `Root=1-${hex(8)}-${hex(24)};Parent=${hex(16)};Sampled=0`,
    })
    return await outcome
  }

  /** Sends SIGKILL; allowed in any state. */
  kill(): void {
    this.child.kill('SIGKILL')
  }

  /**
   * Freezes an invocation midway and abandons it, as a mapping does that gets no answer. The invocation may go on
   * later, in a zombie.
   */
  abandon(): void {
    assert(this.state === 'busy', 'only an invocation in flight can be abandoned')
    this.child.kill('SIGSTOP')
    this.state = 'zombie'
    this.settle(
      failure(
        'Sandbox.Abandoned',
        `RequestId: ${this.requestId} Error: The environment hangs; its invocation is abandoned`,
      ),
    )
  }

  /** Lets a zombie go on, for at most the timeout of an invocation. */
  thaw(): void {
    assert(this.state === 'zombie', 'only a zombie can be thawed explicitly')
    this.zombieTimer = setTimeout(() => this.kill(), this.settings.timeoutMs)
    this.child.kill('SIGCONT')
  }

  /** Ends the process, if it still runs, and its Runtime API. */
  async close(): Promise<void> {
    this.kill()
    await this.gone
    await this.api.close()
  }

  private spawn(): void {
    const { taskRoot, directory, memoryMb, runtime, onLine } = this.settings
    this.child = spawn(
      process.execPath,
      [
        `--max-old-space-size=${Math.floor(memoryMb * HEAP_SHARE)}`,
        `--max-semi-space-size=${Math.max(1, Math.floor(memoryMb * YOUNG_SHARE))}`,
        ...runtime.args,
        this.settings.handler,
      ],
      // The process has a session of its own, so that it does not receive signals that a terminal sends to this
      // process's group.
      { cwd: directory, env: this.variables(taskRoot), stdio: 'pipe', detached: true },
    )
    const { pid } = this.child
    // The process may end before it has read all of it.
    this.child.stdin!.on('error', () => undefined).end(runtime.input)
    if (pid !== undefined) this.watchdog.started(pid)
    for (const stream of ['stdout', 'stderr'] as const)
      onLines(this.child[stream]!, (text) => onLine({ stream, pid: pid ?? 0, text }))
    this.child.once('error', (error) => this.ended(`couldn't start: ${error.message}`))
    this.child.once('exit', (code, signal) => {
      if (pid !== undefined) this.watchdog.ended(pid)
      this.ended(reasonOf(code, signal))
    })
  }

  private variables(taskRoot: string): NodeJS.ProcessEnv {
    const { name, handler, memoryMb, env, region } = this.settings
    return {
      PATH: process.env.PATH,
      LANG: 'en_US.UTF-8',
      TZ: ':UTC',
      ...env,
      AWS_REGION: region,
      AWS_DEFAULT_REGION: region,
      AWS_EXECUTION_ENV: `AWS_Lambda_nodejs${process.versions.node.split('.')[0]}.x`,
      AWS_LAMBDA_FUNCTION_NAME: name,
      AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(memoryMb),
      AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
      AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${name}`,
      AWS_LAMBDA_LOG_STREAM_NAME: this.logStream,
      AWS_LAMBDA_RUNTIME_API: this.api.address,
      LAMBDA_TASK_ROOT: taskRoot,
      _HANDLER: handler,
    }
  }

  /** The outcome of the current phase, within its time limit. */
  private async outcome(requestId: string, limitMs: number): Promise<Outcome> {
    this.requestId = requestId
    const settled = new Promise<Outcome>((resolve) => {
      this.settle = resolve
    })
    const timer = setTimeout(() => {
      const seconds = (limitMs / 1000).toFixed(2)
      this.settle(failure('Sandbox.Timedout', `RequestId: ${requestId} Error: Task timed out after ${seconds} seconds`))
      this.kill()
    }, limitMs)
    return await settled.finally(() => clearTimeout(timer))
  }

  private polled(): void {
    if (this.state === 'zombie') {
      // The zombie has finished its abandoned work, and nothing else is left for it to do.
      this.kill()
      return
    }
    if (this.state === 'starting') this.initMs = performance.now() - this.startedAt
    this.state = 'idle'
    this.child.kill('SIGSTOP')
    this.settle(this.posted ?? { kind: 'response', body: 'null' })
  }

  private ended(reason: string): void {
    this.state = 'dead'
    clearTimeout(this.zombieTimer)
    this.settle(
      this.posted ?? failure('Runtime.ExitError', `RequestId: ${this.requestId} Error: Runtime exited ${reason}`),
    )
    this.onGone()
  }
}

function failure(errorType: string, errorMessage: string): Outcome {
  return { kind: 'error', error: { errorType, errorMessage } }
}

function reasonOf(code: number | null, signal: string | null): string {
  if (signal === 'SIGKILL') return 'with error: signal: killed'
  if (signal === 'SIGABRT') return 'with error: signal: aborted'
  if (signal !== null) return `with error: signal: ${signal}`
  return code === 0 ? 'without providing a reason' : `with error: exit status ${code}`
}

function hex(digits = 32): string {
  return randomIds.next().replaceAll('-', '').slice(0, digits)
}
