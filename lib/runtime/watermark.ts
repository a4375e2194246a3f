import { PACE_MS_PER_SPLIT, TIME_MAX, TIME_MIN, WATERMARK_ROUNDS_MAX } from '../base/index.js'
import type { StagePlan } from '../pipeline/index.js'
import { ageMs } from './age.js'
import type { Host } from './host.js'
import { splitKey, splitName, watermarkKey } from './keys.js'
import { isUnmarked, marked, readMarks, writeMarks } from './marks.js'
import { listSplits, register } from './registration.js'
import { endOfStage } from './rest.js'
import { sealOf } from './seal.js'
import { effective, hasLeft, readSplit, type SplitState, standing } from './split-item.js'
import { readWatermark, type StageWatermark } from './watermark-item.js'

/**
 * Whether a slice of the stage closes between the published watermark and this candidate, in steps of `minAdvance`.
 * `isLast` means that no other step follows.
 */
export function wouldClose(
  host: Host,
  stage: StagePlan,
  published: number,
  candidate: number,
  isLast = false,
): boolean {
  if (candidate <= published) return false
  if (candidate === TIME_MAX) return true
  if (!isLast && published > TIME_MIN && candidate - published < host.plan.pipeline.minAdvanceMs) return false
  // A stage without operators has no slices. Its watermark is only there for observation.
  if (stage.operators.length === 0) return false
  return stage.operators.some(
    ({ slices }) => published === TIME_MIN || slices.frontier(candidate) > slices.frontier(published),
  )
}

/** Only the split that holds the minimum can move the watermark. The others see its name in `holder` and do nothing. */
export function mayMove(host: Host, stage: StagePlan, seen: StageWatermark, split: SplitState, own: number): boolean {
  if (!seen.registered || seen.holder === '') return true
  if (seen.holder !== split.name || !wouldClose(host, stage, seen.published, Math.max(own, split.gate))) return false
  // In a large fleet each split would hold the minimum in turn, and each would read all the others. Instead, this
  // split's next batch looks again, or the tick does.
  return (
    seen.splits <= host.limits.pacedSplits ||
    ageMs(host.services.clock.now(), seen.looked) >= seen.splits * PACE_MS_PER_SPLIT
  ) // guard: paced
}

interface Minimum {
  readonly value: number
  readonly holder: string
}

/**
 * The lowest effective watermark among the splits that hold it back; undefined if no split does. A joining split counts
 * as minus infinity.
 */
function minimum(splits: readonly SplitState[]): Minimum | undefined {
  let found: Minimum | undefined
  for (const split of splits) {
    if (hasLeft(split)) continue
    const value = standing(split) === 'joining' ? TIME_MIN : effective(split) // guard: joining-holds-back
    if (found === undefined || value < found.value) found = { value, holder: split.name }
  }
  return found
}

/** How far event time advances when no split holds the watermark back, and whether it stays there. */
interface Unheld {
  readonly value: number
  readonly isLast?: boolean
}
const STAYS: Unheld = { value: TIME_MIN }

/**
 * The watermark of a stage in which no split holds it back. If all sources are bounded and done, it is infinite.
 * Otherwise, once everything has been quiet for `idle.close`, event time advances with the clock until all windows that
 * contain rows are closed, and no further. A record that arrives after a longer quiet time then finds its windows open.
 */
async function unheld(host: Host, stage: StagePlan, splits: readonly SplitState[]): Promise<Unheld> {
  if (splits.every((split) => split.status === 'ended') && (await complete(host, stage, splits)))
    return { value: TIME_MAX }
  const { idleClose } = host.plan.pipeline
  const reached = Math.max(TIME_MIN, ...splits.map(effective))
  if (idleClose === false || reached === TIME_MIN) return STAYS
  const now = host.services.clock.now()
  const quietMs = Math.min(...splits.map((split) => ageMs(now, split.at)))
  // If none of the times is valid, it is not known how long the stage has been quiet.
  if (quietMs === Number.POSITIVE_INFINITY) return STAYS
  const byClock = reached + quietMs
  if (idleClose === 'clock') return { value: byClock }
  if (quietMs < idleClose) return STAYS // guard: quiet-for-long
  const end = await endOfStage(host, stage, splits)
  return { value: Math.min(byClock, end), isLast: end <= byClock } // guard: quiet-end
}

/**
 * Whether no source of the stage can ever have another record (invariant 6): each source lists at least one split, and
 * all listed splits are registered and have ended.
 */
async function complete(host: Host, stage: StagePlan, splits: readonly SplitState[]): Promise<boolean> {
  const ended = new Set(splits.filter((split) => split.status === 'ended').map((split) => split.name))
  for (const input of stage.inputs) {
    if (input.kind !== 'source') return false
    const inspector = host.services.inspector(input.name)
    if (inspector === undefined || !inspector.bounded) return false
    const listed = await inspector.list()
    if (listed.length === 0 || !listed.every((listing) => ended.has(splitName(input.name, listing.split)))) return false
  }
  return true
}

/**
 * Moves the stage's watermark as far as its members allow, in two phases (invariant 4): propose the minimum, list the
 * members again, publish the lower of the two. A split that joins in between either took the proposal as its gate, or
 * is in the second listing. Returns the published watermark.
 */
export async function advanceWatermark(host: Host, stage: StagePlan): Promise<number> {
  const { store, metrics, clock } = host.services
  const key = watermarkKey(host.prefix, stage.index)
  let [item] = await store.get([key])
  // guard: registered-first
  if (!readWatermark(item).registered) {
    await register(host, stage)
    ;[item] = await store.get([key])
  }
  let seen = readWatermark(item)
  for (let round = 0; round < WATERMARK_ROUNDS_MAX; round++) {
    const splits = await listSplits(host, stage)
    const low = minimum(splits)
    const { value: candidate, isLast }: Unheld = low ?? (await unheld(host, stage, splits))
    if (!wouldClose(host, stage, seen.published, candidate, isLast)) {
      if (low === undefined || low.holder === seen.holder) break
      await store.update({
        key,
        set: { holder: low.holder, looked: clock.now(), splits: splits.length },
        when: [], // guard: holder-is-a-hint
      })
      seen = { ...seen, holder: low.holder }
      if (await moved(host, stage, low)) continue
      break
    }
    const verdict = await store.update({
      key,
      set: { proposed: candidate, proposedSeal: sealOf('proposed', candidate) },
      when: [{ attribute: 'proposed', is: 'below', value: candidate }], // guard: proposed-grows
    })
    const proposed = readWatermark(verdict.item).proposed
    const now = clock.now()
    const again = await listSplits(host, stage)
    const marks = readMarks(verdict.item)
    const mark = isUnmarked(host, stage, marks) ? writeMarks(marked(host, stage, marks, now, again)) : {}
    const second = minimum(again)
    const published = Math.min(proposed, second?.value ?? proposed) // guard: two-phases
    const holder = second?.holder ?? ''
    const wrote = await store.update({
      key,
      set: {
        watermark: published,
        watermarkSeal: sealOf('watermark', published),
        holder,
        ...mark,
        looked: now,
        splits: again.length,
        at: now,
      },
      when: [{ attribute: 'watermark', is: 'below', value: published }], // guard: watermark-grows
    })
    seen = readWatermark(wrote.item)
    if (wrote.applied) metrics.add('WatermarkPublished', 1, 'Count')
    // After publishing, look at the new holder once more: it may have advanced while it still saw another holder's
    // name.
    if (second === undefined || !(await moved(host, stage, second))) break
  }
  return seen.published
}

async function moved(host: Host, stage: StagePlan, low: Minimum): Promise<boolean> {
  const [item] = await host.services.store.get([splitKey(host.prefix, stage, low.holder)])
  if (item === undefined) return false
  const split = readSplit(item, stage.operators.length)
  return hasLeft(split) || (standing(split) === 'member' && effective(split) > low.value)
}
