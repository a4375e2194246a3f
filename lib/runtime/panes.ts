import type { OperatorPlan, Pane } from '../pipeline/index.js'
import type { Interval, Slices } from '../window/index.js'
import { byHash, inOrder } from './key-order.js'
import { mergeAccs, RangeMerge } from './range-merge.js'
import type { Cell, LateCell } from './segment.js'
import type { SliceCache, SliceData } from './slice-cache.js'

/** One pane of one key's window, before its result is computed. */
export interface PaneDraft {
  readonly cell: Cell
  readonly window: Interval
  readonly pane: Pane
  /** All rows so far, or only the pane's own rows if the accumulation mode is discarding. */
  readonly accs: readonly any[]
  /** What the previous pane held; only for a late pane that is not discarding. */
  readonly before: readonly any[] | undefined
}

/** A key that has panes in a slice, with the folds from which they are made. Nothing is merged yet. */
export interface PaneKey {
  readonly cell: Cell
  /** The folds of the window that ends with the slice. */
  readonly onTime: readonly Cell[]
  /** The late rows that this slice carries. */
  readonly lates: readonly LateCell[]
  /**
   * Whether the key has rows within the horizon of the ending window, so that it has a result although the window is
   * empty.
   */
  readonly isKnown: boolean
}

const NO_LATES: SliceData['lates'] = new Map()

/** What the panes of one slice read: the slices in memory, in order. */
export class ClosingSlice {
  readonly end: number
  private readonly operator: OperatorPlan
  private readonly held: readonly SliceData[]
  private readonly ending: Interval | undefined
  /** The slices that carry late rows, as far back as a window with a late pane in this slice may reach. */
  private readonly carriers: readonly SliceData[]

  constructor(operator: OperatorPlan, end: number, cache: SliceCache) {
    const { slices } = operator
    this.operator = operator
    this.end = end
    this.ending = slices.windowEnding(end - slices.lagMs)
    const oldest = end - slices.backMs - slices.keepMs - 2 * slices.widthMs
    this.held = [...cache.slices.values()]
      .filter((data) => data.end > oldest && data.end <= end)
      .sort((a, b) => a.end - b.end)
    this.carriers = this.held.filter(({ lates }) => lates.size > 0)
  }

  /**
   * Yields the keys that have panes, in the order of (key hash, key). The folds are sorted once and walked side by
   * side, and the folds of a key are collected only when the key is requested. So a slice with many keys needs little
   * memory beyond its folds (invariant 11), and the time depends on the number of folds, not on the number of windows.
   */
  *keys(): Generator<PaneKey> {
    const counted: Cell[] = []
    const others: Cell[] = []
    const { ending } = this
    if (ending !== undefined) {
      for (const { cells } of this.between(ending.start, ending.end))
        for (const cell of cells.values()) counted.push(cell)
      // Late rows are carried by slices up to this one.
      for (const { lates } of this.between(ending.start, this.end))
        for (const list of lates.values()) for (const late of list) if (belongs(late, ending)) counted.push(late)
      const { horizonMs } = this.operator.slices
      if (horizonMs > 0) for (const cell of this.known(ending.end, this.end).values()) others.push(cell)
    }
    const own = this.held.at(-1)
    const hasLatePanes = own?.end === this.end && this.operator.slices.lagMs === 0
    const travelling = hasLatePanes ? own.lates : NO_LATES
    const onTime = inOrder(counted)
    const late = inOrder(Array.from(travelling.values(), ([first]) => first!))
    const known = inOrder(others)
    for (let i = 0, j = 0, k = 0; i < onTime.length || j < late.length || k < known.length; ) {
      const cell = least(least(onTime[i], late[j]), known[k])!
      const from = i
      while (i < onTime.length && onTime[i]!.text === cell.text) i++
      if (late[j]?.text === cell.text) j++
      const isKnown = known[k]?.text === cell.text
      if (isKnown) k++
      yield { cell, onTime: onTime.slice(from, i), lates: travelling.get(cell.text) ?? [], isKnown }
    }
  }

  /**
   * Yields the panes of a key that close with the slice, by ascending window end: one for each closed window in which
   * the late rows that it carries count, then one for the window that ends with the slice. This is a pure function:
   * every pane is merged from frozen slices, from scratch.
   */
  *panes(key: PaneKey): Generator<PaneDraft> {
    if (key.lates.length > 0) yield* this.late(key)
    const { ending, operator } = this
    if (ending === undefined || (key.onTime.length === 0 && !key.isKnown)) return
    let accs: readonly any[] = key.onTime[0]?.accs ?? emptyOf(operator)
    for (let i = 1; i < key.onTime.length; i++) accs = mergeAccs(operator, accs, key.onTime[i]!.accs)
    const pane: Pane = { index: 0, timing: 'on-time', first: true, last: lastOf(operator.slices, ending, this.end) }
    yield { cell: key.cell, window: ending, pane, accs, before: undefined }
  }

  /**
   * Late panes cost what the key's folds cost, whatever the span of its windows: the folds are sorted once, and
   * consecutive windows share their merges.
   */
  private *late(key: PaneKey): Generator<PaneDraft> {
    const { operator, end: slice } = this
    const { slices, node } = operator
    const windows = this.changed(key.lates)
    if (windows.length === 0) return
    const { text } = key.cell
    const folds: Fold[] = []
    for (const { end, cells } of this.between(windows[0]!.start, windows.at(-1)!.end)) {
      const cell = cells.get(text)
      if (cell !== undefined) folds.push({ own: end, first: end, carrier: Number.NEGATIVE_INFINITY, accs: cell.accs })
    }
    const now: Fold[] = []
    for (const { lates } of this.carriers)
      for (const late of lates.get(text) ?? []) (late.carrier === slice ? now : folds).push(late)
    const before = new RangeMerge(operator, folds)
    const added = new RangeMerge(operator, now)
    const isWhole = node.accumulation !== 'discarding'
    for (const window of windows) {
      const mine = added.merged(window)!
      const rows = isWhole ? before.merged(window) : undefined
      const closings = before.closings(window)
      // Either data from the time when the window ended, or the empty result of a key that was known.
      const wasEmpty = slices.horizonMs > 0 && !closings.has(window.end) && this.isKnown(text, window.end)
      const index = closings.size + (wasEmpty ? 1 : 0)
      const was = isWhole && rows === undefined && wasEmpty ? emptyOf(operator) : rows
      const pane: Pane = { index, timing: 'late', first: index === 0, last: lastOf(slices, window, slice) }
      yield {
        cell: key.cell,
        window,
        pane,
        accs: rows === undefined ? mine : mergeAccs(operator, rows, mine),
        before: was,
      }
    }
  }

  /**
   * The closed windows in which late rows count, by ascending end. Windows of one operator that end together also start
   * together.
   */
  private changed(lates: readonly LateCell[]): Interval[] {
    const windows = new Map<number, Interval>()
    for (const late of lates)
      for (const window of this.operator.slices.windowsOf(late.own - 1))
        if (window.end >= late.first && window.end < this.end) windows.set(window.end, window)
    return [...windows.values()].sort((a, b) => a.end - b.end)
  }

  /**
   * The keys that have rows within the horizon of a window's end, each once, from what had arrived when the slice
   * closed.
   */
  private known(end: number, closing: number): Map<string, Cell> {
    const from = end - this.operator.slices.horizonMs
    const found = new Map<string, Cell>()
    for (const { cells } of this.between(from, end)) for (const cell of cells.values()) found.set(cell.text, cell)
    for (const { lates } of this.between(from, closing))
      for (const list of lates.values())
        for (const late of list) if (late.own > from && late.own <= end) found.set(late.text, late)
    return found
  }

  /**
   * The same check for one key at the time when the window ended. With many keys that have late rows, each of them must
   * not scan all the others.
   */
  private isKnown(text: string, end: number): boolean {
    const from = end - this.operator.slices.horizonMs
    return this.between(from, end).some(
      ({ cells, lates }) => cells.has(text) || lates.get(text)?.some(({ own }) => own > from && own <= end),
    )
  }

  /** The slices in memory that end in (start, end]. */
  private between(start: number, end: number): readonly SliceData[] {
    return this.held.slice(indexAfter(this.held, start), indexAfter(this.held, end))
  }
}

/** The accumulators of a window without rows. */
const emptyOf = ({ folds }: OperatorPlan): readonly any[] => folds.map((fold) => fold.create())

function least(a: Cell | undefined, b: Cell | undefined): Cell | undefined {
  if (a === undefined || b === undefined) return a ?? b
  return byHash(a, b) <= 0 ? a : b
}

/** A fold of a key, with the fields that decide in which windows, and in which of their panes, it counts. */
export type Fold = Pick<LateCell, 'own' | 'first' | 'carrier' | 'accs'>

function indexAfter(held: readonly SliceData[], end: number): number {
  let lo = 0
  let hi = held.length
  while (lo < hi) {
    const middle = (lo + hi) >> 1
    if (held[middle]!.end <= end) lo = middle + 1
    else hi = middle
  }
  return lo
}

function lastOf(slices: Slices, window: Interval, closing: number): boolean {
  return closing >= slices.lastPaneSlice(window.end)
}

/** Whether a late row counts in a window that was still open when it arrived: `first` is not after the window's end. */
function belongs(late: LateCell, window: Interval): boolean {
  return late.own > window.start && late.own <= window.end && late.first <= window.end
}

/** The part of a slice's contents that decides which slices close with panes. */
export interface SliceMarks {
  readonly end: number
  readonly hasCells: boolean
  /** The own slices of the late rows that the slice carries. */
  readonly owns: Iterable<number>
  readonly hasLates: boolean
}

export function marksOf({ end, cells, lates }: SliceData): SliceMarks {
  const owns = new Set<number>()
  for (const list of lates.values()) for (const late of list) owns.add(late.own)
  return { end, hasCells: cells.size > 0, owns, hasLates: lates.size > 0 }
}

/**
 * The slices in (after, upTo] at whose closing a pane may close, ascending: the ends of windows that contain a slice
 * with data, and the slices that carry late rows.
 */
export function closingSlices(
  { slices }: OperatorPlan,
  held: Iterable<SliceMarks>,
  after: number,
  upTo: number,
): number[] {
  const found = new Set<number>()
  const add = (instant: number): void => {
    for (const closing of slices.closings(instant + 1, after)) {
      if (closing > upTo) break
      found.add(closing)
    }
  }
  for (const { end, hasCells, hasLates, owns } of held) {
    if (end > upTo) continue
    if (end > after && hasLates && slices.lagMs === 0) found.add(end)
    if (hasCells) add(end - 1)
    // A window that was still open when the late row arrived counts the row as on time. That window may end after every
    // slice that holds data.
    for (const own of owns) add(own - 1)
  }
  return [...found].sort((a, b) => a - b)
}
