import { randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf, RetryableError } from '../../base/index.js'
import type { Logger, Position } from '../../ports/index.js'
import { type Found, type Judgement, judgeAnswer } from '../../testing/answer.js'

/** What a poller of a real stream or topic needs besides it. */
export interface LiveOptions {
  /** Invokes the ingest handler, as `Containers.invoke` does. */
  readonly invoke: (name: 'ingest', event: unknown) => Promise<unknown>
  /** What the handler has checkpointed of a split; undefined where it has never seen it. */
  readonly positionOf: (split: string) => Promise<Position | undefined>
  /** Records a batch. */
  readonly batch: number
  /** How long a batch that is not full waits for more, ms. Default 500. */
  readonly batchingWindowMs?: number
  /** Ends polling in order: the batch in flight is finished, and what it reached is kept. */
  readonly signal: AbortSignal
  readonly logger: Logger
  /** Called with the records that a batch moved on. */
  readonly onDelivered?: (records: number) => void
}

export const BATCHING_WINDOW_MS = 500

const PAUSE_MS_MIN = 100
const PAUSE_MS_MAX = 5_000

/** Waits that grow with each failure in a row, with jitter. A mapping never gives up, and neither does this. */
export class Backoff {
  failures = 0
  private readonly signal: AbortSignal

  constructor(signal: AbortSignal) {
    this.signal = signal
  }

  reset(): void {
    this.failures = 0
  }

  async pause(mostMs = PAUSE_MS_MAX): Promise<void> {
    const ms = Math.min(mostMs, PAUSE_MS_MIN * 2 ** Math.min(this.failures++, 10))
    await rest(randomInt(Math.ceil(ms / 2), ms + 1), this.signal)
  }
}

/** Sleeps; a signal, or whoever wakes it, ends it early and without an error. */
export async function rest(ms: number, signal: AbortSignal, woken?: Promise<void>): Promise<void> {
  if (signal.aborted) return
  const over = new AbortController()
  const wake = (): void => over.abort()
  signal.addEventListener('abort', wake)
  void woken?.then(wake)
  await sleep(ms, undefined, { signal: over.signal }).catch(() => undefined)
  signal.removeEventListener('abort', wake)
}

/** What the work gives, or undefined as soon as the signal comes. What is left running must end by itself. */
export async function unlessStopped<R>(work: Promise<R>, signal: AbortSignal): Promise<R | undefined> {
  work.catch(() => undefined)
  if (signal.aborted) return undefined
  let stop: () => void = () => undefined
  const stopped = new Promise<undefined>((resolve) => {
    stop = () => resolve(undefined)
    signal.addEventListener('abort', stop)
  })
  try {
    return await Promise.race([work, stopped])
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

/** Asks until there is an answer; what somebody has to mend is thrown. Undefined: stopped before. */
export async function untilAnswered<R>(ask: () => Promise<R>, { signal, logger }: LiveOptions): Promise<R | undefined> {
  const backoff = new Backoff(signal)
  while (!signal.aborted) {
    try {
      return await unlessStopped(ask(), signal)
    } catch (error) {
      if (!(error instanceof RetryableError)) throw error
      logger.warn('a source does not answer', { error: error.message })
      await backoff.pause()
    }
  }
  return undefined
}

/** One invocation with the event's JSON, parsed anew as Lambda's runtime does; and what its answer means. */
export async function deliver(
  { invoke, logger }: LiveOptions,
  what: string,
  json: string,
  ends: readonly number[],
  locate: (identifier: any) => Found | undefined,
): Promise<Judgement> {
  try {
    const judgement = judgeAnswer(await invoke('ingest', JSON.parse(json)), ends, locate)
    if (judgement.kind === 'failed') logger.warn('an answer fails its batch', { from: what, why: judgement.why })
    return judgement
  } catch (error) {
    logger.warn('an invocation failed: its batch comes again', { from: what, error: messageOf(error) })
    return { kind: 'failed', why: messageOf(error) }
  }
}
