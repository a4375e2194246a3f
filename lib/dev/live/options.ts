import { randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf, RetryableError } from '../../base/index.js'
import type { Logger, Position } from '../../ports/index.js'
import { type Found, type Judgement, judgeAnswer } from '../../testing/answer.js'

/** Options of a poller besides its stream or topic. */
export interface LiveOptions {
  /** Invokes the ingest handler, as `Containers.invoke` does. */
  readonly invoke: (name: 'ingest', event: unknown) => Promise<unknown>
  /** The position that the handler has checkpointed for a split; undefined if it has never processed the split. */
  readonly positionOf: (split: string) => Promise<Position | undefined>
  /** Maximum records per batch. */
  readonly batch: number
  /** How long a batch that is not full waits for more records, ms. Default 500. */
  readonly batchingWindowMs?: number
  /** Ends polling in order: the batch in flight is finished, and its progress is kept. */
  readonly signal: AbortSignal
  readonly logger: Logger
  /** Called with the number of records that a batch completed. */
  readonly onDelivered?: (records: number) => void
}

export const BATCHING_WINDOW_MS = 500

const PAUSE_MS_MIN = 100
const PAUSE_MS_MAX = 5_000

/** Waits that grow with each consecutive failure, with jitter. It never gives up, as a mapping never does. */
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

/** Sleeps. The signal or `woken` ends the sleep early, without an error. */
export async function rest(ms: number, signal: AbortSignal, woken?: Promise<void>): Promise<void> {
  if (signal.aborted) return
  const over = new AbortController()
  const wake = (): void => over.abort()
  signal.addEventListener('abort', wake)
  void woken?.then(wake)
  await sleep(ms, undefined, { signal: over.signal }).catch(() => undefined)
  signal.removeEventListener('abort', wake)
}

/** The result of the work, or undefined as soon as the signal is aborted. The remaining work must end by itself. */
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

/** Repeats a request until it is answered. An error that needs a fix is thrown. Undefined: stopped before. */
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

/**
 * Makes one invocation with the JSON of the event, parsed separately each time as Lambda's runtime does, and judges its
 * answer.
 */
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
    logger.warn('an invocation failed: its batch will be redelivered', { from: what, error: messageOf(error) })
    return { kind: 'failed', why: messageOf(error) }
  }
}
