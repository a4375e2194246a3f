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
  /** When the broker took the last record, where it says. */
  readonly arrived?: number | undefined
}

/** Bytes of an item's names and values besides its tails, roughly: what is left of one write unit is theirs. */
const OTHER_BYTES = 280
/** And of a mark of what a clock allowed, or of what was found empty. */
const MARK_BYTES = 60

/**
 * Moves a split's position on, if it lies before `to` and the gate is still the one that every classification of this
 * attempt hung on (invariants 5, 9). Counters are absolute (invariant 10). Returns the split as it stands then: our
 * own, or another attempt's that was further.
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
  // Nothing of this split can reach a bucket that its own watermark has passed: its tail would be dead weight.
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
  // Whoever comes now has no more use of a mark that all its records have passed.
  const isPassed = before.limitTo !== '' && progress.to >= before.limitTo
  const isFilled = before.emptyTo !== '' && progress.to >= before.emptyTo
  const verdict = await store.update({
    key,
    set,
    remove: [...(isPassed ? ['limit', 'limitTo', 'limitSeal'] : []), ...(isFilled ? ['emptyTo', 'emptySeal'] : [])],
    when: [
      { attribute: 'position', is: 'below', value: progress.to }, // guard: position-grows
      { attribute: 'gate', is: 'equal', value: before.gate }, // guard: gate-as-read
      // A split that was stopped, or reset to another one, takes nothing more of an attempt that was under way.
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
    throw new RetryableError('lost-split', `The item of the split ${before.name} is gone.`)
  const split = readSplit(verdict.item, stage.operators.length)
  if (split.stopped !== '' || split.next !== '')
    throw new RetryableError('split-stopped', `The split ${before.name} was stopped during an attempt.`)
  if (split.position >= progress.to) return { moved: false, split }
  throw new RetryableError('gate-moved', `The gate of the split ${before.name} changed during an attempt.`)
}
