import type { AggregateMap } from '../aggregate/index.js'
import {
  ConfigError,
  checkOptions,
  type Duration,
  formatDuration,
  glimpse,
  KEYED_WINDOWS_PER_RECORD_MAX,
  milliseconds,
  SLICE_MS_MIN,
} from '../base/index.js'
import { type EarlyTrigger, type KeyedWindowSpec, windowsLogic } from '../keyed/index.js'
import { roundDownMs } from '../window/index.js'
import { type KeyedNode, keyedStep, sliceLength } from './keyed-step.js'
import { settleWindow, type WindowOptions } from './window-options.js'

/** The longest slice that is chosen for early results, ms. */
const EARLY_SLICE_MS = 10_000

/** Whether the windows are kept as state of each key, rather than folded from slices. */
export function isKeyedWindow(spec: { readonly kind: string }, options: WindowOptions<any, any>): boolean {
  return spec.kind === 'session' || spec.kind === 'calendar' || options.early !== undefined
}

/**
 * Checks the options of windows with state for each key and makes their node.
 * @throws {ConfigError} `bad-window`, `bad-duration`
 */
export function keyedWindowStep(
  name: string,
  spec: KeyedWindowSpec,
  options: WindowOptions<any, any>,
  aggregates: AggregateMap<any, any>,
): KeyedNode {
  const what = `the window of "${name}"`
  const isAligned = spec.kind !== 'session' && spec.kind !== 'calendar'
  if (!isAligned && options.offset !== undefined)
    throw new ConfigError(
      'bad-window',
      `offset is for tumbling, hopping and cumulating windows; ${what} is a ${spec.kind}. Leave offset out.`,
    )
  if (options.empty !== undefined)
    throw new ConfigError(
      'bad-window',
      `empty is for tumbling, hopping and cumulating windows without early results; ${what} ${isAligned ? 'has early' : `is a ${spec.kind}`}. Leave empty out.`,
    )
  const aligned = isAligned ? spec : ({ kind: 'tumbling', sizeMs: 1, stepMs: 1 } as const)
  const count = Math.ceil(aligned.sizeMs / aligned.stepMs)
  if (count > KEYED_WINDOWS_PER_RECORD_MAX)
    throw new ConfigError(
      'bad-window',
      `With early, each key keeps every window of a record, so a record may fall into at most ${KEYED_WINDOWS_PER_RECORD_MAX} windows; ${what} gives ${count}. Use a longer slide or step, or leave early out.`,
    )
  const { offsetMs, allowedLatenessMs, accumulation, emit } = settleWindow(name, aligned, options)
  const early = earlyTrigger(what, options.early)
  if (early !== undefined && emit === 'final')
    throw new ConfigError(
      'bad-window',
      `${what} has early results and emit: 'final', which means one result. Leave one of them out.`,
    )
  const isFinal = emit === 'final'
  const logic = windowsLogic({ name, spec, offsetMs, allowedLatenessMs, accumulation, isFinal, early, aggregates })
  const everyMs = options.every === undefined ? earlySlice(early) : sliceLength(what, options.every)
  return keyedStep(name, everyMs, logic, options.late)
}

function earlyTrigger(what: string, early: WindowOptions<any, any>['early']): EarlyTrigger | undefined {
  if (early === undefined) return undefined
  if (typeof early !== 'object') return { everyMs: earlyMs(what, early), count: undefined }
  checkOptions(`early of ${what}`, early, { every: true, count: true })
  const { every, count } = early
  if (every === undefined && count === undefined)
    throw new ConfigError(
      'bad-window',
      `early of ${what} is a duration such as '10s', or { every: '10s' }, { count: 100 }, or both; it is empty.`,
    )
  if (count !== undefined && !(Number.isSafeInteger(count) && count >= 1))
    throw new ConfigError('bad-window', `early.count of ${what} is a number of rows from 1; it is ${glimpse(count)}.`)
  return { everyMs: every === undefined ? undefined : earlyMs(what, every), count }
}

function earlyMs(what: string, every: Duration): number {
  const ms = milliseconds(every, `early of ${what}`, SLICE_MS_MIN)
  if (ms % SLICE_MS_MIN === 0) return ms
  throw new ConfigError(
    'bad-window',
    `early of ${what} must be a multiple of ${formatDuration(SLICE_MS_MIN)}; it is ${formatDuration(ms)}.`,
  )
}

/** Slices that end where early results are given; 0 if the plan chooses them. */
function earlySlice(early: EarlyTrigger | undefined): number {
  const everyMs = early?.everyMs
  if (everyMs === undefined) return 0
  for (let ms = roundDownMs(Math.min(everyMs, EARLY_SLICE_MS)); ms > SLICE_MS_MIN; ms = roundDownMs(ms - 1))
    if (everyMs % ms === 0) return ms
  return SLICE_MS_MIN
}
