import { RetryableError, TIME_MIN } from '../base/index.js'
import type { StagePlan } from '../pipeline/index.js'
import type { Attribute } from '../ports/index.js'
import type { Host } from './host.js'
import { splitKey } from './keys.js'
import {
  addCounters,
  type Counters,
  chainBucket,
  progressSeal,
  readSplit,
  type SplitState,
  writeCounters,
  writeTails,
} from './split-item.js'

export interface Progress {
  readonly to: string
  readonly own: number
  readonly top: number
  readonly counters: Counters
  readonly tails: ReadonlyMap<string, string>
  /** When the broker received the last record, if the broker states it. */
  readonly arrived?: number | undefined
}

/**
 * The approximate bytes of an item's names and values besides its tails. The tails may use the rest of one write unit.
 */
const OTHER_BYTES = 280
/** The same for a mark with a clock's limit, or for a range that was found empty. */
const MARK_BYTES = 60

/**
 * Moves a split's position forward to `to`, if it is below `to` and the gate is still the one on which every
 * classification of this attempt depended (invariants 5, 9). The counters are absolute values (invariant 10). Returns
 * the split's state after the write: this attempt's own, or that of another attempt that was further ahead.
 */
export async function checkpoint(
  host: Host,
  stage: StagePlan,
  before: SplitState,
  progress: Progress,
): Promise<{ moved: boolean; split: SplitState }> {
  const { store, clock } = host.services
  const key = splitKey(host.prefix, stage, before.name)
  const counters = addCounters(before.counters, progress.counters)
  const tails = new Map<string, string>()
  const own = Math.max(progress.own, before.gate)
  // Nothing from this split can reach a bucket that its own watermark has passed, so the bucket's tail is not needed.
  for (const [chain, to] of [...before.tails, ...progress.tails]) if (chainBucket(chain) > own) tails.set(chain, to)
  const text = writeCounters(counters)
  const room =
    OTHER_BYTES +
    (before.limitTo === '' ? 0 : MARK_BYTES + before.limitTo.length) +
    (before.emptyTo === '' ? 0 : MARK_BYTES + before.emptyTo.length) +
    key.pk.length +
    key.sk.length +
    progress.to.length +
    text.length
  const written = writeTails(tails, room)
  const { to: position, top } = progress
  const set: Record<string, Attribute> = {
    position,
    own: progress.own,
    top,
    tails: written,
    counters: text,
    progressSeal: progressSeal(before.name, { position, own: progress.own, top }, written, text),
    at: clock.now(),
    ...(progress.arrived !== undefined && { arrived: progress.arrived }),
  }
  // A mark is no longer needed once all of its records have been passed.
  const isPassed = before.limitTo !== '' && progress.to >= before.limitTo
  const isFilled = before.emptyTo !== '' && progress.to >= before.emptyTo
  const verdict = await store.update({
    key,
    set,
    remove: [...(isPassed ? ['limit', 'limitTo', 'limitSeal'] : []), ...(isFilled ? ['emptyTo', 'emptySeal'] : [])],
    when: [
      { attribute: 'position', is: 'below', value: progress.to }, // guard: position-grows
      { attribute: 'gate', is: 'equal', value: before.gate }, // guard: gate-as-read
      // A split that was stopped, or replaced by another one, accepts nothing more from an attempt that was running.
      { attribute: 'stopped', is: 'absent' }, // guard: stopped-takes-nothing
      { attribute: 'next', is: 'absent' }, // guard: replaced-takes-nothing
    ],
  })
  if (verdict.applied) {
    return {
      moved: true,
      split: {
        ...before,
        position: progress.to,
        own: progress.own,
        top: progress.top,
        tails,
        counters,
        ...(isPassed && { limit: TIME_MIN, limitTo: '' }),
        ...(isFilled && { emptyTo: '' }),
        written: [written, text],
        at: set.at as number,
        arrived: progress.arrived ?? before.arrived,
      },
    }
  }
  if (verdict.item === undefined)
    throw new RetryableError('lost-split', `The item of the split ${before.name} no longer exists.`)
  const split = readSplit(verdict.item, stage.operators.length)
  if (split.stopped !== '' || split.next !== '')
    throw new RetryableError('split-stopped', `The split ${before.name} was stopped during an attempt.`)
  if (split.position >= progress.to) return { moved: false, split }
  throw new RetryableError('gate-moved', `The gate of the split ${before.name} changed during an attempt.`)
}
