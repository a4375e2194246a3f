import { TIME_MAX, TIME_MIN } from '../base/index.js'
import type { OperatorPlan } from '../pipeline/index.js'
import { doneThrough, doneUpTo } from './cursor.js'
import { addEmissions, type Emission, type FailedEmission } from './emission.js'
import type { KeyedPart } from './keyed/close.js'
import type { Limits } from './limits.js'
import type { Part } from './parts.js'

/** What was closed but is not emitted yet, and how far the cursor moves with it. */
export class Closed {
  emissions: Emission[] = []
  failed: FailedEmission[] = []
  /** The key at the cursor, if more keys with the same hash follow. */
  at: string | undefined
  cursor: string
  /** Keyed state: the characters that changed, and the last event time at which a timer may give rows, ms. */
  chars = 0
  waits = Number.NEGATIVE_INFINITY
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
  take(operator: OperatorPlan, slice: number, part: Part | KeyedPart, rank = part.lastRank, isLast = part.last): void {
    if ('keys' in part) this.addPanes(operator, slice, part)
    else {
      for (const emission of part.emissions) this.emissions.push(emission)
      for (const failed of part.failed) this.failed.push(failed)
      this.chars += part.chars
      if (part.waits > this.waits) this.waits = part.waits
    }
    if (isLast) this.reach(doneThrough(slice), slice)
    else {
      this.reach(doneUpTo(slice, part.lastHash, rank), slice - operator.slices.widthMs) // guard: own-mid-slice
      if (rank !== undefined) this.at = part.lastText
    }
  }

  private addPanes(operator: OperatorPlan, slice: number, part: Part): void {
    for (const { rank, panes } of part.keys) {
      let n = 0
      for (const draft of panes) {
        addEmissions(operator, slice, draft, part.name, rank, n, this.emissions, this.failed)
        n += 2
      }
    }
  }

  /** Whether there is so much that it is written before more is closed. */
  isFull({ sinkRows, changeChars }: Limits): boolean {
    return this.emissions.length >= sinkRows || this.chars >= changeChars
  }

  clear(): void {
    this.emissions = []
    this.failed = []
    this.chars = 0
  }
}

/**
 * Up to which time an operator's results are complete when its slices are closed up to `own`: windows get their panes
 * `lagMs` after their ends.
 */
export function outputOwn({ lagMs }: OperatorPlan, own: number): number {
  return own <= TIME_MIN || own >= TIME_MAX ? own : own - lagMs
}
