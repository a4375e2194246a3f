import { randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { MillraceError, messageOf, RetryableError } from '../base/index.js'
import { type Failure, judgeError, refusal } from './failure.js'

/** The clock, the pauses and the randomness between attempts. */
export interface Pace {
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number
  readonly pause: (ms: number) => Promise<void>
  /** A whole number from 1 to `most`. */
  readonly jitter: (most: number) => number
}

const PACE: Pace = { now: () => performance.now(), pause: (ms) => sleep(ms), jitter: (most) => randomInt(1, most + 1) }

/** How long and how often a call is tried. The total stays well below the function's timeout. */
export interface RetryBudget {
  readonly attemptsMax: number
  readonly totalMs: number
  /** Default: the clock, the timers and the randomness of the process. A simulation passes its own. */
  readonly pace?: Pace
}

export const RETRY_BUDGET: RetryBudget = { attemptsMax: 10, totalMs: 12_000 }

const FIRST_PAUSE_MS = 25
const PAUSE_MS_MAX = 1_000

/** The pauses between the attempts of one call: exponential, with full jitter, and bounded in number and time. */
export class Retries {
  private attempts = 1
  private readonly pace: Pace
  private readonly started: number
  private readonly what: string
  private readonly budget: RetryBudget

  constructor(what: string, budget: RetryBudget) {
    this.what = what
    this.budget = budget
    this.pace = budget.pace ?? PACE
    this.started = this.pace.now()
  }

  /**
   * Waits before the next attempt. If any attempt of a write got no response, its outcome is unknown, even if the last
   * attempt was throttled.
   * @throws {RetryableError} if the retry budget is used up; the message states whether the outcome is unknown
   */
  async pause(failure: Failure, last: unknown): Promise<void> {
    const elapsed = this.pace.now() - this.started
    const mostMs = Math.min(PAUSE_MS_MAX, FIRST_PAUSE_MS * 2 ** this.attempts)
    const pauseMs = this.pace.jitter(Math.ceil(mostMs))
    if (this.attempts >= this.budget.attemptsMax || elapsed + pauseMs > this.budget.totalMs) {
      throw new RetryableError(
        failure === 'throttled' ? 'throttled' : 'unknown-outcome',
        `${this.what} ${failure === 'throttled' ? 'was throttled' : 'got no answer'} in ${this.attempts} attempts over ${Math.round(elapsed)} ms; the last error was: ${messageOf(last)}`,
        { cause: last },
      )
    }
    this.attempts++
    await this.pace.pause(pauseMs)
  }
}

/**
 * Repeats a call until it is answered or refused. Only for calls whose effect may safely happen twice. A refusal is
 * thrown unchanged.
 */
export async function untilAnswered<R>(retries: Retries, call: () => Promise<R>): Promise<R> {
  for (;;) {
    try {
      return await call()
    } catch (error) {
      if (error instanceof MillraceError) throw error
      const failure = judgeError(error)
      if (failure === 'refused') throw error
      await retries.pause(failure, error)
    }
  }
}

/**
 * Like `untilAnswered`, with the default budget. A refusal is explained by `refusal`, which uses `what` and `where`.
 * `doing` describes the call, for messages: `A read of`.
 */
export async function answered<R>(doing: string, what: string, where: string, call: () => Promise<R>): Promise<R> {
  const retries = new Retries(`${doing} ${what.charAt(0).toLowerCase()}${what.slice(1)}`, RETRY_BUDGET)
  return await untilAnswered(retries, call).catch((error: unknown) => {
    throw refusal(error, what, where)
  })
}
