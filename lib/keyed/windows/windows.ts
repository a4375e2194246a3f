import type { AggregateMap, Json } from '../../aggregate/index.js'
import { Folds } from '../folds.js'
import { type KeyedLogic, lazily } from '../logic.js'
import { type Assigner, assignerOf, type KeyedWindowSpec } from './assign.js'
import { spansFold } from './spans.js'

/** When a window gives results before its end, in event time. */
export interface EarlyTrigger {
  /** At each multiple of this, if there are new rows, ms. */
  readonly everyMs: number | undefined
  /** At the end of the slice in which there are this many new rows. */
  readonly count: number | undefined
}

export interface WindowsOptions {
  readonly name: string
  readonly spec: KeyedWindowSpec
  readonly offsetMs: number
  readonly allowedLatenessMs: number
  readonly accumulation: 'accumulating' | 'discarding' | 'retracting'
  /** One result, when lateness is over. */
  readonly isFinal: boolean
  readonly early: EarlyTrigger | undefined
  readonly aggregates: AggregateMap<any, any>
}

/** An operator whose windows are kept as state of each key. */
export interface WindowShape extends WindowsOptions {
  readonly assigner: Assigner
  readonly folds: Folds
}

/** The logic of windows with state for each key. What closes the windows is loaded when the first slice closes. */
export function windowsLogic(options: WindowsOptions): KeyedLogic {
  const assigner = assignerOf(options.spec, options.offsetMs)
  const folds = new Folds(options.aggregates)
  const { allowedLatenessMs, accumulation, isFinal, early } = options
  const described: Record<string, Json> = {
    window: assigner.options,
    allowedLatenessMs,
    accumulation,
    ...(isFinal && { emit: 'final' }),
    ...(early?.everyMs !== undefined && { earlyMs: early.everyMs }),
    ...(early?.count !== undefined && { earlyCount: early.count }),
    folds: folds.described,
  }
  return {
    kind: assigner.merges ? 'sessions' : 'windows',
    results: resultsOf(options),
    lagMs: isFinal ? allowedLatenessMs : 0,
    label: `${assigner.text} { ${folds.label} }`,
    options: described,
    entry: spansFold(folds, assigner),
    load: lazily(async () => (await import('./close-windows.js')).windowsStep({ ...options, assigner, folds })),
  }
}

function resultsOf({ accumulation, allowedLatenessMs, isFinal, early }: WindowsOptions): KeyedLogic['results'] {
  if (accumulation === 'discarding' || isFinal || (allowedLatenessMs === 0 && early === undefined)) return 'once'
  return accumulation === 'retracting' ? 'retracted' : 'repeated'
}
