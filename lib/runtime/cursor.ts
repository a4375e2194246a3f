import { hex8, SORTABLE_LENGTH, sortable, TIME_MIN, unsortable } from '../base/index.js'
import { AFTER_ALL } from './keys.js'

/**
 * How far a key group is done (invariants 8, 9), as text that only grows: `slice:~` when the slice and all before it
 * are done, `slice:hash:~` when its keys up to that hash are, `slice:hash:rank:~` when some keys of that hash are. A
 * chained operator takes the same text for the position of the key group's split.
 */
export interface Cursor {
  readonly slice: number
  /** Keys up to and including this hash are done; undefined when all of the slice is. */
  readonly hash: number | undefined
  /**
   * Of the keys of that hash, in the order of their texts, those up to and including this rank are done; undefined when
   * all of them are.
   */
  readonly rank: number | undefined
}

const RANK_DIGITS = 8
const rankText = (rank: number): string => String(rank).padStart(RANK_DIGITS, '0')

export const doneThrough = (slice: number): string => `${sortable(slice)}:${AFTER_ALL}`

/** `rank` is that of the last key that is done, where more keys of its hash follow. */
export function doneUpTo(slice: number, hash: number, rank?: number): string {
  return `${sortable(slice)}:${hex8(hash)}:${rank === undefined ? '' : `${rankText(rank)}:`}${AFTER_ALL}`
}

/** A row's position as the chained operator sees it: (slice, key hash, rank of the key among those of its hash, n). */
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
