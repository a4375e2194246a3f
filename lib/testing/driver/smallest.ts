import type { Pipeline } from '../../pipeline/index.js'
import type { Fault } from '../sim/faults.js'
import type { SplitRecords, Way } from './ways.js'

const RUNS_MAX = 150
/** More than any test sends in one batch: only the seed decides where batches are cut. */
const WHOLE = 1_000_000
/**
 * How many other seeds are tried for a smaller way without faults. With fewer records, the same seed cuts batches and
 * shards at other places.
 */
const OTHER_SEEDS = 2
const SEED_STEP = 1_000_003

/** What a way showed when it was tried: undefined if its rows are as expected. */
export type Try<Finding> = (
  way: Way,
  splits: readonly SplitRecords[],
) => Promise<
  { readonly finding: Finding; readonly injected: ReadonlyMap<Fault, number>; readonly ordinals: number } | undefined
>

export interface Smallest<Finding> {
  readonly way: Way
  readonly splits: readonly SplitRecords[]
  readonly finding: Finding
  readonly injected: ReadonlyMap<Fault, number>
}

/**
 * Makes a way that shows something smaller, as long as it shows it: without each of its variations, with fewer faults,
 * and with fewer records if `mayDrop`. The number of runs is limited.
 */
export async function smallest<Finding>(
  pipeline: Pipeline,
  first: Way,
  all: readonly SplitRecords[],
  attempt: Try<Finding>,
  mayDrop: boolean,
): Promise<Smallest<Finding> | undefined> {
  const begun = await attempt(first, all)
  if (begun === undefined) return undefined
  let best = { way: first, splits: all, ...begun }
  let runs = 0
  const shows = async (way: Way, splits = best.splits): Promise<boolean> => {
    for (let other = 0; other <= (way.kinds.length === 0 ? OTHER_SEEDS : 0) && runs < RUNS_MAX; other++) {
      runs++
      const seeded = { ...way, seed: way.seed + other * SEED_STEP }
      const tried = await attempt(seeded, splits)
      if (tried === undefined) continue
      best = { way: seeded, splits, ...tried }
      return true
    }
    return false
  }
  const { keyGroups, writeShards } = pipeline
  const changes: readonly Partial<Way>[] = [{ keyGroups }, { writeShards }, { isResharded: false }, { batch: WHOLE }]
  if (!(await shows({ ...best.way, keyGroups, writeShards, isResharded: false, batch: WHOLE, kinds: [] }))) {
    if (!(await shows({ ...best.way, kinds: [] }))) {
      // Faults that were never injected go at once.
      await shows({ ...best.way, kinds: [...best.injected.keys()] })
      for (const kind of best.way.kinds)
        await shows({ ...best.way, kinds: best.way.kinds.filter((other) => other !== kind) })
    }
    for (const change of changes) await shows({ ...best.way, ...change })
    if (best.way.kinds.length > 0)
      await fewer(
        Array.from({ length: best.ordinals }, (_, ordinal) => ordinal),
        (kept) => shows({ ...best.way, kept: new Set(kept) }),
      )
  }
  if (mayDrop) await fewer(recordsOf(best.splits), (kept) => shows(best.way, withOnly(best.splits, kept)))
  return best
}

/** Delta debugging (Zeller and Hildebrandt, 2002): ever smaller blocks of a list are left out. */
async function fewer<T>(list: readonly T[], shows: (kept: readonly T[]) => Promise<boolean>): Promise<void> {
  let kept = list
  for (let size = Math.ceil(kept.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < kept.length; ) {
      const rest = [...kept.slice(0, at), ...kept.slice(at + size)]
      if (await shows(rest)) kept = rest
      else at += size
    }
  }
}

const recordsOf = (splits: readonly SplitRecords[]): unknown[] => splits.flatMap(({ records }) => records)

function withOnly(splits: readonly SplitRecords[], kept: readonly unknown[]): SplitRecords[] {
  const those = new Set(kept)
  return splits.map((split) => ({ ...split, records: split.records.filter((record) => those.has(record)) }))
}
