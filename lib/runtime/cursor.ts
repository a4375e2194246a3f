import { hex8, SORTABLE_LENGTH, sortable, TIME_MIN, unsortable } from '../base/index.js'
import { AFTER_ALL } from './keys.js'

/**
 * How far a key group is done (laws 8, 9), as text that only grows: `slice:~` when the slice and all before it are done, `slice:hash:~` when its keys up
 * to that hash are. A chained operator takes the same text for the position of the key group's split.
 */
export interface Cursor {
  readonly slice: number
  /** Keys up to and including this hash are done; undefined when all of the slice is. -1 is none. */
  readonly hash: number | undefined
}

export const doneThrough = (slice: number): string => `${sortable(slice)}:${AFTER_ALL}`
export const doneUpTo = (slice: number, hash: number): string => `${sortable(slice)}:${hex8(hash)}:${AFTER_ALL}`

/** A row's position as the chained operator sees it: (slice, key hash, key, n). */
export function rowPosition(slice: number, hash: number, key: string, n: number): string {
  return `${sortable(slice)}:${hex8(hash)}:${key}:${String(n).padStart(6, '0')}`
}

export function readCursor(text: string): Cursor {
  if (text === '') return { slice: TIME_MIN, hash: undefined }
  const slice = unsortable(text.slice(0, SORTABLE_LENGTH))
  const rest = text.slice(SORTABLE_LENGTH + 1)
  return { slice, hash: rest === AFTER_ALL ? undefined : Number.parseInt(rest.slice(0, 8), 16) }
}
