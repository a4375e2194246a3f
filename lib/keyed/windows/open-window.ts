import type { Json } from '../../aggregate/index.js'
import type { Folds } from '../folds.js'

/** A window of one key that may still get rows, or give results. */
export class OpenWindow {
  start: number
  end: number
  accs: readonly any[]
  /** Rows that the folds hold, and those of them that no result holds yet. */
  rows: number
  fresh: number
  /** Results that the window has given. */
  panes = 0
  /** Whether its end has passed and its result was given, or is given at the end of this slice. */
  isOver = false
  /** Whether its last result is still valid, so that it has to be taken back or replaced. */
  stands = false
  /** What the last result held, if rows have come since. */
  shown: readonly any[] | undefined

  constructor(start: number, end: number, accs: readonly any[], rows: number) {
    this.start = start
    this.end = end
    this.accs = accs
    this.rows = rows
    this.fresh = rows
  }
}

const OVER = 1
const STANDS = 2
const SHOWN = 4
const HEAD = 6

/** The windows of a key as they are stored: one flat array. */
export function encodeWindows(windows: readonly OpenWindow[], folds: Folds): string {
  const flat: unknown[] = []
  for (const { start, end, rows, fresh, panes, isOver, stands, shown, accs } of windows) {
    const flags = (isOver ? OVER : 0) + (stands ? STANDS : 0) + (shown !== undefined ? SHOWN : 0)
    flat.push(start, end - start, rows, fresh, panes, flags)
    folds.encode(accs, flat)
    if (shown !== undefined) folds.encode(shown, flat)
  }
  return JSON.stringify(flat)
}

export function decodeWindows(flat: readonly Json[] | undefined, folds: Folds): OpenWindow[] {
  const windows: OpenWindow[] = []
  if (flat === undefined) return windows
  const width = folds.folds.length
  for (let at = 0; at < flat.length; ) {
    const [start, length, rows, fresh, panes, flags] = flat.slice(at, at + HEAD) as number[]
    at += HEAD
    const window = new OpenWindow(start!, start! + length!, folds.decode(flat, at), rows!)
    at += width
    window.fresh = fresh!
    window.panes = panes!
    window.isOver = (flags! & OVER) !== 0
    window.stands = (flags! & STANDS) !== 0
    if ((flags! & SHOWN) !== 0) {
      window.shown = folds.decode(flat, at)
      at += width
    }
    windows.push(window)
  }
  return windows
}
