import { RetryableError, TIME_MIN } from '../base/index.js'
import type { InputPlan, StagePlan } from '../pipeline/index.js'
import type { SplitListing, StateStore } from '../ports/index.js'
import type { Host } from './host.js'
import { FIRST_SPLIT, keyGroupSplit, LAST_SPLIT, START, splitKey, splitName, splitsPks, watermarkKey } from './keys.js'
import { writeMarks } from './marks.js'
import { freshSplit, freshSuccessor, readSplit, type SplitState, successorOf } from './split-item.js'

/**
 * A split that nobody knew: registered as its source lists it, or from its start where the source cannot be asked, or
 * lists nothing.
 * @throws {RetryableError} `unlisted-split` where its source lists others: without its listing its parents are not
 * known (invariant 6)
 */
export async function registerSplit(host: Host, stage: StagePlan, input: InputPlan, split: string): Promise<void> {
  const listed = await host.services.inspector(input.name)?.list()
  const listing = listed?.find((candidate) => candidate.split === split)
  if (listing === undefined && listed !== undefined && listed.length > 0)
    throw new RetryableError(
      'unlisted-split',
      `The source "${input.name}" delivers records of ${split}, and does not list it among its ${listed.length} splits. Check that its binding names the same stream or topic.`,
    )
  // From its start, whatever the source says that is: a batch of it is here.
  const fresh = listing === undefined ? { split, closed: false } : { ...listing, start: START }
  await insertSplits(host, stage, input, [fresh], listing !== undefined)
}

async function insertSplits(
  host: Host,
  stage: StagePlan,
  input: InputPlan,
  listings: readonly SplitListing[],
  isListed: boolean,
): Promise<void> {
  const { store, clock } = host.services
  if (listings.length === 0) return
  // guard: start-as-listed
  await store.insert(
    listings.map((listing) => ({
      ...splitKey(host.prefix, stage, splitName(input.name, listing.split)),
      ...freshSplit(splitName(input.name, listing.split), listing.start ?? START, listing.parents ?? [], clock.now()),
      ...(isListed && { listed: true }),
    })),
  )
}

/**
 * Registers every split of a stage before its first proposal (invariants 4, 6): those that the sources list, as
 * joining, and the key groups of the operators before it. Those are members at once: their insert comes before the
 * flag, so before any `proposed` that a gate could miss.
 */
export async function register(host: Host, stage: StagePlan): Promise<void> {
  const { store, clock, logger } = host.services
  const marks = writeMarks([{ at: clock.now(), top: TIME_MIN }])
  await store.insert([{ ...watermarkKey(host.prefix, stage.index), ...marks, registered: false }]) // guard: registered-after-splits
  for (const input of stage.inputs) {
    if (input.kind === 'source') {
      const inspector = host.services.inspector(input.name)
      if (inspector === undefined) {
        logger.warn('a source cannot be asked for its splits: they register as they appear', { source: input.name })
        continue
      }
      await registerListed(host, stage, input, await inspector.list()) // guard: registered-after-splits
    } else {
      const groups = Array.from({ length: input.operator.keyGroups }, (_, keyGroup) => ({
        ...splitKey(host.prefix, stage, splitName(input.name, keyGroupSplit(keyGroup))),
        ...freshSplit(splitName(input.name, keyGroupSplit(keyGroup)), START, [], clock.now(), 'member'),
      }))
      await store.insert(groups) // guard: registered-after-splits
    }
  }
  await store.update({
    key: watermarkKey(host.prefix, stage.index),
    set: { registered: true },
    when: [], // guard: registered-after-splits
  })
}

/** Registers what a source lists and the stage does not know yet; `known` are its splits where they were just read. */
export async function registerListed(
  host: Host,
  stage: StagePlan,
  input: InputPlan,
  listings: readonly SplitListing[],
  known?: readonly SplitState[],
): Promise<void> {
  if (listings.length === 0) return
  const names = new Set((known ?? (await listSplits(host, stage))).map((split) => split.name))
  const fresh = listings.filter((listing) => !names.has(splitName(input.name, listing.split)))
  await insertSplits(host, stage, input, fresh, true)
}

/**
 * A split whose log was made anew has a successor, though the command that reset it may have died before it made one.
 */
export async function registerSuccessors(
  host: Host,
  stage: StagePlan,
  input: InputPlan,
  known: readonly SplitState[],
): Promise<void> {
  const { store, clock } = host.services
  const names = new Set(known.map((split) => split.name))
  for (const { name, next } of known) {
    if (next === '' || !name.startsWith(`${input.name}/`) || names.has(splitName(input.name, next))) continue
    const { origin, generation } = successorOf(next)
    const key = splitKey(host.prefix, stage, splitName(input.name, next))
    // guard: successor-by-tick
    await store.insert([{ ...key, ...freshSuccessor(key.sk.slice(2), origin, generation, clock.now()) }])
  }
}

/** Every split of a stage, read strongly. */
export async function listSplits(host: Host, stage: StagePlan): Promise<SplitState[]> {
  return await readSplits(host.services.store, host.prefix, stage)
}

/** Every split of a stage, in the order of their names. */
export async function readSplits(store: StateStore, prefix: string, stage: StagePlan): Promise<SplitState[]> {
  const read = async (pk: string): Promise<SplitState[]> => {
    const splits: SplitState[] = []
    let after: string | undefined
    do {
      const range = { pk, from: FIRST_SPLIT, to: LAST_SPLIT }
      const page = await store.query({ ...range, ...(after !== undefined && { after }) })
      for (const item of page.items) splits.push(readSplit(item, stage.operators.length))
      after = page.next
    } while (after !== undefined)
    return splits
  }
  const shards = await Promise.all(splitsPks(prefix, stage).map(read))
  if (shards.length === 1) return shards[0]!
  return shards.flat().sort((a, b) => (a.name < b.name ? -1 : 1))
}
