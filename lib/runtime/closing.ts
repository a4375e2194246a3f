import type { OperatorPlan } from '../pipeline/index.js'
import type { Cursor } from './cursor.js'
import { isDone } from './key-range.js'
import type { KeyedPart } from './keyed/close.js'
import { ClosingSlice, closingSlices, marksOf } from './panes.js'
import { type Part, partsOf } from './parts.js'
import type { SliceCache } from './slice-cache.js'

/** Which slices of a key group close, and the parts of each that are not done yet. */
export interface Closing {
  /** The first slice after this one that closes with results. */
  next(after: number): number | undefined | Promise<number | undefined>
  parts(slice: number): Iterable<Part> | AsyncIterable<KeyedPart>
}

/** The place at which closing begins, with the key there if more keys of its hash follow. */
export interface ClosingPlace {
  readonly from: Cursor
  readonly at: string | undefined
  readonly upTo: number
}

/** Closes the slices of windows of folds, whose panes are merged from the slices in memory. */
export function windowClosing(
  operator: OperatorPlan,
  cache: SliceCache,
  { from, at, upTo }: ClosingPlace,
  partRows: number,
): Closing {
  const after = from.hash === undefined ? from.slice : from.slice - 1
  const ends = closingSlices(operator, [...cache.slices.values()].map(marksOf), after, upTo)
  return {
    next: (done) => ends.find((end) => end > done),
    parts: (slice) => parts(operator, slice, cache, { from, at, upTo }, partRows),
  }
}

function* parts(
  operator: OperatorPlan,
  slice: number,
  cache: SliceCache,
  { from, at }: ClosingPlace,
  partRows: number,
): Generator<Part> {
  const closing = new ClosingSlice(operator, slice, cache)
  const isWithin = slice === from.slice && from.hash !== undefined
  const keys = closing.keys()
  let first = keys.next()
  while (isWithin && first.done !== true && isDone(from, at, first.value.cell.hash, first.value.cell.text))
    first = keys.next()
  if (first.done === true) return
  const rank = isWithin && from.rank !== undefined && first.value.cell.hash === from.hash ? from.rank + 1 : 0
  yield* partsOf(slice, first.value, keys, (key) => closing.panes(key), partRows, rank)
}
