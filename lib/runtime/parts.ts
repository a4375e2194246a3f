import { hex8, sortable } from '../base/index.js'
import type { PaneDraft, PaneKey } from './panes.js'

/**
 * Panes of some keys of one slice, in the order of their hashes: the same rows in every attempt, whatever they were cut
 * to.
 */
export interface Part {
  readonly name: string
  /** By key, with its rank among the keys of its hash. */
  readonly keys: readonly { readonly rank: number; readonly panes: readonly PaneDraft[] }[]
  readonly lastHash: number
  readonly lastText: string
  /** The rank of its last key, where the next key has the same hash. */
  readonly lastRank: number | undefined
  /** It holds as many rows as a part may: whatever keys follow, it ends here. */
  readonly isFull: boolean
  /** No key follows. */
  readonly last: boolean
}

/**
 * Cuts the keys of a slice, which come in the order of (hash, text), into parts of at least `rowsMax` rows, and the
 * rest. A part ends between two keys, though they may have one hash: an attempt that goes on behind it cuts the same.
 * Panes are merged part by part: whoever takes them may stop in between (invariant 11). `rank` is that of the first key
 * among those of its hash.
 */
export function* partsOf(
  slice: number,
  first: PaneKey,
  rest: Iterator<PaneKey>,
  panesOf: (key: PaneKey) => Iterable<PaneDraft>,
  rowsMax: number,
  rank: number,
): Generator<Part> {
  let next: PaneKey | undefined = first
  let current = rank
  while (next !== undefined) {
    const { hash } = next.cell
    const name = `${sortable(slice)}-${hex8(hash)}${current === 0 ? '' : `-${String(current).padStart(8, '0')}`}`
    const mine: Part['keys'][number][] = []
    let rows = 0
    let isFull = false
    let lastRank = current
    let last = next.cell
    while (next !== undefined && !isFull) {
      if (mine.length > 0) current = next.cell.hash === last.hash ? current + 1 : 0
      last = next.cell
      lastRank = current
      const panes = [...panesOf(next)]
      mine.push({ rank: current, panes })
      rows += panes.length
      isFull = rows >= rowsMax
      next = taken(rest)
    }
    const isWithin = next?.cell.hash === last.hash
    current = isWithin ? lastRank + 1 : 0
    yield {
      name,
      keys: mine,
      lastHash: last.hash,
      lastText: last.text,
      lastRank: isWithin ? lastRank : undefined,
      isFull,
      last: next === undefined,
    }
  }
}

function taken(left: Iterator<PaneKey>): PaneKey | undefined {
  const { done, value } = left.next()
  return done === true ? undefined : value
}
