import {
  ConfigError,
  checkOptions,
  type Duration,
  EMPTY_WINDOWS_MAX,
  formatDuration,
  type Key,
  milliseconds,
  shown,
  signedMilliseconds,
} from '../base/index.js'
import type { SinkNode } from '../ports/index.js'
import type { WindowSpec } from '../window/index.js'
import type { Accumulation, Emit, OperatorStep } from './graph.js'
import type { Rejected } from './result.js'

export interface WindowOptions<T, K extends Key, A extends Accumulation = Accumulation> {
  /** Shifts the start of windows, for calendars that do not start at 00:00 UTC. May be negative. Default 0. */
  readonly offset?: Duration
  /** How long after its end a window accepts late rows, in event time. Default 0. */
  readonly allowedLateness?: Duration
  /** Where rows go that their windows no longer accept. Default: the dead letter. */
  readonly late?: SinkNode<Rejected & { readonly payload: T; readonly key: K }>
  /**
   * What a late pane holds: all rows so far (`accumulating`, the default), only its own rows (`discarding`), or a
   * retraction of the pane before and then all rows (`retracting`).
   */
  readonly accumulation?: A
  /**
   * When a window gives results. `panes` (the default): one pane when event time passes the end of the window, and late
   * panes while lateness is allowed. `final`: one pane, with all rows, when the allowed lateness is over. That pane is
   * both the first and the last.
   */
  readonly emit?: Emit
  /**
   * Whether windows without rows give results. A key gives results of empty windows that end within a horizon after its
   * last row. The value of each fold is its value over no rows. Use `{ horizon: '1h' }`, or `'emit'` for a horizon of
   * ten windows. Closing a window reads the rows of the whole horizon. Default: empty windows give no results.
   */
  readonly empty?: 'emit' | { readonly horizon: Duration }
  /**
   * Results before the end of a window, while it gets rows: at each multiple of a duration in event time, or at the end
   * of the slice in which `count` new rows have come. Default: none. With it, and with `session` and `calendar`, the
   * windows are kept as state of each key.
   */
  readonly early?: Duration | { readonly every?: Duration; readonly count?: number }
  /**
   * For windows that are kept as state of each key: rows are processed once event time has passed the end of their
   * slice of this length, from 100 ms to 1 h. A longer slice costs less, a shorter one gives results earlier. Default:
   * as for `process`; with `early`, at most 10 s.
   */
  readonly every?: Duration
}

const KINDS = ['tumbling', 'hopping', 'cumulate', 'session', 'calendar']

/** @throws {ConfigError} `bad-window`, `unknown-option` */
export function checkWindow(spec: { readonly kind: string }, options: WindowOptions<any, any, any>): void {
  if (!KINDS.includes(spec?.kind))
    throw new ConfigError('bad-window', 'window() takes tumbling(), hopping(), cumulate(), session() or calendar().')
  checkOptions('window()', options, {
    offset: true,
    allowedLateness: true,
    late: true,
    accumulation: true,
    emit: true,
    empty: true,
    early: true,
    every: true,
  })
  if (
    options?.every !== undefined &&
    spec.kind !== 'session' &&
    spec.kind !== 'calendar' &&
    options.early === undefined
  )
    throw new ConfigError(
      'bad-window',
      `every is for windows that are kept as state of each key: session(), calendar(), and windows with early results. A ${spec.kind} window has slices of its own. Leave every out.`,
    )
}

/** The number of windows in the horizon of `empty: 'emit'`. */
const EMPTY_WINDOWS = 10

function emptyFor(name: string, empty: WindowOptions<any, any>['empty'], { sizeMs, stepMs }: WindowSpec): number {
  if (empty === undefined) return 0
  if (empty === 'emit') return Math.max(sizeMs, EMPTY_WINDOWS * stepMs)
  checkOptions(`empty of the window of "${name}"`, empty, { horizon: true })
  const horizonMs = milliseconds(empty.horizon, `empty.horizon of the window of "${name}"`, stepMs)
  if (horizonMs / stepMs <= EMPTY_WINDOWS_MAX) return horizonMs
  throw new ConfigError(
    'bad-window',
    `The horizon of "${name}" may span at most ${EMPTY_WINDOWS_MAX} windows; ${formatDuration(horizonMs)} with a window every ${formatDuration(stepMs)} spans ${Math.ceil(horizonMs / stepMs)}. Use a shorter horizon.`,
  )
}

/**
 * Checks the options of a window and applies the defaults.
 * @throws {ConfigError} `bad-window`, `bad-duration`
 */
export function settleWindow(
  name: string,
  spec: WindowSpec,
  options: WindowOptions<any, any>,
): Pick<OperatorStep, 'offsetMs' | 'allowedLatenessMs' | 'accumulation' | 'emit' | 'emptyForMs'> {
  const { offset = 0, allowedLateness = 0, accumulation = 'accumulating', emit = 'panes', empty } = options
  if (!['accumulating', 'discarding', 'retracting'].includes(accumulation)) {
    throw new ConfigError(
      'bad-window',
      `accumulation must be 'accumulating', 'discarding' or 'retracting'; the window of "${name}" has ${shown(accumulation)}.`,
    )
  }
  if (emit !== 'panes' && emit !== 'final') {
    throw new ConfigError('bad-window', `emit must be 'panes' or 'final'; the window of "${name}" has ${shown(emit)}.`)
  }
  if (emit === 'final' && accumulation !== 'accumulating') {
    throw new ConfigError(
      'bad-window',
      `The window of "${name}" has emit: 'final' and accumulation: '${accumulation}'. Each window then has one result, so there is nothing to take back or add: leave accumulation out.`,
    )
  }
  const shift = signedMilliseconds(offset, `The offset of the window of "${name}"`)
  // Windows start at every step, but cumulating ones at every size. An offset that is longer than that is equivalent to
  // its remainder.
  const every = spec.kind === 'cumulate' ? spec.sizeMs : spec.stepMs
  return {
    offsetMs: (shift % every) + 0,
    allowedLatenessMs: milliseconds(allowedLateness, `allowedLateness of the window of "${name}"`),
    accumulation,
    emit,
    emptyForMs: emptyFor(name, empty, spec),
  }
}
