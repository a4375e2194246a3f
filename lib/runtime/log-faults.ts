import { EMPTY_PROOF_MS, RESET_MS, StopError } from '../base/index.js'
import type { InputPlan, StagePlan } from '../pipeline/index.js'
import type { Condition, SourceInspector, SplitFault, SplitListing, StateStore } from '../ports/index.js'
import { ageMs } from './age.js'
import type { Host } from './host.js'
import { START, type StageShards, splitKey, splitName } from './keys.js'
import { asRead, change, freshSuccessor, readSplit, type SplitState } from './split-item.js'

/**
 * Asks a source whether the logs of these splits continue after the splits' positions, and stops the splits whose logs
 * do not: either records were deleted unread, or the log was recreated. A stopped split accepts no records until it is
 * reset (`millrace splits reset`). Returns the splits whose logs do not continue. Each of them has been stopped by now,
 * by this attempt or by another one, or has changed since it was read.
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
    // A split that has ended and whose log is closed was read to its end. If the log is open although the split has
    // ended, the log had disappeared and is there again.
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
    // A reset has accepted that the records after this position were deleted. That the log is another one is a separate
    // fault.
    if (kind === 'trimmed' && split.position === split.accepted) continue // guard: accepted-loss
    // The source had reported before that the deleted range held no records. guard: proven-end
    if (kind === 'trimmed' && !unread.has(origin)) continue
    // A record whose retention exceeds the age of the proof is older than the proof. It was there before the source
    // reported that nothing waits, so it was read.
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
    logger.error('split stopped: its log does not continue after its position', { split: split.name, kind, detail })
  }
  return faulty
}

/** The condition that no further range of the split was proved empty since it was read. */
function provenAsRead({ emptyTo }: SplitState): Condition {
  return emptyTo === ''
    ? { attribute: 'emptyTo', is: 'absent' } // guard: proven-as-read
    : { attribute: 'emptyTo', is: 'equal', value: emptyTo } // guard: proven-as-read
}

/**
 * Selects, among the logs that begin after their position, those that also begin after the range proved to hold no
 * record.
 */
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

/** The name under which a split's source lists it: its own, or that of the split whose log was recreated. */
export function originName(input: InputPlan, { name, origin }: SplitState): string {
  return origin === '' ? name : `${input.name}/${origin}`
}

/** The error for a stopped split, with what the user can do. */
export function stoppedError(pipeline: string, split: SplitState): StopError {
  return new StopError(
    'split-stopped',
    `The split ${split.name} of "${pipeline}" has stopped at position ${split.position}: ${split.stopped} No more of its records are read until you run "millrace splits reset".`,
  )
}

/**
 * Lets a stopped split continue. If records were deleted, it continues at the next record. A log that was recreated
 * becomes another split, which is read from its start; the old split ends, so that no position ever moves back
 * (invariant 9). Returns the split's name from now on, or undefined if the split is no longer stopped.
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
      `The split ${split.name} stopped only a moment ago, and an attempt may still be running. Wait ${Math.ceil((RESET_MS - stoppedMs) / 1000)} s, or pass --now if nothing is running.`,
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
  // Another process that finds `next` but no such split also creates it, because this process may die right here.
  // guard: successor-after-end
  await store.insert([{ ...successor, ...freshSuccessor(successor.sk.slice(2), origin, generation, now) }])
  return successor.sk.slice(2)
}

/** Reads one split of a stage by its name. */
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
