import { randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { MillraceError, messageOf, RetryableError } from '../base/index.js'
import { type Failure, judgeError } from './failure.js'

/** How long, and how often, a call is tried. Well below the time that the function has. */
export interface RetryBudget {
  readonly attemptsMax: number
  readonly totalMs: number
}

export const RETRY_BUDGET: RetryBudget = { attemptsMax: 10, totalMs: 12_000 }

const FIRST_PAUSE_MS = 25
const PAUSE_MS_MAX = 1_000

/** The pauses between the attempts of one call: exponential, with full jitter, and bounded in number and time. */
export class Retries {
  private attempts = 1
  private readonly started = performance.now()
  private readonly what: string
  private readonly budget: RetryBudget

  constructor(what: string, budget: RetryBudget) {
    this.what = what
    this.budget = budget
  }

  /**
   * Waits before the next attempt.
   * @throws {RetryableError} where the budget is spent; the message says whether the effect is unknown
   */
  async pause(failure: Failure, last: unknown): Promise<void> {
    const elapsed = performance.now() - this.started
    const mostMs = Math.min(PAUSE_MS_MAX, FIRST_PAUSE_MS * 2 ** this.attempts)
    const pauseMs = randomInt(1, Math.ceil(mostMs) + 1)
    if (this.attempts >= this.budget.attemptsMax || elapsed + pauseMs > this.budget.totalMs) {
      throw new RetryableError(
        failure === 'throttled' ? 'throttled' : 'unknown-outcome',
        `${this.what} ${failure === 'throttled' ? 'was throttled' : 'gave no answer'} in ${this.attempts} attempts over ${Math.round(elapsed)} ms; the last one said: ${messageOf(last)}`,
        { cause: last },
      )
    }
    this.attempts++
    await sleep(pauseMs)
  }
}

/** Makes a call until it is answered or refused; for calls whose effect, if they have one, may happen twice. What is refused is thrown as it came. */
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
