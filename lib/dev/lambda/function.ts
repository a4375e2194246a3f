import { ConfigError, MillraceError, RetryableError } from '../../base/index.js'
import { randomIds } from '../../observe/index.js'
import { Environment } from './environment.js'
import { type ErrorBody, type Outcome, PAYLOAD_BYTES_MAX } from './runtime-api.js'
import { type FunctionOptions, type LogLine, type Settings, settingsOf } from './settings.js'
import { Watchdog } from './watchdog.js'

export type { FunctionOptions, LogLine } from './settings.js'

/**
 * Lambda limits the init phase to 10 s. An init phase that takes longer, or fails, is run once more, within the time of
 * the invocation.
 */
const INIT_MS_MAX = 10_000
/** How many lines of all environments are kept, the most recent ones. */
const LINES_MAX = 1_000
/** Errors of a handler that a redelivery cannot fix: a local run ends with their message. */
const FINAL = new Set(['ConfigError', 'EventShapeError', 'StopError', 'AssertionFault'])

/** An invocation failed: its handler threw, or its environment timed out or ended. */
export class FunctionError extends RetryableError {
  readonly errorType: string
  readonly trace: readonly string[]

  constructor({ errorType, errorMessage, trace }: ErrorBody) {
    super('function-error', `${errorType}: ${errorMessage}`)
    this.errorType = errorType
    this.trace = trace ?? []
  }
}

export interface Counters {
  readonly invocations: number
  readonly coldStarts: number
  /** The sum over all cold starts. */
  readonly initMs: number
  readonly initFailures: number
  readonly errors: number
  readonly timeouts: number
  readonly throttles: number
  /** Environments killed from outside, by `kill`. */
  readonly kills: number
  /** Invocations abandoned midway, by `abandon`. */
  readonly zombies: number
}

/**
 * A Lambda function on this machine: the bundled handler in processes of its own, which are frozen between invocations.
 * Each runs one invocation at a time and is reused while warm, the most recently used first.
 * @example
 * const f = new LambdaFunction({ name: 'ingest', taskRoot: 'out/ingest' })
 * await f.invoke({ Records: [] })
 * await f.close()
 */
export class LambdaFunction {
  readonly name: string
  private readonly settings: Settings
  private readonly watchdog = new Watchdog()
  private readonly live = new Set<Environment>()
  private readonly idle: Environment[] = []
  private readonly kept: LogLine[] = []
  private readonly count = {
    invocations: 0,
    coldStarts: 0,
    initMs: 0,
    initFailures: 0,
    errors: 0,
    timeouts: 0,
    throttles: 0,
    kills: 0,
    zombies: 0,
  }
  private underWay = 0
  private closed = false

  constructor(options: FunctionOptions) {
    const settings = settingsOf(options)
    this.name = settings.name
    this.settings = { ...settings, onLine: (line) => this.keep(line, settings.onLine) }
  }

  get counters(): Counters {
    return { ...this.count }
  }

  /** The most recent lines that its environments wrote. */
  get lines(): readonly LogLine[] {
    return this.kept
  }

  /** All environments that have a process, including starting and frozen ones and zombies. */
  get environments(): readonly Environment[] {
    return [...this.live].filter(({ state }) => state !== 'dead')
  }

  /**
   * Invokes the function and waits for its answer.
   * @throws {FunctionError} what the handler threw; or a timeout, an exit, a failed init phase or a throttled call
   * @throws {MillraceError} if the handler reports an error that a redelivery cannot fix
   */
  async invoke(event: unknown): Promise<unknown> {
    if (this.closed)
      throw new ConfigError('function-closed', `The function "${this.name}" is closed. Invoke it before closing it.`)
    const text = JSON.stringify(event ?? null)
    const bytes = Buffer.byteLength(text)
    if (bytes > PAYLOAD_BYTES_MAX) {
      throw new ConfigError(
        'event-too-large',
        `An event may have at most ${PAYLOAD_BYTES_MAX} bytes, which is Lambda's limit; this event for "${this.name}" has ${bytes}. Send fewer records.`,
      )
    }
    this.count.invocations++
    if (this.underWay >= this.settings.concurrency) {
      this.count.throttles++
      throw new FunctionError({ errorType: 'TooManyRequestsException', errorMessage: 'Rate Exceeded.' })
    }
    this.underWay++
    try {
      return this.answer(await this.run(text))
    } finally {
      this.underWay--
    }
  }

  /** Sends SIGKILL to an environment in any state. */
  kill(environment: Environment): void {
    this.count.kills++
    environment.kill()
  }

  /** Turns a busy environment into a zombie; `environment.thaw()` lets it go on. */
  abandon(environment: Environment): void {
    this.count.zombies++
    environment.abandon()
  }

  /** Ends every process that it has started. */
  async close(): Promise<void> {
    this.closed = true
    // An environment that is being started is not yet in `live`.
    while (this.live.size > 0 || this.underWay > 0) {
      await Promise.all([...this.live].map((environment) => environment.close()))
      await new Promise((resolve) => setImmediate(resolve))
    }
    await this.watchdog.close()
  }

  private async run(event: string): Promise<Outcome> {
    const requestId = randomIds.next()
    let { timeoutMs } = this.settings
    let environment = this.warm()
    if (environment === undefined) {
      const first = await this.start(requestId, INIT_MS_MAX)
      if (first instanceof Environment) environment = first
      else {
        const before = performance.now()
        const second = await this.start(requestId, timeoutMs)
        if (!(second instanceof Environment)) return { kind: 'error', error: second }
        environment = second
        timeoutMs = Math.max(1, timeoutMs - (performance.now() - before))
      }
    }
    const outcome = await environment.invoke(requestId, event, timeoutMs)
    if (environment.state === 'idle') this.idle.push(environment)
    return outcome
  }

  /** The environment that was used last; one that died while it was frozen does not count. */
  private warm(): Environment | undefined {
    for (;;) {
      const environment = this.idle.pop()
      if (environment === undefined || environment.state === 'idle') return environment
    }
  }

  private async start(requestId: string, limitMs: number): Promise<Environment | ErrorBody> {
    const environment = await Environment.start(this.settings, this.watchdog)
    this.live.add(environment)
    environment.gone.then(() => environment.close()).finally(() => this.live.delete(environment))
    this.count.coldStarts++
    const error = await environment.init(requestId, limitMs)
    if (error === undefined) {
      this.count.initMs += environment.initMs ?? 0
      return environment
    }
    this.count.initFailures++
    return error
  }

  private answer(outcome: Outcome): unknown {
    if (outcome.kind === 'response') {
      try {
        return JSON.parse(outcome.body)
      } catch {
        throw this.failed({ errorType: 'Runtime.InvalidResponse', errorMessage: 'The response is not valid JSON' })
      }
    }
    throw this.failed(outcome.error)
  }

  private failed(error: ErrorBody): MillraceError {
    this.count.errors++
    if (error.errorType === 'Sandbox.Timedout') this.count.timeouts++
    return FINAL.has(error.errorType)
      ? new MillraceError('function-stopped', error.errorMessage)
      : new FunctionError(error)
  }

  private keep(line: LogLine, onLine: (line: LogLine) => void): void {
    if (this.kept.push(line) > LINES_MAX) this.kept.shift()
    onLine(line)
  }
}
