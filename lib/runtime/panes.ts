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
  /** All rows so far, or the pane's own where the accumulation is discarding. */
  readonly accs: readonly any[]
  /** What the pane before held; only of a late pane that is not discarding. */
  readonly before: readonly any[] | undefined
}

/** A key that has panes in a slice, with the folds that they are made of: nothing is merged yet. */
export interface PaneKey {
  readonly cell: Cell
  /** The folds of the window that ends with the slice. */
  readonly onTime: readonly Cell[]
  /** The rows that travel in the slice. */
  readonly lates: readonly LateCell[]
  /** It has rows within the horizon of the window that ends, so that it has a result though nothing is in it. */
  readonly isKnown: boolean
}

const NO_LATES: SliceData['lates'] = new Map()

/** What panes of one slice read: the slices held, in order. */
export class ClosingSlice {
  readonly end: number
  private readonly operator: OperatorPlan
  private readonly held: readonly SliceData[]
  private readonly ending: Interval | undefined
  /** Slices that late rows travel in, as far back as a window with a late pane in this one may reach. */
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
   * The keys that have panes, in the order of (key hash, key). Folds are put in order once, and found side by side:
   * what a key has is collected as it is asked for, so that a slice of many keys takes little beyond its folds
   * (invariant 11), and time that hangs on them, not on windows.
   */
  *keys(): Generator<PaneKey> {
    const counted: Cell[] = []
    const others: Cell[] = []
    const { ending } = this
    if (ending !== undefined) {
      for (const { cells } of this.between(ending.start, ending.end))
        for (const cell of cells.values()) counted.push(cell)
      // What was late travels in slices up to this one.
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
   * The panes of a key that close with the slice (design, section 5): those of each closed window that rows travelling
   * in it count in, then that of the window that ends with it. Pure: every pane is merged anew from frozen slices. By
   * ascending window end.
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
   * Late panes cost what the key has, not what its windows span: its folds are put in order once, and windows that
   * follow each other share what they merge.
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
      // What was there when the window ended, or the empty result of a key that was known.
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
   * The closed windows that late rows count in, by ascending end. Windows of one operator that end together start
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
   * The keys that have rows within the horizon of a window's end, each once, of what had come when the slice closed.
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

  /** The same of one key when the window ended: late rows of many keys must not look at all others each. */
  private isKnown(text: string, end: number): boolean {
    const from = end - this.operator.slices.horizonMs
    return this.between(from, end).some(
      ({ cells, lates }) => cells.has(text) || lates.get(text)?.some(({ own }) => own > from && own <= end),
    )
  }

  /** The slices held that end in (start, end]. */
  private between(start: number, end: number): readonly SliceData[] {
    return this.held.slice(indexAfter(this.held, start), indexAfter(this.held, end))
  }
}

/** What a window holds without rows. */
const emptyOf = ({ folds }: OperatorPlan): readonly any[] => folds.map((fold) => fold.create())

function least(a: Cell | undefined, b: Cell | undefined): Cell | undefined {
  if (a === undefined || b === undefined) return a ?? b
  return byHash(a, b) <= 0 ? a : b
}

/** A fold of a key, with what says in which windows, and with which of their panes, it counts. */
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

/** Whether a late row counts in a window that was still open when it came: `first` is not above its end. */
function belongs(late: LateCell, window: Interval): boolean {
  return late.own > window.start && late.own <= window.end && late.first <= window.end
}

/** What a slice holds, as far as it says which slices close with panes. */
export interface SliceMarks {
  readonly end: number
  readonly hasCells: boolean
  /** The slices that late rows in it belong to. */
  readonly owns: Iterable<number>
  readonly hasLates: boolean
}

export function marksOf({ end, cells, lates }: SliceData): SliceMarks {
  const owns = new Set<number>()
  for (const list of lates.values()) for (const late of list) owns.add(late.own)
  return { end, hasCells: cells.size > 0, owns, hasLates: lates.size > 0 }
}

/**
 * The slices in (after, upTo] with whose closing some pane may close: ends of the windows over slices that hold
 * something, and slices that late rows travel in. Ascending.
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
    // A window that was still open when the late row came takes it on time; its end may lie beyond all slices that hold
    // anything.
    for (const own of owns) add(own - 1)
  }
  return [...found].sort((a, b) => a - b)
}
