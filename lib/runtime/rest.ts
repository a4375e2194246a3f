import { TIME_MAX, TIME_MIN } from '../base/index.js'
import type { InputPlan, OperatorPlan, StagePlan } from '../pipeline/index.js'
import type { SourceInspector } from '../ports/index.js'
import { doneThrough } from './cursor.js'
import type { Host } from './host.js'
import { START, watermarkKey } from './keys.js'
import { listSplits } from './registration.js'
import { effective, hasLeft, type SplitState } from './split-item.js'
import { readWatermark } from './watermark-item.js'

/**
 * The event time at which everything is closed that the rows of a stage lie in: the end of the last window of the
 * highest event time, and of the slice in which late rows travel. TIME_MIN where there are none.
 */
export function endOfRows(stage: StagePlan, splits: readonly SplitState[]): number {
  const top = Math.max(TIME_MIN, ...splits.map((split) => split.top))
  if (top === TIME_MIN) return TIME_MIN
  const reached = Math.max(...splits.map(effective))
  let end = TIME_MIN
  for (const { slices } of stage.operators) {
    end = Math.max(end, slices.lastEnd(top) + slices.lagMs)
    if (slices.allowedLatenessMs > 0 && slices.lagMs === 0) end = Math.max(end, slices.sliceEnd(reached)) // guard: rest-closes-late
  }
  return end
}

/**
 * How far a stage has come that is at rest: nobody holds its watermark, and all that it holds is closed. It says
 * nothing more before a record comes. Undefined of others, and where the quiet closes nothing at all.
 */
async function restsAt(host: Host, stage: StagePlan): Promise<number | undefined> {
  if (typeof host.plan.pipeline.idleClose !== 'number') return undefined
  const splits = await listSplits(host, stage)
  if (splits.length === 0 || !splits.every(hasLeft)) return undefined // guard: rest-unheld
  const [item] = await host.services.store.get([watermarkKey(host.prefix, stage.index)])
  const { published } = readWatermark(item)
  return published < TIME_MAX && published >= endOfRows(stage, splits) ? published : undefined // guard: rest-closed
}

/**
 * Key groups of an operator, asked as a source is for its splits: whether anything may come after a position (invariant
 * 5).
 */
function keyGroupInspector(host: Host, operator: OperatorPlan): SourceInspector {
  const stage = host.plan.stages[operator.stage]!
  return {
    bounded: false,
    list: async () => [],
    peek: async (_, after) => {
      const published = await restsAt(host, stage)
      if (published === undefined) return 'waiting'
      const done = published === TIME_MIN ? START : doneThrough(operator.slices.frontier(published))
      return after === done ? 'nothing' : 'waiting' // guard: rest-done
    },
  }
}

/** Who can be asked for the splits of an input: its source's inspector; of key groups the stage before. */
export function inspectorOf(host: Host, input: InputPlan): SourceInspector | undefined {
  if (input.kind === 'source') return host.services.inspector(input.name)
  return keyGroupInspector(host, input.operator)
}

/**
 * Whether key groups of this operator may leave the next stage. Asked once for all of them: the answer that counts is
 * the one after the mark.
 */
export async function mayRest(host: Host, operator: OperatorPlan): Promise<boolean> {
  return (await restsAt(host, host.plan.stages[operator.stage]!)) !== undefined
}
