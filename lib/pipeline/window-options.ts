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
  /** Moves where windows start, for calendars that do not start at 00:00 UTC. May be negative. Default 0. */
  readonly offset?: Duration
  /** How long after its end a window still takes late rows, in event time. Default 0. */
  readonly allowedLateness?: Duration
  /** Where rows go that no longer count in a window. Default: the dead letter. */
  readonly late?: SinkNode<Rejected & { readonly payload: T; readonly key: K }>
  /**
   * What a late pane holds: all rows so far (`accumulating`, the default), its own (`discarding`), or a retraction of
   * the pane before and all rows (`retracting`).
   */
  readonly accumulation?: A
  /**
   * When a window gives results. `panes` (the default): one when event time passes its end, and late panes while
   * lateness is allowed. `final`: one result, with all rows, when the allowed lateness is over. Its pane is the first
   * and the last.
   */
  readonly emit?: Emit
  /**
   * Whether windows without rows give results: of each key that had a row within a horizon before the window's end,
   * with folds of nothing. `{ horizon: '1h' }`, or `'emit'` for a horizon of ten windows. What a horizon covers is read
   * when a window closes. Default: none do.
   */
  readonly empty?: 'emit' | { readonly horizon: Duration }
}

/** Windows of the horizon of `empty: 'emit'`. */
const EMPTY_WINDOWS = 10

function emptyFor(name: string, empty: WindowOptions<any, any>['empty'], { sizeMs, stepMs }: WindowSpec): number {
  if (empty === undefined) return 0
  if (empty === 'emit') return Math.max(sizeMs, EMPTY_WINDOWS * stepMs)
  checkOptions(`empty of the window of "${name}"`, empty, { horizon: true })
  const horizonMs = milliseconds(empty.horizon, `empty.horizon of the window of "${name}"`, stepMs)
  if (horizonMs / stepMs <= EMPTY_WINDOWS_MAX) return horizonMs
  throw new ConfigError(
    'bad-window',
    `The horizon of "${name}" holds at most ${EMPTY_WINDOWS_MAX} windows; ${formatDuration(horizonMs)} of windows that end every ${formatDuration(stepMs)} holds ${Math.ceil(horizonMs / stepMs)}. Use a shorter horizon.`,
  )
}

/**
 * The options of a window as its operator has them.
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
      `accumulation is 'accumulating', 'discarding' or 'retracting'; the window of "${name}" has ${shown(accumulation)}.`,
    )
  }
  if (emit !== 'panes' && emit !== 'final') {
    throw new ConfigError('bad-window', `emit is 'panes' or 'final'; the window of "${name}" has ${shown(emit)}.`)
  }
  if (emit === 'final' && accumulation !== 'accumulating') {
    throw new ConfigError(
      'bad-window',
      `The window of "${name}" has emit: 'final' and accumulation: '${accumulation}'. With one result a window there is nothing to take back or to add: leave accumulation out.`,
    )
  }
  const shift = signedMilliseconds(offset, `The offset of the window of "${name}"`)
  // Windows start every step, but cumulating ones every size: an offset that is longer says the same as its rest.
  const every = spec.kind === 'cumulate' ? spec.sizeMs : spec.stepMs
  return {
    offsetMs: (shift % every) + 0,
    allowedLatenessMs: milliseconds(allowedLateness, `allowedLateness of the window of "${name}"`),
    accumulation,
    emit,
    emptyForMs: emptyFor(name, empty, spec),
  }
}
