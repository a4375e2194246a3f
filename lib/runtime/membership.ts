import { CONTENTION_TURNS_MAX, EMPTY_LOOK_MS, MISSING_MS, RetryableError, TIME_MIN } from '../base/index.js'
import type { InputPlan, StagePlan } from '../pipeline/index.js'
import type { Attribute, Item, ItemKey, SplitListing } from '../ports/index.js'
import { ageMs } from './age.js'
import type { Host } from './host.js'
import { splitKey, splitName, watermarkKey } from './keys.js'
import { stopFaulty } from './log-faults.js'
import { registerListed, registerSplit } from './registration.js'
import { inspectorOf } from './rest.js'
import {
  asRead,
  change,
  foundEmpty,
  freshSuccessor,
  progressSeal,
  readSplit,
  type SplitState,
  successorOf,
} from './split-item.js'
import { readWatermark } from './watermark-item.js'

/**
 * What an attempt finds when it begins: its split as a member, and the watermark item. `id` is the split's own id,
 * which differs from the source's id if the log was recreated. `wait` is a child whose parents have not ended.
 */
export type Beginning =
  | {
      readonly kind: 'member'
      readonly id: string
      readonly split: SplitState
      readonly watermark: Item | undefined
      /** When the split was last written before this attempt. */
      readonly since: number
    }
  | { readonly kind: 'wait' }
  | { readonly kind: 'ended'; readonly split: SplitState }
  | { readonly kind: 'stopped'; readonly split: SplitState }

/**
 * Reads the split and the watermark with strong consistency (invariant 12), and makes the split a member if it is not
 * one (invariant 5).
 */
export async function begin(host: Host, stage: StagePlan, input: InputPlan, split: string): Promise<Beginning> {
  const { store, clock } = host.services
  let id = split
  let since: number | undefined
  for (let turn = 0; turn < CONTENTION_TURNS_MAX; turn++) {
    const key = splitKey(host.prefix, stage, splitName(input.name, id))
    const [item, watermark] = await store.get([key, watermarkKey(host.prefix, stage.index)])
    if (item === undefined) {
      if (id === split) await registerSplit(host, stage, input, split)
      else {
        const { origin, generation } = successorOf(id)
        // guard: successor-by-anybody
        await store.insert([{ ...key, ...freshSuccessor(key.sk.slice(2), origin, generation, clock.now()) }])
      }
      continue
    }
    const seen = readSplit(item, stage.operators.length)
    if (seen.next !== '') {
      id = seen.next
      since = undefined
      continue
    }
    since ??= seen.at
    if (seen.stopped !== '') return { kind: 'stopped', split: seen } // guard: begin-not-stopped
    const unchanged = [
      { attribute: 'status', is: 'equal', value: seen.status }, // guard: member-status-as-read
      { attribute: 'epoch', is: 'equal', value: seen.epoch }, // guard: member-epoch-as-read
    ] as const
    switch (seen.status) {
      case 'member':
        return { kind: 'member', id, split: seen, watermark, since }
      case 'ended':
        return { kind: 'ended', split: seen }
      case 'out':
        // guard: member-epoch-as-read
        await store.update({ key, set: { ...change(seen, { status: 'joining' }), at: clock.now() }, when: unchanged })
        break
      case 'parting':
        // An attempt that finds the mark first resets it, so that the process that is taking the split out sees that
        // the split is active.
        // guard: parting-put-back
        await store.update({ key, set: { ...change(seen, { status: seen.was }), at: clock.now() }, when: unchanged })
        break
      case 'joining': {
        const own = await lineage(host, stage, input, seen)
        if (own === undefined) return { kind: 'wait' } // guard: child-waits
        // `proposed` is read after `joining` is durable, and the gate is persisted only if nothing has changed since
        // (invariant 5).
        const [now] = await store.get([watermarkKey(host.prefix, stage.index)])
        const gate = Math.max(seen.gate, readWatermark(now).proposed) // guard: gate-is-proposed
        const set = { ...change(seen, { status: 'member', gate }), ...startAt(seen, own), at: clock.now() }
        await store.update({ key, set, when: unchanged }) // guard: member-epoch-as-read
        break
      }
    }
  }
  throw new RetryableError(
    'contention',
    `The split ${splitName(input.name, id)} changed its membership ${CONTENTION_TURNS_MAX} times during one attempt.`,
  )
}

/** The initial watermarks of a child that has not read anything yet (invariant 6). */
function startAt(seen: SplitState, own: number): Record<string, Attribute> {
  if (own === seen.own) return {}
  const progress = { position: seen.position, own, top: Math.max(seen.top, own) }
  return { own, top: progress.top, progressSeal: progressSeal(seen.name, progress, ...seen.written) }
}

/**
 * The own watermark with which a split continues. A child that has none yet gets it from its parents. Undefined if it
 * is not known yet.
 */
async function lineage(host: Host, stage: StagePlan, input: InputPlan, split: SplitState): Promise<number | undefined> {
  return split.own === TIME_MIN && split.parents.length > 0 ? await parentsEnd(host, stage, input, split) : split.own
}

/**
 * A child waits until its parents have ended, and starts at their lowest final own watermark (invariant 6). Undefined
 * if they have not ended yet.
 */
async function parentsEnd(
  host: Host,
  stage: StagePlan,
  input: InputPlan,
  child: SplitState,
): Promise<number | undefined> {
  let lowest: number | undefined
  for (const parent of child.parents) {
    let id = parent
    await end(host, stage, input, id, undefined, parent)
    let [item] = await host.services.store.get([splitKey(host.prefix, stage, splitName(input.name, id))])
    // If a parent's log was recreated, the child waits for the last of the splits that replaced it.
    for (let turn = 0; turn < CONTENTION_TURNS_MAX && item !== undefined && typeof item.next === 'string'; turn++) {
      id = item.next
      await end(host, stage, input, id, undefined, parent)
      ;[item] = await host.services.store.get([splitKey(host.prefix, stage, splitName(input.name, id))])
    }
    if (item === undefined) {
      // A parent that is neither registered nor listed was trimmed before the start. It counts as ended.
      const listed = await host.services.inspector(input.name)?.list()
      if (listed?.some((listing) => listing.split === parent)) return undefined
      continue
    }
    const split = readSplit(item, stage.operators.length)
    if (split.status !== 'ended') return undefined
    lowest = Math.min(lowest ?? split.own, split.own) // guard: child-starts-at-parents
  }
  return lowest ?? child.own
}

/**
 * Ends a split when its source reports it as closed and nothing waits after its position. Its successors are registered
 * first (invariant 6). A split that its source used to list and lists no more also ends, with an alarm, but only after
 * it has been missing for `MISSING_MS`, since one listing may be incomplete. `origin` is the split's id at the source.
 */
export async function end(
  host: Host,
  stage: StagePlan,
  input: InputPlan,
  split: string,
  known?: readonly SplitListing[],
  origin = split,
): Promise<boolean> {
  const inspector = host.services.inspector(input.name)
  if (inspector === undefined) return false
  const { store, clock } = host.services
  const key = splitKey(host.prefix, stage, splitName(input.name, split))
  const [item] = await store.get([key])
  if (item === undefined) return false
  const seen = readSplit(item, stage.operators.length)
  if (seen.status === 'ended') return true
  if (seen.stopped !== '') return false
  const listed = known ?? (await inspector.list())
  const listing = listed.find((candidate) => candidate.split === origin)
  if (listing === undefined) {
    if (!(await isGone(host, key, item, listed))) return false
  } else if (!listing.closed || (await inspector.peek(origin, seen.position)) !== 'nothing')
    return false // guard: end-needs-evidence
  // `peek` also reports that nothing waits if the rest of the log was deleted unread.
  else if ((await stopFaulty(host, stage, input, [seen], [listing])).size > 0) return false // guard: end-not-trimmed
  // A split that never had a record has its parents' watermark, and hands it on to its children.
  const own = await lineage(host, stage, input, seen) // guard: lineage-handed-on
  if (own === undefined) return false
  // guard: successors-before-end
  await registerListed(
    host,
    stage,
    input,
    listed.filter((candidate) => candidate.parents?.includes(split)),
  )
  const verdict = await store.update({
    key,
    set: { ...change(seen, { status: 'ended' }), ...startAt(seen, own), at: clock.now() },
    when: asRead(seen), // guard: end-as-read
  })
  // A split that has ended no longer holds the watermark back. The next attempt of any split may look for the new
  // holder.
  const watermark = watermarkKey(host.prefix, stage.index)
  if (verdict.applied)
    await store.update({
      key: watermark,
      set: { holder: '' },
      when: [{ attribute: 'holder', is: 'equal', value: seen.name }], // guard: holder-as-read
    })
  return verdict.applied
}

/**
 * Whether a split that its source does not list is gone for good. If the source never listed the split, or lists
 * nothing at all, the missing entry proves nothing.
 */
async function isGone(host: Host, key: ItemKey, item: Item, listed: readonly SplitListing[]): Promise<boolean> {
  const { store, clock, logger } = host.services
  if (item.listed !== true || listed.length === 0) return false
  const missing = item.missing as number | undefined
  // A mark that is much older than a tick or two is from an earlier time when the split was missing.
  if (missing === undefined || ageMs(clock.now(), missing) > 3 * MISSING_MS) {
    await store.update({
      key,
      set: { missing: clock.now() },
      when: [{ attribute: 'epoch', is: 'equal', value: item.epoch! }], // guard: missing-as-read
    })
    return false
  }
  if (ageMs(clock.now(), missing) < MISSING_MS) return false
  logger.error('the source no longer lists a registered split: the split ends here', {
    split: key.sk,
    position: item.position,
  })
  return true
}

/**
 * Removes the mark of a split that was missing from a listing and is listed again. Two short gaps must not add up to
 * one.
 */
export async function isBack(host: Host, stage: StagePlan, split: SplitState): Promise<void> {
  if (!split.missing) return
  const key = splitKey(host.prefix, stage, split.name)
  await host.services.store.update({ key, set: {}, remove: ['missing'], when: asRead(split) }) // guard: back-as-read
}

/** Whether records after the position were deleted unread. If so, the split is now stopped. */
async function isLost(
  host: Host,
  stage: StagePlan,
  input: InputPlan,
  split: SplitState,
  origin: string,
): Promise<boolean> {
  return (await stopFaulty(host, stage, input, [split], [{ split: origin, closed: false }])).size > 0
}

/**
 * Checks now and then that nothing waits for a quiet split yet. If the log before the split's next record is found
 * deleted later, this proves that no record of the split was lost. A quiet log loses its old records like any other.
 */
export async function stillEmpty(
  host: Host,
  stage: StagePlan,
  input: InputPlan,
  split: SplitState,
  origin: string,
): Promise<void> {
  const { store, clock } = host.services
  const inspector = host.services.inspector(input.name)
  const asked = clock.now()
  if (inspector === undefined || Math.min(ageMs(asked, split.at), ageMs(asked, split.empty)) < EMPTY_LOOK_MS) return
  const logEnd = await inspector.end?.(origin) // guard: end-before-evidence
  if ((await inspector.peek(origin, split.position)) !== 'nothing') return
  if (await isLost(host, stage, input, split, origin)) return // guard: empty-not-lost
  await store.update({
    key: splitKey(host.prefix, stage, split.name),
    set: foundEmpty(split, asked, logEnd),
    when: asRead(split), // guard: empty-as-read
  })
}

/**
 * Takes an idle split out of the stage in two phases, with evidence in between: first it sets the mark, then it asks
 * whether anything waits (invariant 5).
 */
export async function part(
  host: Host,
  stage: StagePlan,
  input: InputPlan,
  split: string,
  quietMs: number,
  origin = split,
): Promise<boolean> {
  const inspector = inspectorOf(host, input)
  if (inspector === undefined) return false
  const { store, clock } = host.services
  const key = splitKey(host.prefix, stage, splitName(input.name, split))
  const [item] = await store.get([key])
  if (item === undefined) return false
  const seen = readSplit(item, stage.operators.length)
  if (seen.status === 'out' || seen.status === 'ended' || ageMs(clock.now(), seen.at) < quietMs) return false
  if (seen.stopped !== '') return false
  // A split with something waiting costs no write. The answer that decides is the one after the mark.
  if ((await inspector.peek(origin, seen.position)) !== 'nothing') return false
  const was = seen.status === 'parting' ? seen.was : seen.status
  const epoch = seen.epoch + 1
  const marked = await store.update({
    key,
    set: change(seen, { status: 'parting', was, epoch }),
    when: asRead(seen), // guard: parting-as-read
  })
  if (!marked.applied) return false
  const asked = clock.now()
  const logEnd = await inspector.end?.(origin) // guard: end-before-parting
  const nothing = (await inspector.peek(origin, seen.position)) === 'nothing' // guard: part-needs-evidence
  // Either nothing waits, or what waited was deleted unread since the last question.
  if (nothing && (await isLost(host, stage, input, { ...seen, status: 'parting', was, epoch }, origin))) return false // guard: empty-not-lost
  const verdict = await store.update({
    key,
    set: {
      ...change(seen, { status: nothing ? 'out' : was, was, epoch: epoch + 1 }),
      ...(nothing && foundEmpty(seen, asked, logEnd)),
    },
    when: [
      { attribute: 'status', is: 'equal', value: 'parting' }, // guard: out-of-parting
      { attribute: 'epoch', is: 'equal', value: epoch }, // guard: out-of-this-mark
    ],
  })
  return nothing && verdict.applied
}
