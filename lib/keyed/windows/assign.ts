import type { Json } from '../../aggregate/index.js'
import { EVENT_TIME_MAX, glimpse, milliseconds, RecordRejection } from '../../base/index.js'
import {
  Calendar,
  type CalendarSpec,
  describeCalendar,
  describeSession,
  describeWindow,
  type Interval,
  type SessionSpec,
  Slices,
  type WindowSpec,
} from '../../window/index.js'

/** A window of which each key keeps its own state. */
export type KeyedWindowSpec<T = any> = SessionSpec<T> | CalendarSpec | WindowSpec

/** Assigns windows to the rows of a key. */
export interface Assigner {
  /** Windows that touch are merged, as sessions are. Else a row has the same windows whatever else there is. */
  readonly merges: boolean
  readonly text: string
  readonly options: Readonly<Record<string, Json>>
  /**
   * What of the row the assignment needs, besides its timestamp.
   * @throws {RecordRejection} `bad-gap`
   */
  read(row: unknown): number
  /** The windows of a row, by ascending end. `read` is what `read` gave. */
  assign(timestamp: number, read: number): readonly Interval[]
}

export function assignerOf(spec: KeyedWindowSpec, offsetMs: number): Assigner {
  if (spec.kind === 'session') return sessions(spec)
  if (spec.kind === 'calendar') return days(spec)
  const slices = new Slices(spec, offsetMs, 0)
  return {
    merges: false,
    text: describeWindow(spec),
    options: { kind: spec.kind, sizeMs: spec.sizeMs, stepMs: spec.stepMs, offsetMs },
    read: () => 0,
    assign: (timestamp) => slices.windowsOf(timestamp),
  }
}

function sessions(spec: SessionSpec): Assigner {
  const { gapMs } = spec
  const fixed = typeof gapMs === 'number' ? gapMs : 0
  return {
    merges: true,
    text: describeSession(spec),
    options: { kind: 'session', gapMs: typeof gapMs === 'number' ? gapMs : 'row' },
    read: typeof gapMs === 'number' ? () => fixed : (row) => gapOf(gapMs(row)),
    assign: (timestamp, gap) => [{ start: timestamp, end: Math.min(timestamp + gap, EVENT_TIME_MAX) }],
  }
}

function gapOf(given: unknown): number {
  if (typeof given === 'number' && Number.isSafeInteger(given) && given >= 1) return given
  try {
    return milliseconds(given as string, 'The gap', 1)
  } catch {
    throw new RecordRejection(
      'bad-gap',
      `The gap of session() must be a duration such as '30m', or whole milliseconds, and at least 1 ms; the function gave ${glimpse(given)}.`,
    )
  }
}

function days(spec: CalendarSpec): Assigner {
  const windows = new Calendar(spec)
  return {
    merges: false,
    text: describeCalendar(spec),
    options: { kind: 'calendar', unit: spec.unit, timeZone: spec.timeZone, weekStart: spec.weekStart },
    read: () => 0,
    assign: (timestamp) => [windows.at(timestamp)],
  }
}
