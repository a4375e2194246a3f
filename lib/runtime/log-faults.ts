import { EMPTY_PROOF_MS, StopError } from '../base/index.js'
import type { InputPlan, StagePlan } from '../pipeline/index.js'
import type { SplitListing, StateStore } from '../ports/index.js'
import type { Host } from './host.js'
import { START, splitKey, splitName } from './keys.js'
import { asRead } from './membership.js'
import { freshSplit, readSplit, type SplitState } from './split-item.js'

/**
 * Asks a source whether the logs of these splits go on after their positions, and stops those that do not: records were deleted unread, or the log was
 * made anew. Nothing of a stopped split is taken until an operator resets it. Returns the splits that it stopped.
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
  const ids = new Map(listed.map((listing) => [splitName(input.name, listing.split), listing.split]))
  const asked = new Map<string, SplitState>()
  for (const split of splits) {
    const origin = ids.get(originName(input, split))
    if (origin === undefined || split.status === 'ended' || split.stopped !== '') continue
    if (split.position !== START && split.position !== split.accepted) asked.set(origin, split)
  }
  const stopped = new Set<string>()
  if (asked.size === 0) return stopped
  const positions = new Map([...asked].map(([origin, { position }]) => [origin, position]))
  const { store, clock, logger, metrics } = host.services
  for (const { split: origin, kind, detail } of await inspector.verify(positions)) {
    const split = asked.get(origin)!
    // What was deleted was there before the source said that nothing waits: it was read, or it was no record.
    if (kind === 'trimmed' && clock.now() - split.empty < EMPTY_PROOF_MS) continue
    const verdict = await store.update({
      key: splitKey(host.prefix, stage.index, split.name),
      set: { stopped: `${kind}: ${detail}` },
      when: asRead(split),
    })
    if (!verdict.applied) continue
    stopped.add(split.name)
    metrics.add('StoppedSplits', 1, 'Count')
    logger.error('a split stops: its log does not go on after its position', { split: split.name, kind, detail })
  }
  return stopped
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
 * Lets a stopped split go on. Where records are gone it goes on at the next one. A log that was made anew is another split, from its start: the one that
 * was here ends, so that no position ever falls (law 9). Returns the split's name from now on, or undefined where it is not stopped any more.
 */
export async function resetSplit(
  store: StateStore,
  prefix: string,
  stage: number,
  split: SplitState,
  now: number,
): Promise<string | undefined> {
  const key = splitKey(prefix, stage, split.name)
  const when = [...asRead(split), { attribute: 'stopped', is: 'equal', value: split.stopped } as const]
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
  // It is there before anybody is sent to it, and before the split before it stops holding the watermark (law 6).
  await store.insert([{ ...successor, ...freshSplit(START, [], now), origin, generation }])
  const set = { status: 'ended', next, epoch: split.epoch + 1, at: now }
  const verdict = await store.update({ key, set, remove: ['stopped'], when })
  return verdict.applied ? successor.sk.slice(2) : undefined
}

/** Reads a split of a stage by its name. */
export async function findSplit(
  store: StateStore,
  prefix: string,
  stage: number,
  name: string,
  operators: number,
): Promise<SplitState | undefined> {
  const [item] = await store.get([splitKey(prefix, stage, name)])
  return item === undefined ? undefined : readSplit(item, operators)
}
