import { LIFE_PARTS, MARKS_MAX, TIME_MIN } from '../base/index.js'
import type { OperatorPlan, StagePlan } from '../pipeline/index.js'
import type { Item } from '../ports/index.js'
import { ageMs } from './age.js'
import type { Host } from './host.js'
import { checkSeal, sealOf } from './seal.js'
import { effective, type SplitState } from './split-item.js'

/**
 * How long a segment lives (invariant 9): from its write until the last pane that reads it, as long as event time
 * advances with the clock, plus a week. State that waits longer is kept by the tick (`keeper.ts`).
 */
export function segmentLifeMs({ limits }: Host, { slices }: OperatorPlan): number {
  return slices.readMs + limits.spareLifeMs
}

/** When a segment that is written now may be deleted, in s. A clock that is behind others must not shorten the life. */
export function ttlOf(host: Host, operator: OperatorPlan, stage: number): number {
  const now = Math.max(host.services.clock.now(), host.newestMark(stage))
  // In whole seconds. The last one is not relied on.
  return Math.ceil((now + segmentLifeMs(host, operator)) / 1000) + 1 // guard: whole-life
}

/**
 * At the time `at`, no split of the stage had come further than `top`. So segments for event times above `top` were
 * written later.
 */
export interface Mark {
  readonly at: number
  readonly top: number
}

/** The marks of a stage, from its watermark item, in the order in which they were made. */
export function readMarks(item: Item | undefined): readonly Mark[] {
  const text = item?.marks as string | undefined
  if (text === undefined) return []
  checkSeal(item!, 'marksSeal', sealOf('marks', text), "a stage's marks") // guard: marks-seal
  return (JSON.parse(text) as [number, number][]).map(([at, top]) => ({ at, top }))
}

export function writeMarks(marks: readonly Mark[]): { marks: string; marksSeal: number } {
  const text = JSON.stringify(marks.map(({ at, top }) => [at, top]))
  return { marks: text, marksSeal: sealOf('marks', text) }
}

/**
 * The marks, with reliable times. A mark from a clock that is far ahead is given the time of the mark before it, or of
 * the next one if there is none before.
 */
function settled(host: Host, marks: readonly Mark[]): readonly Mark[] {
  const now = host.services.clock.now()
  const isTrusted = ({ at }: Mark): boolean => ageMs(now, at) !== Number.POSITIVE_INFINITY // guard: marks-in-bound
  let last = marks.find(isTrusted)?.at ?? now
  return marks.map((mark) => {
    if (isTrusted(mark)) last = mark.at
    return { at: last, top: mark.top }
  })
}

/** Returns a time before which nothing with event times from `start` on was written. */
export function writtenSince(host: Host, marks: readonly Mark[], start: number): number {
  let since = Number.NEGATIVE_INFINITY
  for (const { at, top } of settled(host, marks)) if ((top < start || top === TIME_MIN) && at > since) since = at // guard: marks-below
  return since
}

/** Whether a stage is due for another mark. It is marked several times within the life of its segments. */
export function isUnmarked(host: Host, stage: StagePlan, marks: readonly Mark[]): boolean {
  if (stage.operators.length === 0) return false
  const now = host.services.clock.now()
  // A mark by a clock that is far ahead does not tell when the next one is due.
  const newest = Math.max(...marks.map(({ at }) => at).filter((at) => ageMs(now, at) !== Number.POSITIVE_INFINITY))
  const least = Math.min(...stage.operators.map((operator) => segmentLifeMs(host, operator)))
  return now - newest > least / LIFE_PARTS
}

/**
 * The marks with one more, made from splits that were read after `at`. The marks that are dropped are older than any
 * segment.
 */
export function marked(
  host: Host,
  stage: StagePlan,
  marks: readonly Mark[],
  at: number,
  splits: readonly SplitState[],
): readonly Mark[] {
  let top = marks.at(-1)?.top ?? TIME_MIN
  for (const split of splits) top = Math.max(top, split.top, effective(split))
  const lives = stage.operators.map((operator) => segmentLifeMs(host, operator))
  const kept = Math.ceil((LIFE_PARTS * Math.max(...lives)) / Math.min(...lives)) + 1
  return [...marks.slice(-Math.min(kept, MARKS_MAX)), { at, top }]
}
