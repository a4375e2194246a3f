import { MillraceError, messageOf, RetryableError } from '../../base/index.js'
import type { Clock, Logger } from '../../ports/index.js'
import type { Faults } from '../chaos.js'
import type { Containers } from '../containers.js'
import type { SplitLog } from '../input/split-log.js'
import type { StreamInput } from '../input/stream-input.js'
import { judge } from './answer.js'
import { buildEvent, type Range } from './events.js'

export interface PollerOptions {
  readonly input: StreamInput
  readonly containers: Pick<Containers, 'invoke'>
  readonly clock: Clock
  readonly logger: Logger
  readonly batch: number
  readonly faults: Faults
  readonly onDelivered: (records: number) => void
  /** The last error that a handler logged when it accepted nothing: its answer does not contain the reason. */
  readonly lastError?: () => string | undefined
}

/**
 * Consecutive failures of a whole batch after which a split is abandoned. Local runs end then; mappings on AWS retry
 * indefinitely.
 */
const FAILURES_MAX = 50
/** How long a batch that is not full waits for more records. */
const BATCHING_WINDOW_MS = 500
const BACKOFF_MS_MAX = 1_000
/** How far back a chaotic poller may repeat delivered records. */
const STRAY_REACH = 200

/**
 * A stream mapping for one split (Kinesis, files). Batches are delivered in order, one at a time. A partial answer
 * resumes at the lowest reported record. After an error the batch is redelivered, halved (bisect) or with another size.
 */
export async function pollStream(options: PollerOptions, log: SplitLog): Promise<void> {
  const { input, faults } = options
  let next = log.first
  let failures = 0
  let most = options.batch
  while (await log.ready(next, most, BATCHING_WINDOW_MS)) {
    const size = faults.cut(most)
    const again = faults.overlap(Math.min(next - log.first, STRAY_REACH))
    const event = buildEvent(
      input,
      [{ log, from: next - again, to: Math.min(log.total, next + size) }],
      options.clock.now(),
    )
    const outcome = await deliver(options, event.json, event.ranges)
    if (outcome.kind === 'failed') {
      failures++
      await giveUpAfter(failures, log.split, outcome.why, () => placeText(input, log, next))
      most = Math.max(1, Math.ceil((event.ranges[0]!.to - next) / 2))
      continue
    }
    const reached = Math.max(next, outcome.at[0]!)
    // An answer that resumes at the start of the batch is a wait, not a failure of the records.
    failures = reached > next ? 0 : failures + 1
    const why = options.lastError?.() ?? 'no record was accepted'
    if (failures > 0) await giveUpAfter(failures, log.split, why, () => placeText(input, log, reached))
    options.onDelivered(reached - next)
    next = reached
    most = options.batch
    if (faults.redeliver()) await deliver(options, event.json, event.ranges)
    log.forget(next - (faults.active ? STRAY_REACH : 0))
    input.taken()
  }
}

/**
 * A Kafka mapping for a whole topic. A batch contains records of several partitions, and after an error all of it is
 * redelivered.
 */
export async function pollTopic(options: PollerOptions): Promise<void> {
  const { input, faults } = options
  const next = new Map(input.logs.map((log) => [log, log.first]))
  let failures = 0
  const share = Math.max(1, Math.floor(options.batch / input.logs.length))
  for (;;) {
    const waiting = (
      await Promise.all(
        input.logs.map(async (log) => ((await log.ready(next.get(log)!, share, BATCHING_WINDOW_MS)) ? log : undefined)),
      )
    ).filter((log) => log !== undefined)
    if (waiting.length === 0) return
    const most = Math.max(1, Math.floor(faults.cut(options.batch) / waiting.length))
    const ranges = faults.shuffle(waiting).map((log) => {
      const from = next.get(log)!
      return {
        log,
        from: from - faults.overlap(Math.min(from - log.first, STRAY_REACH)),
        to: Math.min(log.total, from + most),
      }
    })
    const event = buildEvent(input, ranges, options.clock.now())
    const [{ log: firstLog }] = event.ranges as [Range]
    const first = (): Promise<string> => placeText(input, firstLog, next.get(firstLog)!)
    const outcome = await deliver(options, event.json, event.ranges)
    if (outcome.kind === 'failed') {
      failures++
      await giveUpAfter(failures, input.source.name, outcome.why, first)
      continue
    }
    let taken = 0
    for (const [i, range] of event.ranges.entries()) {
      const reached = Math.max(next.get(range.log)!, outcome.at[i]!)
      taken += reached - next.get(range.log)!
      next.set(range.log, reached)
      range.log.forget(reached - (faults.active ? STRAY_REACH : 0))
    }
    options.onDelivered(taken)
    failures = taken > 0 ? 0 : failures + 1
    const why = options.lastError?.() ?? 'no record was accepted'
    if (failures > 0) await giveUpAfter(failures, input.source.name, why, first)
    if (faults.redeliver()) await deliver(options, event.json, event.ranges)
    input.taken()
  }
}

/** Makes one invocation with the JSON of the event, parsed separately each time as Lambda's runtime does. */
async function deliver(options: PollerOptions, json: string, ranges: readonly Range[]) {
  try {
    const answer = await options.containers.invoke('ingest', JSON.parse(json))
    return judge(options.input, ranges, answer)
  } catch (error) {
    // An error that a redelivery cannot fix ends a local run immediately, with its message.
    if (error instanceof MillraceError && !(error instanceof RetryableError)) throw error
    options.logger.warn('an invocation failed', { source: options.input.source.name, error: messageOf(error) })
    return { kind: 'failed', why: messageOf(error) } as const
  }
}

async function giveUpAfter(failures: number, what: string, why: string, where: () => Promise<string>): Promise<void> {
  if (failures > FAILURES_MAX) {
    throw new MillraceError(
      'stuck',
      `${what} made no progress in ${FAILURES_MAX} deliveries${await where()}; the last error was: ${why}`,
    )
  }
  await new Promise((resolve) => setTimeout(resolve, Math.min(BACKOFF_MS_MAX, failures * failures)))
}

/** Names the location of the next record, if it came from a file. */
async function placeText(input: StreamInput, log: SplitLog, index: number): Promise<string> {
  const place = await input.placeOf(log.split, index)
  return place === undefined ? '' : `, starting at ${place.file}:${place.line}`
}
