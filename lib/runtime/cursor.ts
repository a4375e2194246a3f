import { hex8, SORTABLE_LENGTH, sortable, TIME_MIN, unsortable } from '../base/index.js'
import type { OperatorPlan } from '../pipeline/index.js'
import { AFTER_ALL } from './keys.js'

/**
 * How far a key group is done (invariants 8, 9), as text that only grows: `slice:~` when the slice and all before it
 * are done, `slice:hash:~` when the slice's keys up to that hash are done, and `slice:hash:rank:~` when only some keys
 * of that hash are done. A chained operator uses the same text as the position of the key group's split.
 */
export interface Cursor {
  readonly slice: number
  /** Keys up to and including this hash are done; undefined when the whole slice is. */
  readonly hash: number | undefined
  /**
   * The keys of that hash, in the order of their texts, are done up to and including this rank; undefined when all of
   * them are.
   */
  readonly rank: number | undefined
}

const RANK_DIGITS = 8
const rankText = (rank: number): string => String(rank).padStart(RANK_DIGITS, '0')

export const doneThrough = (slice: number): string => `${sortable(slice)}:${AFTER_ALL}`

/** `rank` is the rank of the last key that is done, given if more keys with the same hash follow. */
export function doneUpTo(slice: number, hash: number, rank?: number): string {
  return `${sortable(slice)}:${hex8(hash)}:${rank === undefined ? '' : `${rankText(rank)}:`}${AFTER_ALL}`
}

/**
 * A row's position as the chained operator sees it: (slice, key hash, rank of the key among those with its hash, n).
 */
export function rowPosition(slice: number, hash: number, rank: number, n: number): string {
  return `${sortable(slice)}:${hex8(hash)}:${rankText(rank)}:${String(n).padStart(6, '0')}`
}

export function readCursor(text: string): Cursor {
  if (text === '') return { slice: TIME_MIN, hash: undefined, rank: undefined }
  const [slice, hash, rank] = [text.slice(0, SORTABLE_LENGTH), ...text.slice(SORTABLE_LENGTH + 1).split(':')]
  return {
    slice: unsortable(slice!),
    hash: hash === AFTER_ALL ? undefined : Number.parseInt(hash!, 16),
    rank: hash === AFTER_ALL || rank === AFTER_ALL ? undefined : Number(rank),
  }
}

/** Every slice up to here is done for all keys. */
export function doneBefore({ slice, hash }: Cursor, { slices }: Pick<OperatorPlan, 'slices'>): number {
  return hash === undefined ? slice : slice - slices.widthMs
}
