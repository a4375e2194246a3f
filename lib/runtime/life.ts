import { StopError, TIME_MIN } from '../base/index.js'
import type { OperatorPlan, StagePlan } from '../pipeline/index.js'
import type { Item } from '../ports/index.js'
import type { Host } from './host.js'
import { watermarkKey } from './keys.js'
import { isUnmarked, type Mark, marked, readMarks, segmentLifeMs, writeMarks, writtenSince } from './marks.js'
import { listSplits } from './registration.js'

/**
 * Marks a stage before anything is written to it after a long pause. Everything written from now on is newer than the
 * mark.
 */
export async function markStage(host: Host, stage: StagePlan, watermark: Item | undefined): Promise<void> {
  if (host.services.store.keepsExpired === true) return
  const marks = readMarks(watermark)
  for (const { at } of marks) host.noteMark(stage.index, at)
  if (watermark === undefined || !isUnmarked(host, stage, marks)) return
  const now = host.services.clock.now()
  const more = marked(host, stage, marks, now, await listSplits(host, stage))
  // guard: marks-as-read
  const verdict = await host.services.store.update({
    key: watermarkKey(host.prefix, stage.index),
    set: writeMarks(more),
    when: [
      watermark.marks === undefined
        ? { attribute: 'marks', is: 'absent' } // guard: marks-as-read
        : { attribute: 'marks', is: 'equal', value: watermark.marks }, // guard: marks-as-read
    ],
  })
  if (verdict.applied) host.noteMark(stage.index, more.at(-1)!.at)
}

/**
 * The time until which all of an operator's segments still exist that closing slices from `closed` on may read. `kept`
 * is the time until which the tick has extended the life of all of them.
 */
export function aliveUntil(
  host: Host,
  operator: OperatorPlan,
  marks: readonly Mark[],
  closed: number,
  kept: number | undefined,
): number {
  const start = closed === TIME_MIN ? TIME_MIN : operator.slices.neededFrom(closed)
  return Math.max(writtenSince(host, marks, start) + segmentLifeMs(host, operator), kept ?? Number.NEGATIVE_INFINITY)
}

/**
 * Counted rows are never dropped silently. If segments may have been deleted, nothing is closed, whether or not some
 * are left (invariant 9).
 */
export function refuseExpired(host: Host, operator: OperatorPlan, keyGroup: number, until: number): void {
  if (host.services.store.keepsExpired === true || host.services.clock.now() <= until) return // guard: may-have-expired
  throw new StopError(
    'state-expired',
    `Segments of key group ${keyGroup} of "${operator.name}" may have been deleted because their time to live ended: nothing has run since before ${new Date(Math.max(0, until - host.limits.spareLifeMs)).toISOString()}. Open a new run and replay the source; to pause a pipeline, deploy it with enabled: false, which keeps its state.`,
  )
}
