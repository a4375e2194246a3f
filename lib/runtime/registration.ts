import { RetryableError, TIME_MIN, together } from '../base/index.js'
import type { InputPlan, StagePlan } from '../pipeline/index.js'
import type { SplitListing, StateStore } from '../ports/index.js'
import type { Host } from './host.js'
import { FIRST_SPLIT, keyGroupSplit, LAST_SPLIT, START, splitKey, splitName, splitsPks, watermarkKey } from './keys.js'
import { writeMarks } from './marks.js'
import { freshSplit, freshSuccessor, readSplit, type SplitState, successorOf } from './split-item.js'

/**
 * Registers a split that was not known before: as its source lists it, or from its start if the source cannot be asked
 * or lists nothing.
 *
 * @throws {RetryableError} `unlisted-split` if the source lists other splits but not this one: without a listing its
 *   parents are not known (invariant 6)
 */
export async function registerSplit(host: Host, stage: StagePlan, input: InputPlan, split: string): Promise<void> {
  const listed = await host.services.inspector(input.name)?.list()
  const listing = listed?.find((candidate) => candidate.split === split)
  if (listing === undefined && listed !== undefined && listed.length > 0)
    throw new RetryableError(
      'unlisted-split',
      `The source "${input.name}" delivers records from the split ${split}, but does not list it among its ${listed.length} splits. Check that its binding names the same stream or topic.`,
    )
  // It is read from its start, whatever start the source lists, because one of its batches is already here.
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
 * Registers every split of a stage before the stage's first proposal (invariants 4, 6). The splits that the sources
 * list are inserted as joining. The key groups of previous operators are members at once: they are inserted before the
 * `registered` flag is set, and so before any `proposed` value that a gate could miss.
 */
export async function register(host: Host, stage: StagePlan): Promise<void> {
  const { store, clock, logger } = host.services
  const marks = writeMarks([{ at: clock.now(), top: TIME_MIN }])
  await store.insert([{ ...watermarkKey(host.prefix, stage.index), ...marks, registered: false }]) // guard: registered-after-splits
  for (const input of stage.inputs) {
    if (input.kind === 'source') {
      const inspector = host.services.inspector(input.name)
      if (inspector === undefined) {
        logger.warn('the source cannot list its splits: each is registered with its first record', {
          source: input.name,
        })
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

/**
 * Registers the listed splits that the stage does not know yet. `known` are its splits, if they have just been read.
 */
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
 * Registers the missing successors of splits whose logs were recreated. The command that reset such a split may have
 * died before it created the successor.
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

/** Every split of a stage, from strongly consistent reads. */
export async function listSplits(host: Host, stage: StagePlan): Promise<SplitState[]> {
  return await readSplits(host.services.store, host.prefix, stage)
}

/** Every split of a stage, sorted by name. */
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
  const shards = await together(splitsPks(prefix, stage).map(read))
  if (shards.length === 1) return shards[0]!
  return shards.flat().sort((a, b) => (a.name < b.name ? -1 : 1))
}
