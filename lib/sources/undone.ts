import type { SplitBatch, Undone } from '../ports/index.js'

/** The lowest undone index of each batch; all records from there on are undone. */
export function lowestUndone(undone: readonly Undone[]): Map<SplitBatch, number> {
  const lowest = new Map<SplitBatch, number>()
  for (const { batch, index } of undone) lowest.set(batch, Math.min(index, lowest.get(batch) ?? index))
  return lowest
}
