import { MillraceError, messageOf, StopError } from '../../base/index.js'
import { advance, type Bindings, type Handler, ingest, tick } from '../../handlers/index.js'
import type { Pipeline } from '../../pipeline/index.js'
import type { Logger } from '../../ports/index.js'
import { UNANSWERED } from '../../runtime/ingest.js'
import { STOPPED_KEY_GROUP } from '../../runtime/stage-advance.js'
import { UNFINISHED_TICK } from '../../runtime/tick.js'
import type { Invariants } from './invariants.js'
import type { Ports } from './ports.js'
import { Process } from './process.js'
import type { Timer } from './scheduler.js'

export type FunctionName = 'ingest' | 'tick' | 'advance'

const HANDLERS = { ingest, tick, advance }
const SKEW_MS_MAX = 600_000
/** One hour, one year or ten years ahead. */
const FAR_MS = [3_600_000, 31_557_600_000, 315_576_000_000] as const
const NOTICE_MS_MAX = 500
const SLEEP_MS_MAX = 10_000_000
/** The probability that a free warm container gets the next invocation. */
const WARM_SHARE = 0.8

/** The outcome of an invocation, as its caller sees it. */
export type Settled = (outcome: { readonly answer?: unknown; readonly failed?: string }) => void

interface Attempt {
  readonly container: Container
  readonly subject: object | undefined
  readonly deadline: Timer
  settle: Settled | undefined
}

interface Container {
  readonly process: Process
  readonly handler: Handler
  readonly isOther: boolean
}

/** Everything that a container depends on, except its process. */
export type BindingsOf = (process: Process, logger: Logger) => Bindings

/**
 * Lambda: containers that are warm, frozen, thawed, discarded and killed at their deadline, and invocations that are
 * abandoned but continue.
 */
export class Lambda {
  readonly timeoutMs: number
  invocations = 0
  /** Called with the process of each invocation that begins. */
  onStart: (process: Process) => void = () => undefined
  /** Called with each error that stops something until a person acts. */
  onStop: () => void = () => undefined
  /** Called when records may have been deleted unread, and the source cannot confirm it. */
  onDoubt: (split: string, position: string, next: string) => void = () => undefined
  private readonly attempts = new Map<Process, Attempt>()
  private readonly idle: Record<FunctionName, Container[]> = { ingest: [], tick: [], advance: [] }
  /** Processes that were abandoned but still exist. They wake up at some later time. */
  private readonly zombies = new Set<Process>()
  /** Ticks that did not have time for all of their work. */
  private readonly unfinished = new Set<Process>()
  private started = 0

  private readonly ports: Ports
  private readonly pipeline: Pipeline
  private readonly other: Pipeline
  private readonly checks: Invariants
  private readonly bindingsOf: BindingsOf
  private readonly isExpected: (error: unknown) => boolean

  constructor(world: {
    ports: Ports
    pipeline: Pipeline
    checks: Invariants
    timeoutMs: number
    bindingsOf: BindingsOf
    isExpected: (error: unknown) => boolean
  }) {
    this.ports = world.ports
    this.pipeline = world.pipeline
    this.other = {
      ...world.pipeline,
      keyGroups: world.pipeline.keyGroups + 1,
      minAdvanceMs: world.pipeline.minAdvanceMs + 1,
    }
    this.checks = world.checks
    this.timeoutMs = world.timeoutMs
    this.bindingsOf = world.bindingsOf
    this.isExpected = world.isExpected
    world.ports.abandon = (process) => this.abandon(process)
  }

  /** Invokes a function. `subject` is what the invocation is about; for a batch, it is the poller. */
  invoke(name: FunctionName, event: unknown, settle: Settled, subject?: object, isOther = false): void {
    const { scheduler } = this.ports
    const container = this.container(name, isOther)
    const { process } = container
    scheduler.wake(process)
    this.onStart(process)
    this.invocations++
    const deadlineMs = scheduler.now + this.timeoutMs
    const deadline = scheduler.after(this.timeoutMs, `${process.name} reaches its timeout`, () => process.kill())
    const attempt: Attempt = { container, subject, deadline, settle }
    this.attempts.set(process, attempt)
    process.onDeath = () => this.died(attempt)
    const context = { getRemainingTimeInMillis: () => deadlineMs - scheduler.now }
    scheduler.running = process
    container.handler(event, context).then(
      (answer) => this.settled(name, attempt, { answer }),
      (error) => {
        this.judge(error, isOther)
        this.settled(name, attempt, { failed: messageOf(error) })
      },
    )
  }

  /** Whether a process is at work whose answer a caller awaits. */
  get isBusy(): boolean {
    return this.attempts.size > this.zombies.size
  }

  /** Whether any process is at work. */
  get isAlive(): boolean {
    return this.attempts.size > 0
  }

  /**
   * Kills every attempt on this subject, including abandoned ones. An operator has to ensure this before changing a
   * split manually.
   */
  killAll(isAbout: (subject: object | undefined) => boolean): void {
    for (const [process, attempt] of this.attempts) if (isAbout(attempt.subject)) process.kill()
  }

  /** Wakes all sleeping processes. */
  wakeAll(): void {
    for (const process of this.zombies) this.ports.scheduler.wake(process)
    for (const containers of Object.values(this.idle))
      for (const { process } of containers) this.ports.scheduler.wake(process)
  }

  private container(name: FunctionName, isOther: boolean): Container {
    const { scheduler, swarm } = this.ports
    const idle = this.idle[name]
    if (!isOther) {
      while (idle.length > 0 && scheduler.random.next() < WARM_SHARE) {
        const [container] = idle.splice(scheduler.random.below(idle.length), 1)
        if (!swarm.strikes('evict')) return container!
        scheduler.bury(container!.process)
        container!.process.kill()
      }
    }
    const isFar = swarm.strikes('clock-far')
    const skewMs = isFar
      ? FAR_MS[swarm.below(FAR_MS.length)]!
      : swarm.strikes('clock-skew')
        ? swarm.below(2 * SKEW_MS_MAX) - SKEW_MS_MAX
        : 0
    const process = new Process(`${name}${++this.started}`, skewMs)
    const bindings = this.bindingsOf(process, this.logger(process))
    const handler = HANDLERS[name](isOther ? this.other : this.pipeline, bindings)
    return { process, handler, isOther }
  }

  private logger(process: Process): Logger {
    const { scheduler } = this.ports
    return {
      info: () => undefined,
      warn: (message) => {
        scheduler.note(`${process.name} warns: ${message}`)
        if (message === UNFINISHED_TICK) this.unfinished.add(process)
      },
      error: (message, fields) => {
        scheduler.note(`${process.name} logs: ${message} ${String(fields?.error ?? '')}`)
        if (message === STOPPED_KEY_GROUP) this.stoppedKeyGroup(String(fields!.code), String(fields!.error))
        if (message === UNANSWERED) this.onDoubt(String(fields!.split), String(fields!.position), String(fields!.next))
        if (fields?.code === 'unexpected') this.checks.fail(`an unexpected error: ${String(fields.error)}`)
      },
    }
  }

  /** A stopped key group is reported only by a log line and a metric; the invocation does not fail. */
  private stoppedKeyGroup(code: string, error: string): void {
    this.onStop()
    if (!this.isExpected(new StopError(code, error))) this.checks.fail(`a key group stops: ${error}`)
  }

  private judge(error: unknown, isOther: boolean): void {
    const code = error instanceof MillraceError ? error.code : 'unexpected'
    if (error instanceof StopError && !isOther) this.onStop()
    if (isOther ? code !== 'graph-changed' && !this.isExpected(error) : !this.isExpected(error))
      this.checks.fail(
        `an unexpected error: ${code}: ${error instanceof MillraceError ? error.message : String((error as Error)?.stack ?? error)}`,
      )
  }

  private settled(name: FunctionName, attempt: Attempt, outcome: Parameters<Settled>[0]): void {
    const { container, deadline, settle } = attempt
    const { process } = container
    const { scheduler } = this.ports
    if (process.isDead) return
    this.attempts.delete(process)
    scheduler.cancel(deadline)
    process.onDeath = () => undefined
    scheduler.note(`${process.name} ${outcome.failed === undefined ? 'answers' : `fails: ${outcome.failed}`}`)
    // Unfinished work of the process is frozen with it.
    scheduler.park(process)
    if (this.zombies.delete(process) || container.isOther) process.kill()
    else this.idle[name].push(container)
    settle?.(this.unfinished.delete(process) ? { failed: UNFINISHED_TICK } : outcome)
  }

  private died(attempt: Attempt): void {
    const { scheduler } = this.ports
    const { process } = attempt.container
    this.attempts.delete(process)
    this.zombies.delete(process)
    scheduler.cancel(attempt.deadline)
    scheduler.bury(process)
    const { settle } = attempt
    attempt.settle = undefined
    if (settle !== undefined)
      scheduler.after(1 + scheduler.random.below(NOTICE_MS_MAX), `${process.name} is seen to be dead`, () =>
        settle({ failed: 'the process died' }),
      )
  }

  /** The caller no longer waits for the process. It sleeps, and continues at some later time. */
  private abandon(process: Process): void {
    const { scheduler, swarm } = this.ports
    const attempt = this.attempts.get(process)
    if (attempt?.settle === undefined) return
    const { settle } = attempt
    attempt.settle = undefined
    scheduler.cancel(attempt.deadline)
    this.zombies.add(process)
    scheduler.park(process)
    scheduler.after(1 + swarm.below(swarm.below(2) === 0 ? SLEEP_MS_MAX : 2_000), `${process.name} wakes`, () =>
      scheduler.wake(process),
    )
    scheduler.after(1 + scheduler.random.below(NOTICE_MS_MAX), `${process.name} is abandoned`, () =>
      settle({ failed: 'the invocation was abandoned' }),
    )
  }
}
