import type { OperatorPlan, StagePlan } from '../pipeline/index.js'
import { writeSegments } from './chain.js'
import { checkpoint } from './checkpoint.js'
import { type Closed, outputOwn } from './closed.js'
import { runEmissions } from './emission.js'
import type { Host } from './host.js'
import { writeSplitRows } from './outputs.js'
import type { SplitState } from './split-item.js'
import type { StageFold } from './stage-fold.js'

/**
 * Writes the results of a key group to the next stage in the order of invariant 3: rows for sinks, segments, then the
 * split that the key group is in that stage. Returns the split's state after the write.
 */
export async function passOn(
  host: Host,
  operator: OperatorPlan,
  next: StagePlan,
  split: SplitState,
  { emissions, cursor: upTo, own }: Closed,
  fold: StageFold,
): Promise<SplitState> {
  await writeSplitRows(host, split.name, split.position, upTo, fold.sinkRows) // guard: pass-on-rows-first
  const again = (keep: Parameters<typeof runEmissions>[5]): StageFold =>
    runEmissions(host, operator, next, emissions, split, keep).fold
  // guard: pass-on-segments-before-split
  const tails = await writeSegments(host, next, split.name, split.position, upTo, split.tails, fold, again)
  const top = emissions.reduce((highest, emission) => Math.max(highest, emission.timestamp), split.top)
  const done = await checkpoint(host, next, split, {
    to: upTo,
    own: outputOwn(operator, own),
    top,
    counters: fold.counters,
    tails,
  })
  return done.split
}
