import { hex8, sortable } from '../base/index.js'
import type { PaneDraft, PaneKey } from './panes.js'

/** The place of a part among the parts of its slice. */
export interface PartPlace {
  readonly name: string
  readonly lastHash: number
  readonly lastText: string
  /** The rank of the last key, if the next key has the same hash. */
  readonly lastRank: number | undefined
  /** The rank of the last key. */
  readonly ownRank: number
  /** The part holds as many rows as a part may, so it ends here whatever keys follow. */
  readonly isFull: boolean
  /** No key follows. */
  readonly last: boolean
}

/**
 * The panes of some keys of one slice, in the order of their hashes. Every attempt makes the same parts with the same
 * rows, however much it read at once.
 */
export interface Part extends PartPlace {
  /** By key, with the key's rank among the keys that share its hash. */
  readonly keys: readonly { readonly rank: number; readonly panes: readonly PaneDraft[] }[]
}

/**
 * Cuts the keys of a slice, which arrive in the order of (hash, text), into parts of at least `rowsMax` rows and one
 * rest. A part ends between two keys, even if they share a hash, so an attempt that continues after it makes the same
 * cuts. Panes are merged part by part, so the caller may stop in between (invariant 11). `rank` is the rank of the
 * first key among those that share its hash.
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
      ownRank: lastRank,
      isFull,
      last: next === undefined,
    }
  }
}

function taken(left: Iterator<PaneKey>): PaneKey | undefined {
  const { done, value } = left.next()
  return done === true ? undefined : value
}
