import { hex8, sortable } from '../base/index.js'
import type { OperatorPlan } from '../pipeline/index.js'
import { firstHash } from './fold.js'
import type { PaneDraft } from './panes.js'

/** An aligned range of key hashes of one slice: the same rows in every attempt, whatever they were cut to. */
export interface Part {
  readonly name: string
  readonly drafts: readonly PaneDraft[]
  readonly lastHash: number
  readonly last: boolean
}

/** Cuts the panes of a slice, which come in the order of their key hashes. */
export function partsOf(
  operator: OperatorPlan,
  keyGroup: number,
  slice: number,
  drafts: readonly PaneDraft[],
  rowsMax: number,
): Part[] {
  const parts: Part[] = []
  for (let start = 0; start < drafts.length; ) {
    let end = Math.min(drafts.length, start + rowsMax)
    // Keys of one hash stay together: the cursor stands between hashes.
    while (end < drafts.length && drafts[end]!.cell.hash === drafts[end - 1]!.cell.hash) end++
    const hash = start === 0 ? firstHash(keyGroup, operator.keyGroups) : drafts[start]!.cell.hash
    const name = `${sortable(slice)}-${hex8(hash)}`
    parts.push({
      name,
      drafts: drafts.slice(start, end),
      lastHash: drafts[end - 1]!.cell.hash,
      last: end === drafts.length,
    })
    start = end
  }
  return parts
}
