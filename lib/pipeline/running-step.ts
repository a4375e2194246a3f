import type { AggregateMap } from '../aggregate/index.js'
import { ConfigError, checkOptions, type Duration, milliseconds, shown } from '../base/index.js'
import { runningLogic } from '../keyed/index.js'
import { type KeyedNode, keyedStep, sliceLength } from './keyed-step.js'

export interface RunningOptions<A extends 'accumulating' | 'retracting' = 'accumulating' | 'retracting'> {
  /**
   * `accumulating` (the default): each result replaces the one before. `retracting`: the one before is taken back
   * first, as another operator that reads the results needs it.
   */
  readonly accumulation?: A
  /** The state of a key is dropped when it has had no row for this long, in event time. Default: it is kept. */
  readonly ttl?: Duration
  /**
   * A key that has got rows gives one result for each slice of this length, from 100 ms to 1 h. A longer slice costs
   * less, a shorter one gives results earlier. Default: as for `process`.
   */
  readonly every?: Duration
}

/**
 * Checks the options of folds without a window and makes their node.
 * @throws {ConfigError} `bad-aggregate`, `bad-duration`
 */
export function runningStep(name: string, aggregates: AggregateMap<any, any>, options: RunningOptions): KeyedNode {
  const what = `aggregate("${name}")`
  checkOptions(what, options, { accumulation: true, ttl: true, every: true })
  const { accumulation = 'accumulating' } = options
  if (accumulation !== 'accumulating' && accumulation !== 'retracting')
    throw new ConfigError(
      'bad-aggregate',
      `accumulation of ${what} is 'accumulating' or 'retracting'; it is ${shown(accumulation)}.`,
    )
  for (const [field, fold] of Object.entries(aggregates))
    if (fold.ordered)
      throw new ConfigError(
        'bad-aggregate',
        `The field "${field}" of ${what} keeps all rows of the key, to fold them in their order, and without a window that never ends. Use a fold without ordered: true, a window, or process().`,
      )
  const ttlMs = options.ttl === undefined ? undefined : milliseconds(options.ttl, `ttl of ${what}`, 1)
  const isRetracting = accumulation === 'retracting'
  return keyedStep(name, sliceLength(what, options.every), runningLogic({ name, isRetracting, ttlMs, aggregates }))
}
