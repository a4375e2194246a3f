import { STORE_GET_MAX, TIME_MAX, TIME_MIN } from '../base/index.js'
import type { InputPlan, OperatorPlan, StagePlan } from '../pipeline/index.js'
import type { SourceInspector } from '../ports/index.js'
import { doneThrough } from './cursor.js'
import { waitsOf } from './group-cursor.js'
import type { Host } from './host.js'
import { groupKey, START, watermarkKey } from './keys.js'
import { listSplits } from './registration.js'
import { effective, hasLeft, type SplitState } from './split-item.js'
import { readWatermark } from './watermark-item.js'

/**
 * The event time at which everything is closed that contains rows of a stage: the end of the last window for the
 * highest event time, and the end of the slice that carries late rows. TIME_MIN if there are no rows.
 */
function endOfRows(stage: StagePlan, splits: readonly SplitState[]): number {
  const top = Math.max(TIME_MIN, ...splits.map((split) => split.top))
  if (top === TIME_MIN) return TIME_MIN
  const reached = Math.max(...splits.map(effective))
  let end = TIME_MIN
  for (const { slices, logic } of stage.operators) {
    end = Math.max(end, slices.lastEnd(top) + slices.lagMs)
    const hasLate = slices.allowedLatenessMs > 0 && slices.lagMs === 0
    if (hasLate || logic !== undefined) end = Math.max(end, slices.sliceEnd(reached)) // guard: rest-closes-late
  }
  return end
}

/**
 * The event time at which a stage has nothing left to do: its rows are closed, and the timers of its keys have fired,
 * except those that only drop state. TIME_MIN if there are no rows.
 */
export async function endOfStage(host: Host, stage: StagePlan, splits: readonly SplitState[]): Promise<number> {
  let end = endOfRows(stage, splits)
  for (const operator of stage.operators) {
    if (operator.logic === undefined) continue
    const groups = Array.from({ length: operator.keyGroups }, (_, keyGroup) => keyGroup)
    const keys = groups.map((keyGroup) => groupKey(host.prefix, operator.name, keyGroup))
    for (let at = 0; at < keys.length; at += STORE_GET_MAX)
      for (const item of await host.services.store.get(keys.slice(at, at + STORE_GET_MAX))) {
        const waits = item === undefined ? TIME_MIN : waitsOf(item)
        if (waits > TIME_MIN) end = Math.max(end, operator.slices.sliceEnd(waits)) // guard: rest-fires-timers
      }
  }
  return end
}

/**
 * The published watermark of a stage at rest: no split holds the watermark back, and everything in the stage is closed,
 * so nothing more can follow before a record arrives. Undefined for other stages, and if a quiet time closes nothing at
 * all.
 */
async function restsAt(host: Host, stage: StagePlan): Promise<number | undefined> {
  if (typeof host.plan.pipeline.idleClose !== 'number') return undefined
  const splits = await listSplits(host, stage)
  if (splits.length === 0 || !splits.every(hasLeft)) return undefined // guard: rest-unheld
  const [item] = await host.services.store.get([watermarkKey(host.prefix, stage.index)])
  const { published } = readWatermark(item)
  return published < TIME_MAX && published >= (await endOfStage(host, stage, splits)) ? published : undefined // guard: rest-closed
}

/**
 * Asks an operator's key groups as a source is asked for its splits: whether anything may follow a position (invariant
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

/** The inspector for the splits of an input: that of its source, or for key groups that of the previous stage. */
export function inspectorOf(host: Host, input: InputPlan): SourceInspector | undefined {
  if (input.kind === 'source') return host.services.inspector(input.name)
  return keyGroupInspector(host, input.operator)
}

/**
 * Whether the key groups of this operator may leave the next stage. This is asked once for all of them; the answer that
 * decides is the one after the mark.
 */
export async function mayRest(host: Host, operator: OperatorPlan): Promise<boolean> {
  return (await restsAt(host, host.plan.stages[operator.stage]!)) !== undefined
}
