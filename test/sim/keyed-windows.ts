import { numberOf, type OperatorSpec } from './spec.js'

/**
 * Windows with state for each key, written plainly: a row or a result at a time, and each window with all of its rows.
 */

export interface KeyedRowIn {
  readonly value: any
  readonly turn: number
  readonly timestamp: number
  readonly place: { readonly split: string; readonly position: string }
}

interface Interval {
  readonly start: number
  readonly end: number
}

interface Open extends Interval {
  readonly rows: KeyedRowIn[]
  /** What the result holds that is to be replaced or taken back, if there is one. */
  readonly shown: readonly KeyedRowIn[] | undefined
  /** How many of the rows no result holds. */
  readonly fresh: number
  readonly panes: number
  readonly isOver: boolean
}

interface Given {
  readonly row: any
  readonly timestamp: number
  readonly weight: 1 | -1
  /** When it was given: its slice is the one that holds this time. */
  readonly time: number
}

const byStart = (a: Interval, b: Interval): number => a.start - b.start || a.end - b.end

/** The gap of a session, which may depend on the row. */
export function gapOf({ keyed }: OperatorSpec, row: any): number {
  const { gapMs, isGapOfRow } = keyed!
  return isGapOfRow ? gapMs * (1 + (Math.abs(Math.floor(numberOf(row))) % 3)) : gapMs
}

/** All that the windows of one key give, whose rows are in order. */
export function keyedWindows(
  operator: OperatorSpec,
  key: unknown,
  rows: readonly KeyedRowIn[],
  fixed: (operator: OperatorSpec, time: number) => Interval[],
  foldedOf: (rows: readonly KeyedRowIn[]) => unknown,
) {
  const { accumulation, latenessMs, isFinal } = operator
  const { kind, everyMs, earlyMs, earlyCount } = operator.keyed!
  const isSession = kind === 'session'
  const given: Given[] = []
  const expired: { row: KeyedRowIn; windows: Interval[] }[] = []
  let windows: Open[] = []
  let last = Number.NEGATIVE_INFINITY
  const endOfSlice = (time: number): number => Math.floor(time / everyMs) * everyMs + everyMs
  const firesAt = ({ end }: Interval): number => (isFinal ? end + latenessMs : end) - (isSession ? 0 : 1)
  const dropsAt = (window: Open): number => Math.max(firesAt(window), window.end + latenessMs - 1)

  const timestampOf = ({ end }: Interval): number => (isSession ? end : end - 1)
  const give = (window: Open, time: number, timing: string): Open => {
    const { start, end, panes, shown } = window
    const isLast =
      timing === 'on-time' ? isFinal || latenessMs === 0 : timing === 'late' && end + latenessMs <= endOfSlice(time)
    const pane = { index: panes, timing, first: panes === 0, last: isLast }
    const row = (of: readonly KeyedRowIn[], op?: string) => ({
      key,
      value: foldedOf(of),
      window: { start, end },
      pane,
      ...(op && { op }),
    })
    const isRetracting = accumulation === 'retracting'
    if (isRetracting && shown !== undefined)
      given.push({ row: row(shown, '-'), timestamp: timestampOf(window), weight: -1, time })
    const of = accumulation === 'discarding' ? window.rows.slice(window.rows.length - window.fresh) : window.rows
    given.push({ row: row(of, isRetracting ? '+' : undefined), timestamp: timestampOf(window), weight: 1, time })
    const stands = accumulation === 'discarding' ? undefined : [...window.rows]
    return { ...window, shown: stands, fresh: 0, panes: panes + 1 }
  }

  const put = (window: Open): void => {
    windows = [...windows.filter(({ start, end }) => start !== window.start || end !== window.end), window]
  }

  /** At the end of a slice, windows with new rows have their early and late results. */
  const endSlice = (end: number): void => {
    for (const window of [...windows].sort(byStart)) {
      if (window.fresh === 0) continue
      if (window.isOver) put(give(window, end - 1, 'late'))
      else if ((earlyMs > 0 && end % earlyMs === 0) || (earlyCount > 0 && window.fresh >= earlyCount))
        put(give(window, end - 1, 'early'))
    }
  }

  /** Results in time, the end of windows, and the ends of slices, before a time. */
  const until = (from: number, time: number): void => {
    for (let now = from; ; ) {
      const next = windows.map((window) => (window.isOver ? dropsAt(window) : firesAt(window)))
      const at = Math.min(...next)
      // Only slices in which something is new matter.
      const slice = windows.some(({ fresh }) => fresh > 0) ? endOfSlice(now) : Number.POSITIVE_INFINITY
      if (slice < Number.POSITIVE_INFINITY && slice <= Math.min(at, time)) {
        endSlice(slice)
        now = slice
        last = Math.max(last, slice - 1)
        continue
      }
      if (at >= time || at === Number.POSITIVE_INFINITY) return
      now = at
      if (at >= 8e15) return
      const due = windows.filter((one) => (one.isOver ? dropsAt(one) : firesAt(one)) === at)
      for (const window of due.sort(byStart)) {
        if (!window.isOver) {
          last = Math.max(last, at)
          const done = { ...give(window, at, 'on-time'), isOver: true }
          if (isFinal || latenessMs === 0) windows = windows.filter((one) => one !== window)
          else put(done)
        } else {
          if (window.fresh > 0) give(window, at, 'late')
          windows = windows.filter((one) => one !== window)
        }
      }
    }
  }

  const take = (row: KeyedRowIn, { start, end }: Interval): void => {
    const isSame = (one: Open): boolean => one.start === start && one.end === end
    const touching = windows
      .filter((one) => (isSession ? one.start <= end && start <= one.end : isSame(one)))
      .sort(byStart)
    const from = Math.min(start, ...touching.map((one) => one.start))
    const to = Math.max(end, ...touching.map((one) => one.end))
    const [only] = touching
    if (touching.length === 1 && only!.start === from && only!.end === to) {
      put({ ...only!, rows: [...only!.rows, row], fresh: only!.fresh + 1 })
      return
    }
    for (const { start, end, panes, shown } of touching) {
      if (shown === undefined) continue
      const pane = { index: panes, timing: 'late', first: false, last: true }
      const taken = { key, value: foldedOf(shown), window: { start, end }, pane, op: '-' }
      given.push({ row: taken, timestamp: timestampOf({ start, end }), weight: -1, time: row.turn })
    }
    // Rows that a result has given already are never given again by windows that discard.
    const kept = touching.flatMap((one) =>
      accumulation === 'discarding' ? one.rows.slice(one.rows.length - one.fresh) : one.rows,
    )
    windows = windows.filter((one) => !touching.includes(one))
    const merged = { start: from, end: to, rows: [...kept, row], shown: undefined, panes: 0, isOver: false }
    put({ ...merged, fresh: merged.rows.length, isOver: row.turn > row.timestamp && firesAt(merged) < row.turn })
  }

  let now = rows[0]?.turn ?? 0
  for (const row of rows) {
    until(now, row.turn)
    now = row.turn
    last = Math.max(last, now)
    const { timestamp, turn, value } = row
    const all = isSession
      ? [{ start: timestamp, end: timestamp + gapOf(operator, value) }]
      : fixed(operator, timestamp).sort((a, b) => a.end - b.end)
    const gone: Interval[] = []
    for (const window of all) {
      const touching = windows.filter((one) => isSession && one.start <= window.end && window.start <= one.end)
      const end = Math.max(window.end, ...touching.map((one) => one.end))
      if (turn > timestamp && end + latenessMs <= turn) gone.push({ start: window.start, end })
      else take(row, window)
    }
    if (gone.length > 0) expired.push({ row, windows: gone })
  }
  until(now, Number.POSITIVE_INFINITY)
  return { given, expired, last }
}
