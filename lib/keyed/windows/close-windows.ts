import { comparePlaces } from '../../aggregate/aggregate.js'
import { KEY_STATE_CHARS_MAX, messageOf, reasonOf } from '../../base/index.js'
import type { KeyedOutput, KeyedRejection, KeyedResult, KeyStep, StepOf } from '../logic.js'
import { decodeWindows, encodeWindows, OpenWindow } from './open-window.js'
import type { LateRow, Span, Spans } from './spans.js'
import { WindowList } from './window-list.js'
import type { WindowShape } from './windows.js'

/** The step of windows with state for each key. */
export function windowsStep(shape: WindowShape, stateChars = KEY_STATE_CHARS_MAX): StepOf {
  return (step) => {
    const run = new WindowRun(shape, step)
    run.all()
    const result = run.result()
    if (step.entries === undefined || (result.state ?? '').length <= stateChars) return result
    // The rows of the slice are left out, and the letter keeps what their folds make of them.
    const without = new WindowRun(shape, { ...step, entries: undefined })
    without.all()
    return without.refused(step.entries, stateChars)
  }
}

/** Rows in time, or a late row, in the order in which they are processed. */
type Arrival = Span | LateRow
const isLate = (arrival: Arrival): arrival is LateRow => 'turn' in arrival

const NO_SPANS: Spans = { spans: [], lates: [] }

/** The rows of one key in one slice, its windows, and what they give. */
class WindowRun {
  private readonly shape: WindowShape
  private readonly step: KeyStep<Spans>
  private readonly windows: WindowList
  private readonly outputs: KeyedOutput[] = []
  private readonly rejected: KeyedRejection[] = []

  constructor(shape: WindowShape, step: KeyStep<Spans>) {
    this.shape = shape
    this.step = step
    this.windows = new WindowList(decodeWindows(step.state(), shape.folds))
  }

  /** Rows and results in the order of event time. At one time, rows come before results. */
  all(): void {
    const arrivals = this.arrivals()
    for (let at = 0; ; ) {
      const arrival = arrivals[at]
      const window = this.soonest()
      // guard: rows-before-results
      if (arrival !== undefined && (window === undefined || this.timeOf(arrival) <= this.next(window)!)) {
        if (isLate(arrival)) this.late(arrival)
        else this.merge(arrival, Number.NEGATIVE_INFINITY)
        at++
      } else if (window !== undefined) this.fire(window)
      else break
    }
    const { early } = this.shape
    for (const window of this.windows.items) {
      if (window.isOver) this.lateResult(window)
      else if (early !== undefined && this.isEarly(window)) this.emit(window, 'early')
    }
  }

  /**
   * When rows in time are processed: a session with the first of them. No window ends between rows that share it, so
   * it makes no difference when the others are.
   */
  private timeOf(arrival: Arrival): number {
    if (isLate(arrival)) return arrival.turn
    return this.shape.assigner.merges ? arrival.start : this.step.start
  }

  private arrivals(): Arrival[] {
    const { spans, lates } = this.step.entries ?? NO_SPANS
    if (spans.length + lates.length < 2) return [...spans, ...lates]
    const placed = [...spans, ...lates].map((arrival) => {
      const time = this.timeOf(arrival)
      return isLate(arrival)
        ? { arrival, turn: time, timestamp: arrival.timestamp, split: arrival.split, position: arrival.position }
        : { arrival, turn: time, timestamp: time, split: '', position: '' }
    })
    return placed.sort(comparePlaces).map(({ arrival }) => arrival)
  }

  /** The event time at which a window has its result in time. */
  private resultAt({ end }: OpenWindow): number {
    const { assigner, allowedLatenessMs, isFinal } = this.shape
    const over = isFinal ? end + allowedLatenessMs : end
    // A row at the end of a session still extends it.
    return assigner.merges ? over : over - 1
  }

  /** The event time at which something becomes of a window without new rows. */
  private next(window: OpenWindow): number {
    const at = this.resultAt(window)
    return window.isOver ? Math.max(at, window.end + this.shape.allowedLatenessMs - 1) : at
  }

  /** The window that is next within the slice: the first of those that are over, or of those that are not. */
  private soonest(): OpenWindow | undefined {
    const [first] = this.windows.items
    const { open } = this.windows
    const window = first !== undefined && open !== undefined && this.next(open) < this.next(first) ? open : first
    return window !== undefined && this.next(window) < this.step.end ? window : undefined
  }

  /** Gives the result of a window in time, or drops it when no more rows can come. */
  private fire(window: OpenWindow): void {
    const { isFinal, allowedLatenessMs } = this.shape
    if (!window.isOver) {
      window.isOver = true
      this.emit(window, 'on-time')
      if (!isFinal && allowedLatenessMs > 0) return
    } else this.lateResult(window)
    this.windows.remove([window])
  }

  private lateResult(window: OpenWindow): void {
    if (window.fresh > 0) this.emit(window, 'late')
  }

  private isEarly(window: OpenWindow): boolean {
    const { everyMs, count } = this.shape.early!
    if (window.fresh === 0) return false
    if (count !== undefined && window.fresh >= count) return true
    return everyMs !== undefined && Math.floor(this.step.end / everyMs) > Math.floor(this.step.start / everyMs)
  }

  /** A late row counts in the windows that still accept rows. A session is judged after it was merged. */
  private late(row: LateRow): void {
    const { assigner, allowedLatenessMs } = this.shape
    const expired: { start: number; end: number }[] = []
    for (const { start, end } of assigner.assign(row.timestamp, row.read)) {
      // guard: session-judged-merged
      const last = assigner.merges ? Math.max(end, this.windows.touching(start, end).at(-1)?.end ?? end) : end
      // guard: session-expires
      if (last + allowedLatenessMs <= row.turn) expired.push({ start, end: last })
      else this.merge({ start, end, rows: 1, accs: row.accs }, row.turn)
    }
    if (expired.length > 0) this.expire(row, expired)
  }

  /** Takes rows into their window. Sessions that touch become one. */
  private merge(span: Span, turn: number): void {
    const { assigner, folds } = this.shape
    const { start, end } = span
    const found = assigner.merges ? this.windows.touching(start, end) : this.windows.sameAs(start, end)
    const [first] = found
    if (first === undefined) {
      this.open(new OpenWindow(start, end, span.accs, span.rows), turn)
      return
    }
    const from = Math.min(start, first.start)
    const to = Math.max(end, found.at(-1)!.end)
    if (found.length === 1 && first.start === from && first.end === to) {
      if (first.stands) first.shown ??= first.accs
      first.accs = folds.merge(first.accs, span.accs)
      first.rows += span.rows
      first.fresh += span.rows
      return
    }
    // It is another window now: the results of those that it consists of are taken back.
    let { accs, rows } = span
    let fresh = span.rows
    for (const window of found) {
      if (window.stands) this.takeBack(window, window.panes, 'late', { first: false, last: true }) // guard: session-taken-back
      accs = folds.merge(window.accs, accs)
      rows += window.rows
      fresh += window.fresh
    }
    this.windows.remove(found)
    const merged = new OpenWindow(from, to, accs, rows)
    if (this.shape.accumulation === 'discarding') merged.fresh = fresh
    this.open(merged, turn)
  }

  /** Adds a window. A late row may open one whose end has passed: it has its result at the end of the slice. */
  private open(window: OpenWindow, turn: number): void {
    window.isOver = this.resultAt(window) < turn
    this.windows.add(window)
  }

  private emit(window: OpenWindow, timing: 'early' | 'on-time' | 'late'): void {
    const { shape, step } = this
    const { accumulation, allowedLatenessMs, isFinal, folds } = shape
    const isLast =
      timing === 'on-time'
        ? isFinal || allowedLatenessMs === 0
        : timing === 'late' && window.end + allowedLatenessMs <= step.end
    const index = window.panes
    const pane = { index, timing, first: index === 0, last: isLast }
    const isRetracting = accumulation === 'retracting'
    const id = `${window.start}-${window.end}|${index}`
    const before = window.stands ? this.valueOf(window) : undefined
    if (before !== undefined && isRetracting) this.takeBack(window, index, timing, { first: index === 0, last: isLast })
    window.panes++
    window.stands = false
    window.shown = undefined
    try {
      const row = {
        key: step.key,
        value: folds.value(window.accs),
        window: { start: window.start, end: window.end },
        pane,
        id: this.nameOf(id),
        ...(isRetracting && { op: '+' as const }),
      }
      const replaced =
        before !== undefined && !isRetracting ? { ...row, value: before, id: `${row.id}|-`, op: '-' } : undefined
      this.outputs.push({ value: row, timestamp: this.timestampOf(window), id, ...(replaced && { replaced }) })
      window.stands = accumulation !== 'discarding'
    } catch (thrown) {
      this.reject(window, `${id}|rejected`, thrown)
    }
    window.fresh = 0
    if (accumulation !== 'discarding') return
    window.accs = folds.create()
    window.rows = 0
  }

  private takeBack(
    window: OpenWindow,
    index: number,
    timing: 'early' | 'on-time' | 'late',
    { first, last }: { first: boolean; last: boolean },
  ): void {
    const value = this.valueOf(window)
    const id = `${window.start}-${window.end}|${index}|-`
    const row = {
      key: this.step.key,
      value,
      window: { start: window.start, end: window.end },
      pane: { index, timing, first, last },
      id: this.nameOf(id),
      op: '-' as const,
    }
    this.outputs.push({ value: row, timestamp: this.timestampOf(window), id, takesBack: true })
  }

  /** The event time of a result: the last instant at which a row in time could count in the window. */
  private timestampOf({ end }: OpenWindow): number {
    return this.shape.assigner.merges ? end : end - 1
  }

  /** What the last result of a window held. */
  private valueOf(window: OpenWindow): Record<string, unknown> {
    return this.shape.folds.value(window.shown ?? window.accs)
  }

  private nameOf(id: string): string {
    return `${this.shape.name}|${this.step.text}|${id}`
  }

  private reject(window: OpenWindow, id: string, thrown: unknown): void {
    this.rejected.push({
      reason: reasonOf(thrown),
      detail: `A result of "${this.shape.name}": ${messageOf(thrown)}`,
      split: this.shape.name,
      position: String(this.step.end),
      timestamp: this.timestampOf(window),
      window: { start: window.start, end: window.end },
      payload: null,
      id,
    })
  }

  private expire(row: LateRow, windows: readonly { start: number; end: number }[]): void {
    this.rejected.push({
      reason: 'expired',
      detail: 'The window no longer accepted rows when this one arrived.',
      split: row.split,
      position: row.position,
      timestamp: row.timestamp,
      windows: { count: windows.length, first: windows[0]!, last: windows.at(-1)! },
      payload: row.value,
      id: `${this.step.end}/expired/${this.rejected.length}`,
    })
  }

  /** Rejects the rows of a slice with which the state of the key would be too large. */
  refused({ spans, lates }: Spans, stateChars: number): KeyedResult {
    const { name, folds } = this.shape
    const refuse = (timestamp: number, place: { split: string; position: string }, payload: unknown): void => {
      this.rejected.push({
        reason: 'state-too-large',
        detail: `The windows of one key of "${name}" may have at most ${stateChars} characters as JSON; with these rows they would have more. Use folds that keep less, a shorter window, or less allowed lateness.`,
        ...place,
        timestamp,
        payload,
        id: `${this.step.end}/refused/${this.rejected.length}`,
      })
    }
    const here = { split: name, position: String(this.step.end) }
    for (const { start, end, rows, accs } of spans) {
      let value: unknown = null
      try {
        value = folds.value(accs)
      } catch {
        // The window and the number of rows have to do.
      }
      refuse(Math.min(Math.max(start, this.step.start), this.step.end - 1), here, {
        window: { start, end },
        rows,
        value,
      })
    }
    for (const { timestamp, split, position, value } of lates) refuse(timestamp, { split, position }, value)
    return this.result()
  }

  result(): KeyedResult {
    const { shape, outputs, rejected, step } = this
    const windows = this.windows.items
    if (windows.length === 0) return { state: undefined, due: undefined, waits: undefined, outputs, rejected }
    let due = Number.POSITIVE_INFINITY
    let waits: number | undefined
    const { early } = shape
    for (const window of windows) {
      due = Math.min(due, this.next(window))
      if (window.isOver) continue
      const at = this.resultAt(window)
      if (waits === undefined || at > waits) waits = at
      if (early?.everyMs === undefined || window.fresh === 0) continue
      // The early result comes at the end of the slice that ends there.
      due = Math.min(due, (Math.floor(step.end / early.everyMs) + 1) * early.everyMs - 1)
    }
    return { state: encodeWindows(windows, shape.folds), due, waits, outputs, rejected }
  }
}
