import { TIME_MAX, TIME_MIN } from '../base/index.js'
import { type Pipeline, type Plan, plan } from '../pipeline/index.js'
import type { StateStore } from '../ports/index.js'
import { readCursor } from '../runtime/cursor.js'
import { groupKey, runPrefix, watermarkKey } from '../runtime/keys.js'
import { readSplits } from '../runtime/registration.js'
import { effective, type SplitState } from '../runtime/split-item.js'
import { readWatermark } from '../runtime/watermark-item.js'

export interface StageStatus {
  readonly stage: number
  /** The published watermark; undefined before the first one, and once all splits have ended. */
  readonly watermark: number | undefined
  /** Whether no record can arrive any more: the watermark is infinite. */
  readonly ended: boolean
  /** Whether all records that can ever arrive have arrived, and their windows are closed. */
  readonly complete: boolean
  readonly splits: readonly SplitStatusRow[]
  readonly operators: readonly string[]
}

/** A split in readable form. */
export interface SplitStatusRow {
  readonly split: string
  readonly status: string
  /** Why the split accepts no records until it is reset; empty if it is not stopped. */
  readonly stopped: string
  readonly position: string
  readonly ownWatermark: number | undefined
  readonly in: number
  readonly rejected: number
  readonly filtered: number
  readonly passed: number
  readonly repeats: number
  /** Records that were accepted although their timestamps are far ahead, or unlikely to be intended. */
  readonly held: number
  readonly unlikely: number
  /** Filtered records that were tombstones. */
  readonly empty: number
  /** Rows by counted step after its input, see `countedSteps`. */
  readonly steps: readonly number[]
  readonly operators: readonly {
    readonly counted: number
    readonly late: number
    readonly expired: number
    readonly outside: number
  }[]
  readonly highest: number | undefined
  readonly checkpointedAt: number
}

export interface Status {
  readonly stages: readonly StageStatus[]
  /** Whether every stage is complete and every key group has closed all its slices. */
  readonly complete: boolean
  /**
   * Approximate number of windows that hold records and wait for the watermark: the event time ahead of the watermark,
   * divided by the step of the windows.
   */
  readonly openWindows: number
}

/** Reads the status of a pipeline from its stored items alone. */
export async function statusOf(pipeline: Pipeline, store: StateStore, run = 1): Promise<Status> {
  const made = plan(pipeline)
  const prefix = runPrefix(pipeline.name, run)
  const stages: StageStatus[] = []
  let openWindows = 0
  for (const stage of made.stages) {
    const [item] = await store.get([watermarkKey(prefix, stage.index)])
    const { published } = readWatermark(item)
    const splits = await readSplits(store, prefix, stage)
    const highest = Math.max(TIME_MIN, ...splits.map((split) => split.top))
    const lowest = Math.min(highest, ...splits.filter((split) => split.top > TIME_MIN).map(effective))
    for (const { node } of stage.operators) {
      if (published < TIME_MAX && highest > TIME_MIN)
        openWindows += Math.max(1, Math.ceil((highest - Math.max(published, lowest)) / node.window.stepMs))
    }
    stages.push({
      stage: stage.index,
      watermark: known(published),
      ended: published >= TIME_MAX,
      complete: published === TIME_MAX && (await closed(made, store, prefix, stage.index)),
      splits: splits.map(row),
      operators: stage.operators.map((operator) => operator.name),
    })
  }
  return { stages, complete: stages.every((stage) => stage.complete), openWindows }
}

async function closed(made: Plan, store: StateStore, prefix: string, stage: number): Promise<boolean> {
  for (const operator of made.stages[stage]!.operators) {
    for (let keyGroup = 0; keyGroup < operator.keyGroups; keyGroup++) {
      const [item] = await store.get([groupKey(prefix, operator.name, keyGroup)])
      const cursor = readCursor((item?.cursor as string | undefined) ?? '')
      if (cursor.slice < TIME_MAX || cursor.hash !== undefined) return false
    }
  }
  return true
}

const known = (time: number): number | undefined => (time <= TIME_MIN || time >= TIME_MAX ? undefined : time)

function row(split: SplitState): SplitStatusRow {
  const { counters } = split
  return {
    split: split.name,
    status: split.status,
    stopped: split.stopped,
    position: split.position,
    ownWatermark: known(effective(split)),
    in: counters.in,
    rejected: counters.rejected,
    filtered: counters.filtered,
    passed: counters.passed,
    repeats: counters.repeats,
    held: counters.held,
    unlikely: counters.unlikely,
    empty: counters.empty,
    steps: counters.steps,
    operators: counters.operators,
    highest: known(split.top),
    checkpointedAt: split.at,
  }
}
