import { TIME_MAX, TIME_MIN } from '../base/index.js'
import type { OperatorPlan } from '../pipeline/index.js'
import { doneThrough, doneUpTo } from './cursor.js'
import { addEmissions, type Emission, type FailedEmission } from './emission.js'
import type { Part } from './parts.js'

/** What was closed but is not emitted yet, and how far the cursor moves with it. */
export class Closed {
  emissions: Emission[] = []
  failed: FailedEmission[] = []
  /** The key at the cursor, if more keys with the same hash follow. */
  at: string | undefined
  cursor: string
  /** The key group's own watermark at that point. In the middle of a slice it is still the slice's start. */
  own: number

  constructor(cursor: string, own: number) {
    this.cursor = cursor
    this.own = own
  }

  reach(cursor: string, own: number): void {
    this.cursor = cursor
    this.own = own
    this.at = undefined
  }

  /** Adds the results of a part. `isLast` means that no key of the slice follows it. */
  take(operator: OperatorPlan, slice: number, part: Part, rank = part.lastRank, isLast = part.last): void {
    for (const { rank: of, panes } of part.keys) {
      let n = 0
      for (const draft of panes) {
        addEmissions(operator, slice, draft, part.name, of, n, this.emissions, this.failed)
        n += 2
      }
    }
    if (isLast) this.reach(doneThrough(slice), slice)
    else {
      this.reach(doneUpTo(slice, part.lastHash, rank), slice - operator.slices.widthMs) // guard: own-mid-slice
      if (rank !== undefined) this.at = part.lastText
    }
  }

  clear(): void {
    this.emissions = []
    this.failed = []
  }
}

/**
 * Up to which time an operator's results are complete when its slices are closed up to `own`: windows get their panes
 * `lagMs` after their ends.
 */
export function outputOwn({ slices: { lagMs } }: OperatorPlan, own: number): number {
  return own <= TIME_MIN || own >= TIME_MAX ? own : own - lagMs
}
