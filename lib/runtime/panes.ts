import type { OperatorPlan, Pane } from '../pipeline/index.js'
import type { Interval, Slices } from '../window/index.js'
import type { Cell, LateCell } from './segment.js'
import type { SliceData } from './slice-cache.js'

/** One pane of one key's window, before its result is computed. */
export interface PaneDraft {
  readonly cell: Cell
  readonly window: Interval
  readonly pane: Pane
  /** All rows so far, or the pane's own where the accumulation is discarding. */
  readonly accs: readonly any[]
  /** What the pane before held; only of a retracting late pane. */
  readonly before: readonly any[] | undefined
}

type SliceAt = (end: number) => SliceData | undefined

/**
 * The panes that close with a slice (design, section 5): each window that ends with it, and each closed window that rows travelling in
 * it count in. Pure: every pane is merged anew from frozen slices. In the order of (key hash, key, window end).
 */
export function panesOf(operator: OperatorPlan, slice: number, at: SliceAt): PaneDraft[] {
  const drafts: PaneDraft[] = []
  const ending = operator.slices.windowEnding(slice)
  if (ending !== undefined) onTime(operator, ending, at, drafts)
  const lates = at(slice)?.lates
  if (lates !== undefined && lates.size > 0) {
    const carriers = carriersOf(operator.slices, slice, at)
    for (const list of lates.values()) late(operator, slice, list, carriers, at, drafts)
  }
  return drafts.sort(
    (a, b) => a.cell.hash - b.cell.hash || compare(a.cell.text, b.cell.text) || a.window.end - b.window.end,
  )
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function lastOf(slices: Slices, window: Interval, closing: number): boolean {
  return closing >= slices.lastPaneSlice(window.end)
}

/** The window's first chance: all folds of its slices, and late rows that were dealt with before its end. */
function onTime(operator: OperatorPlan, window: Interval, at: SliceAt, drafts: PaneDraft[]): void {
  const { slices } = operator
  const merged = new Map<string, { cell: Cell; accs: readonly any[] }>()
  const take = (cell: Cell): void => {
    const known = merged.get(cell.text)
    if (known === undefined) merged.set(cell.text, { cell, accs: cell.accs })
    else known.accs = merge(operator, known.accs, cell.accs)
  }
  for (let end = window.start + slices.widthMs; end <= window.end; end += slices.widthMs) {
    const data = at(end)
    if (data === undefined) continue
    for (const cell of data.cells.values()) take(cell)
    for (const list of data.lates.values()) for (const cell of list) if (belongs(cell, window)) take(cell)
  }
  const pane: Pane = { index: 0, timing: 'on-time', first: true, last: lastOf(slices, window, window.end) }
  for (const { cell, accs } of merged.values()) drafts.push({ cell, window, pane, accs, before: undefined })
}

/** Whether a late row counts in a window at all. */
function belongs(late: LateCell, window: Interval): boolean {
  // Its turn came before this window's end, so that the window still took it: `first` is not above it.
  return late.own > window.start && late.own <= window.end
}

/** The slices that late rows travel in, as far back as a window with a late pane in this one may reach. */
function carriersOf(slices: Slices, slice: number, at: SliceAt): SliceData[] {
  const carriers: SliceData[] = []
  const oldest = slices.sliceEnd(slice - slices.spanMs - slices.allowedLatenessMs - slices.widthMs)
  for (let end = oldest; end <= slice; end += slices.widthMs) {
    const data = at(end)
    if (data !== undefined && data.lates.size > 0) carriers.push(data)
  }
  return carriers
}

/** Late panes of one key: for each closed window that its rows in this slice count in. The key's late rows are put in order once, by their own slice. */
function late(
  operator: OperatorPlan,
  slice: number,
  list: readonly LateCell[],
  carriers: readonly SliceData[],
  at: SliceAt,
  drafts: PaneDraft[],
): void {
  const { slices } = operator
  const key = list[0]!
  const byOwn = new Map<number, LateCell[]>()
  for (const { lates } of carriers) {
    for (const cell of lates.get(key.text) ?? []) {
      const known = byOwn.get(cell.own)
      if (known === undefined) byOwn.set(cell.own, [cell])
      else known.push(cell)
    }
  }
  const windows = new Map<number, Interval>()
  for (const cell of list) {
    // Windows of one operator that end together start together.
    for (const window of slices.windowsOf(cell.own - 1)) {
      if (window.end >= cell.first && window.end < slice) windows.set(window.end, window)
    }
  }
  for (const window of windows.values()) drafts.push(latePane(operator, slice, key, window, byOwn, at))
}

function latePane(
  operator: OperatorPlan,
  slice: number,
  key: Cell,
  window: Interval,
  byOwn: ReadonlyMap<number, readonly LateCell[]>,
  at: SliceAt,
): PaneDraft {
  const { slices, node } = operator
  let before: readonly any[] | undefined
  let now: readonly any[] | undefined
  const closings = new Set<number>()
  const join = (cell: Cell, closing: number): void => {
    closings.add(closing)
    if (closing === slice) now = now === undefined ? cell.accs : merge(operator, now, cell.accs)
    else before = before === undefined ? cell.accs : merge(operator, before, cell.accs)
  }
  for (let end = window.start + slices.widthMs; end <= window.end; end += slices.widthMs) {
    const cell = at(end)?.cells.get(key.text)
    if (cell !== undefined) join(cell, window.end)
    // guard: late-first-window
    for (const one of byOwn.get(end) ?? []) if (one.first <= window.end) join(one, Math.max(one.carrier, window.end))
  }
  const index = closings.size - 1
  const pane: Pane = { index, timing: 'late', first: index === 0, last: lastOf(slices, window, slice) }
  const all = before === undefined ? now! : merge(operator, before, now!)
  return {
    cell: key,
    window,
    pane,
    accs: node.accumulation === 'discarding' ? now! : all,
    before: node.accumulation === 'retracting' ? before : undefined,
  }
}

function merge(operator: OperatorPlan, a: readonly any[], b: readonly any[]): readonly any[] {
  return operator.folds.map((fold, i) => fold.merge(a[i], b[i]))
}

/**
 * The slices in (after, upTo] with whose closing some pane may close: ends of the windows over slices that hold something, and slices that late
 * rows travel in. Ascending.
 */
export function closingSlices(
  operator: OperatorPlan,
  held: Iterable<SliceData>,
  after: number,
  upTo: number,
): number[] {
  const { slices } = operator
  const found = new Set<number>()
  for (const data of held) {
    if (data.end > upTo) continue
    if (data.end > after && data.lates.size > 0) found.add(data.end)
    if (data.cells.size > 0 || data.lates.size > 0) windowEnds(slices, data, after, upTo, found)
  }
  return [...found].sort((a, b) => a - b)
}

function windowEnds(slices: Slices, data: SliceData, after: number, upTo: number, found: Set<number>): void {
  const add = (instant: number): void => {
    for (const window of slices.windowsOf(instant)) if (window.end > after && window.end <= upTo) found.add(window.end)
  }
  if (data.cells.size > 0) add(data.end - 1)
  const owns = new Set<number>()
  for (const list of data.lates.values()) for (const late of list) owns.add(late.own)
  // A window that was still open when the late row came takes it on time; its end may lie beyond all slices that hold anything.
  for (const own of owns) add(own - 1)
}
