import { EMPTY_PROOF_MS, RESET_MS, StopError } from '../base/index.js'
import type { InputPlan, StagePlan } from '../pipeline/index.js'
import type { Condition, SourceInspector, SplitFault, SplitListing, StateStore } from '../ports/index.js'
import { ageMs } from './age.js'
import type { Host } from './host.js'
import { START, type StageShards, splitKey, splitName } from './keys.js'
import { asRead, change, freshSuccessor, readSplit, type SplitState } from './split-item.js'

/**
 * Asks a source whether the logs of these splits go on after their positions, and stops those that do not: records were
 * deleted unread, or the log was made anew. Nothing of a stopped split is taken until an operator resets it. Returns
 * the splits of which that was said: they are stopped by now, by this attempt or another, or have changed since they
 * were read.
 */
export async function stopFaulty(
  host: Host,
  stage: StagePlan,
  input: InputPlan,
  splits: readonly SplitState[],
  listed: readonly SplitListing[],
): Promise<ReadonlySet<string>> {
  const inspector = host.services.inspector(input.name)
  if (inspector?.verify === undefined) return new Set()
  const byName = new Map(listed.map((listing) => [splitName(input.name, listing.split), listing]))
  const asked = new Map<string, SplitState>()
  for (const split of splits) {
    const listing = byName.get(originName(input, split))
    if (listing === undefined || split.next !== '' || split.stopped !== '') continue
    // One that has ended and is closed was read to its end. One that has ended and is open was gone, and is there
    // again.
    if (split.status === 'ended' && listing.closed) continue
    const origin = listing.split
    if (split.position !== START) asked.set(origin, split)
  }
  const faulty = new Set<string>()
  if (asked.size === 0) return faulty
  const positions = new Map([...asked].map(([origin, { position }]) => [origin, position]))
  const { store, clock, logger, metrics } = host.services
  const faults = await inspector.verify(positions)
  const unread = await unreadOf(inspector, asked, faults)
  for (const { split: origin, kind, detail, retentionMs } of faults) {
    const split = asked.get(origin)!
    // An operator has accepted that what followed is gone; that the log is another one is a thing of its own.
    if (kind === 'trimmed' && split.position === split.accepted) continue // guard: accepted-loss
    // Only places without a record were deleted, as its source had said of them before. guard: proven-end
    if (kind === 'trimmed' && !unread.has(origin)) continue
    // What lives longer than the proof is old, and was there before the source said that nothing waits: it was read.
    // guard: empty-proof
    if (
      kind === 'trimmed' &&
      retentionMs !== undefined &&
      ageMs(clock.now(), split.empty) < Math.min(EMPTY_PROOF_MS, retentionMs / 2)
    )
      continue
    const verdict = await store.update({
      key: splitKey(host.prefix, stage, split.name),
      set: { ...change(split, {}), stopped: `${kind}: ${detail}`, stoppedAt: clock.now() },
      when: [...asRead(split), provenAsRead(split)], // guard: stop-as-read
    })
    faulty.add(split.name) // guard: stopped-by-anybody
    if (!verdict.applied) continue
    metrics.add('StoppedSplits', 1, 'Count')
    logger.error('a split stops: its log does not go on after its position', { split: split.name, kind, detail })
  }
  return faulty
}

/** Nothing more was proved empty of a split since it was read. */
function provenAsRead({ emptyTo }: SplitState): Condition {
  return emptyTo === ''
    ? { attribute: 'emptyTo', is: 'absent' } // guard: proven-as-read
    : { attribute: 'emptyTo', is: 'equal', value: emptyTo } // guard: proven-as-read
}

/** Of the logs that begin after their position: those that begin after what was found to hold no record too. */
async function unreadOf(
  inspector: SourceInspector,
  asked: ReadonlyMap<string, SplitState>,
  faults: readonly SplitFault[],
): Promise<ReadonlySet<string>> {
  const unread = new Set<string>()
  const proven = new Map<string, string>()
  for (const { split, kind } of faults) {
    if (kind !== 'trimmed') continue
    const { position, emptyTo } = asked.get(split)!
    if (emptyTo > position) proven.set(split, emptyTo)
    else unread.add(split)
  }
  if (proven.size > 0)
    for (const { split, kind } of await inspector.verify!(proven)) if (kind === 'trimmed') unread.add(split)
  return unread
}

/** The name under which a split's source lists it: its own, or that of the split whose log was made anew. */
export function originName(input: InputPlan, { name, origin }: SplitState): string {
  return origin === '' ? name : `${input.name}/${origin}`
}

/** The sentence of a stopped split, with what an operator can do. */
export function stoppedError(pipeline: string, split: SplitState): StopError {
  return new StopError(
    'split-stopped',
    `The split ${split.name} of "${pipeline}" has stopped at position ${split.position}: ${split.stopped} Its records are not taken until "millrace splits reset" says how it goes on.`,
  )
}

/**
 * Lets a stopped split go on. Where records are gone it goes on at the next one. A log that was made anew is another
 * split, from its start: the one that was here ends, so that no position ever falls (invariant 9). Returns the split's
 * name from now on, or undefined where it is not stopped any more.
 */
export async function resetSplit(
  store: StateStore,
  prefix: string,
  stage: StageShards,
  split: SplitState,
  now: number,
  isForced = false,
): Promise<string | undefined> {
  const key = splitKey(prefix, stage, split.name)
  const stoppedMs = ageMs(now, split.stoppedAt)
  if (!isForced && stoppedMs < RESET_MS)
    throw new StopError(
      'too-soon',
      `The split ${split.name} has stopped only a moment ago, and an attempt may be under way still. Wait ${Math.ceil((RESET_MS - stoppedMs) / 1000)} s, or give --now if nothing runs.`,
    )
  const when = [
    ...asRead(split), // guard: reset-as-read
    { attribute: 'stopped', is: 'equal', value: split.stopped } as const, // guard: reset-what-stopped
  ]
  if (!split.stopped.startsWith('beyond-end')) {
    const set = { accepted: split.position, at: now }
    const verdict = await store.update({ key, set, remove: ['stopped'], when })
    return verdict.applied ? split.name : undefined
  }
  const cut = split.name.indexOf('/')
  const input = split.name.slice(0, cut)
  const origin = split.origin || split.name.slice(cut + 1)
  const generation = split.generation + 1
  const next = `${origin}@${generation}`
  const successor = splitKey(prefix, stage, splitName(input, next))
  const set = { ...change(split, { status: 'ended', next }), at: now }
  const verdict = await store.update({ key, set, remove: ['stopped'], when })
  if (!verdict.applied) return undefined
  // Who finds `next` and no such split makes it too: this may be the last thing that a process does.
  // guard: successor-after-end
  await store.insert([{ ...successor, ...freshSuccessor(successor.sk.slice(2), origin, generation, now) }])
  return successor.sk.slice(2)
}

/** Reads a split of a stage by its name. */
export async function findSplit(
  store: StateStore,
  prefix: string,
  stage: StageShards,
  name: string,
  operators: number,
): Promise<SplitState | undefined> {
  const [item] = await store.get([splitKey(prefix, stage, name)])
  return item === undefined ? undefined : readSplit(item, operators)
}
