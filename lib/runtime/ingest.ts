import {
  CAREFUL_TIMEOUTS,
  CHUNK_TIME_SHARE,
  CONTENTION_TURNS_MAX,
  DEADLINE_RESERVE_MS,
  LAG_MS,
  messageOf,
  QUIET_MS,
  RetryableError,
  StopError,
  TIME_MIN,
} from '../base/index.js'
import type { InputPlan, StagePlan } from '../pipeline/index.js'
import type { SourceNode, SplitBatch } from '../ports/index.js'
import { ageMs } from './age.js'
import { writeSegments } from './chain.js'
import { checkpoint } from './checkpoint.js'
import { markLimit } from './drift.js'
import type { Deadline, Host } from './host.js'
import { START } from './keys.js'
import { markStage } from './life.js'
import { findSplit, stopFaulty, stoppedError } from './log-faults.js'
import { begin } from './membership.js'
import { writeSplitRows } from './outputs.js'
import { foldChunk, type RecordDecoder, type SourceChunk } from './source-chunk.js'
import { effective, type SplitState } from './split-item.js'
import { advanceStage } from './stage-advance.js'
import { StageFold, type StageRefold } from './stage-fold.js'
import { mayMove } from './watermark.js'
import { readWatermark } from './watermark-item.js'

/** The result of a batch. `undone` is the first record that has to be delivered again; it starts a source record. */
export interface IngestOutcome {
  readonly undone: number | undefined
  /** Why it is undone: the deadline, or a child split that waits for its parents. */
  readonly because?: 'deadline' | 'waits-for-parents'
}

/**
 * Logged when a source that can be asked does not answer and the split continues: the only trace that a loss may leave.
 */
export const UNANSWERED =
  'records between these positions may have been deleted unread: the source did not answer whether its log continues'

/** Logged when timestamps are very unlikely to be the intended ones. */
const UNLIKELY = 'timestamps are before minTime or far behind their split: is a field in seconds read as milliseconds?'

type SourceInput = Extract<InputPlan, { kind: 'source' }>

/** Ingests one batch of one split, in chunks with one checkpoint each. Throws if the store or a sink fails. */
export async function ingest(
  host: Host,
  batch: SplitBatch,
  decoder: RecordDecoder,
  deadline: Deadline,
  progress: { undone: number },
): Promise<IngestOutcome> {
  const { stage, input } = host.stageOf(batch.source)
  const source = input as SourceInput
  const { metrics, clock, logger } = host.services
  const beginning = await begin(host, stage, source, batch.split)
  if (beginning.kind === 'wait') return { undone: 0, because: 'waits-for-parents' }
  if (beginning.kind === 'stopped') throw stoppedError(host.plan.pipeline.name, beginning.split)
  // guard: ended-takes-nothing
  if (beginning.kind === 'ended') {
    if (afterPosition(batch, 0, beginning.split) === batch.count) {
      // A partition that disappeared and is there again starts from its beginning: its records are not the ones already
      // counted.
      await checkLog(host, stage, source, batch, beginning.split, beginning.split.at)
      return { undone: undefined }
    }
    throw new StopError(
      'split-ended',
      `The split ${beginning.split.name} has ended, but the source delivers records after its position ${beginning.split.position}. The source listed it as closed or not at all. Check the source, and open a new run if the split still exists.`,
    )
  }
  await markStage(host, stage, beginning.watermark) // guard: marked-before-segments
  let { split } = beginning
  await checkLog(host, stage, source, batch, split, beginning.since) // guard: log-goes-on
  const careful = split.at > TIME_MIN && ageMs(clock.now(), split.at) > CAREFUL_TIMEOUTS * host.services.timeoutMs
  if (careful)
    logger.warn('the last checkpoint is old: careful mode, with chunks of 1, 2, 4 ... records', {
      split: split.name,
      position: split.position,
    })
  // guard: careful
  let size = careful ? 1 : host.limits.chunkRecords
  let next = afterPosition(batch, 0, split)
  let repeats = next
  progress.undone = next
  let turns = 0
  while (next < batch.count) {
    if (deadline.remainingMs() < DEADLINE_RESERVE_MS) return { undone: next, because: 'deadline' } // guard: deadline
    const until = deadline.remainingMs() * (1 - CHUNK_TIME_SHARE)
    const isDue = (): boolean => deadline.remainingMs() < until
    const end = wholeUnits(batch, next, size)
    const chunk = fold(host, stage, source, batch, split, beginning.id, decoder, next, end, isDue)
    if (chunk.next === next) {
      if (++turns > CONTENTION_TURNS_MAX)
        throw new RetryableError(
          'contention',
          `The split ${split.name} changed ${turns} times while its time limit was set.`,
        )
      split = await markLimit(host, stage, source, split, batch.position(next), batch.position(batch.count - 1))
      next = afterPosition(batch, next, split)
      continue
    }
    // guard: rows-before-segments
    await writeSplitRows(host, split.name, split.position, chunk.to, chunk.fold.sinkRows)
    const reached = await writeSegments(
      host,
      stage,
      split.name,
      split.position,
      chunk.to,
      split.tails,
      chunk.fold,
      chunk.again,
    )
    chunk.fold.counters.repeats = repeats
    // guard: segments-before-checkpoint
    const arrived = stampOf(batch, chunk.next - 1)
    const done = await checkpoint(host, stage, split, {
      ...chunk,
      counters: chunk.fold.counters,
      tails: reached,
      arrived,
    })
    if (done.moved) report(host, stage, source.source, chunk)
    split = done.split
    next = afterPosition(batch, chunk.next, split)
    repeats = next - chunk.next
    progress.undone = next
    size = Math.min(size * 2, host.limits.chunkRecords)
  }
  if (repeats > 0) metrics.add('Repeats', repeats, 'Count')
  if (effective(split) > TIME_MIN)
    metrics.peak('WatermarkLagMs', Math.max(0, clock.now() - effective(split)), 'Milliseconds')
  if (mayMove(host, stage, readWatermark(beginning.watermark), split, split.own))
    await advanceStage(host, stage, deadline)
  return { undone: undefined }
}

/**
 * Only the source knows whether a log was recreated or trimmed unread. It is asked when a batch holds nothing new, does
 * not follow the position, is old, or arrives after a long quiet time. The clock only decides when to ask, never what
 * is counted (invariant 1).
 */
async function checkLog(
  host: Host,
  stage: StagePlan,
  input: SourceInput,
  batch: SplitBatch,
  split: SplitState,
  since: number,
): Promise<void> {
  const now = host.services.clock.now()
  const next = afterPosition(batch, 0, split)
  const isRepeat = next === batch.count
  if (!isRepeat) {
    const isQuiet = since > TIME_MIN && ageMs(now, since) > QUIET_MS // guard: quiet-since
    const isGap = split.position !== START && batch.follows?.(next, split.position) === false
    // If the previous record was old, records between it and this one may have been older still, however new this one
    // is.
    const isLagging = split.arrived > TIME_MIN && ageMs(now, split.arrived) > LAG_MS
    const isOld = split.position !== START && (isLagging || ageMs(now, stampOf(batch, next) ?? now) > LAG_MS)
    if (!isQuiet && !isGap && !isOld) return
  }
  const listed = [{ split: batch.split, closed: false }]
  let faulty: ReadonlySet<string>
  try {
    faulty = await stopFaulty(host, stage, input, [split], listed)
  } catch (error) {
    // The records at hand are worth more than an answer, and `tick` asks too. But a batch that looks like a repeat, and
    // may not be one, is not discarded without an answer.
    if (isRepeat) throw error // guard: repeats-asked
    host.services.metrics.add('UnansweredSources', 1, 'Count')
    host.services.logger.error(UNANSWERED, {
      split: split.name,
      position: split.position,
      next: batch.position(next),
      error: messageOf(error),
    })
    return
  }
  if (!faulty.has(split.name)) return
  const stands = await findSplit(host.services.store, host.prefix, stage, split.name, stage.operators.length)
  if (stands !== undefined && stands.stopped !== '') throw stoppedError(host.plan.pipeline.name, stands)
  throw new RetryableError(
    'contention',
    `The split ${split.name} changed while its source was asked whether its log continues. The batch will be retried.`,
  )
}

/**
 * When a record arrived, or what its envelope states about that. It only tells the record's age and never affects
 * results.
 */
function stampOf(batch: SplitBatch, index: number): number | undefined {
  return batch.stampMs === undefined ? batch.arrivalMs(index) : batch.stampMs(index)
}

/** The first record after the split's position. An earlier attempt counted the records before it. */
function afterPosition(batch: SplitBatch, from: number, split: SplitState): number {
  let next = from
  while (next < batch.count && batch.position(next) <= split.position) next++ // guard: repeats-dropped
  return next
}

/** The end of a chunk. A checkpoint ends on whole source records; a KPL aggregate is one. */
function wholeUnits(batch: SplitBatch, from: number, size: number): number {
  return batch.unitEnd(Math.min(batch.count, from + size) - 1)
}

function fold(
  host: Host,
  stage: StagePlan,
  input: SourceInput,
  batch: SplitBatch,
  split: SplitState,
  splitId: string,
  decoder: RecordDecoder,
  from: number,
  to: number,
  isDue: () => boolean,
) {
  const program = host.program(input.node)
  const spoilt = new Map<string, string>()
  const run = (end: number, due: () => boolean, keep?: StageRefold): SourceChunk =>
    foldChunk({
      batch,
      program,
      decoder,
      split,
      from,
      to: end,
      spoilt,
      source: input.source,
      splitId,
      limits: host.limits,
      isDue: due,
      fresh: () => new StageFold(stage, host.plan.pipeline.deadLetter, keep),
    })
  const chunk = run(to, isDue)
  const rejected = spoilt.size
  const again = (keep: StageRefold): StageFold => {
    // The same records again, whatever the time: the extent of the chunk is already decided.
    const anew = run(chunk.next, () => false, keep)
    // With fewer rows, a custom fold threw where it had not thrown before. The row that it left out now would be lost.
    if (anew.next === chunk.next && spoilt.size === rejected) return anew.fold // guard: unsteady-fold
    throw new StopError(
      'unsteady-fold',
      `A custom aggregate of "${host.plan.pipeline.name}" throws on a record of ${split.name} only in some states of its accumulator. Whether add() throws must depend on the record alone.`,
    )
  }
  return { ...chunk, again }
}

function report(host: Host, stage: StagePlan, { name: source, minTimeMs }: SourceNode<any>, chunk: SourceChunk): void {
  const { metrics } = host.services
  const { counters } = chunk.fold
  metrics.add('Records', counters.in, 'Count')
  metrics.add('Rejected', counters.rejected, 'Count')
  metrics.add('Filtered', counters.filtered, 'Count')
  metrics.add('Repeats', counters.repeats, 'Count')
  if (counters.held > 0) metrics.add('HeldTimestamps', counters.held, 'Count')
  for (const [i] of stage.operators.entries()) {
    metrics.add('Late', counters.operators[i]!.late, 'Count')
    metrics.add('Expired', counters.operators[i]!.expired, 'Count')
    if (counters.operators[i]!.outside > 0) metrics.add('OutsideWindows', counters.operators[i]!.outside, 'Count')
  }
  if (counters.unlikely === 0) return
  metrics.add('UnlikelyTimestamps', counters.unlikely, 'Count')
  host.warnOnce(UNLIKELY, { source, records: counters.unlikely, minTime: new Date(minTimeMs).toISOString() })
}
