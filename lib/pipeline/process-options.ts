import {
  ConfigError,
  checkFunction,
  checkName,
  checkOptions,
  type Duration,
  glimpse,
  milliseconds,
} from '../base/index.js'
import { type ProcessHandlers, processLogic, type StateMap } from '../keyed/index.js'
import { type KeyedNode, keyedStep, sliceLength } from './keyed-step.js'

export interface ProcessOptions<S extends StateMap> {
  /** The state of each key, by name: `value`, `map`, `list` or `aggregate`. Default: none. */
  readonly state?: S
  /** States are dropped when they have not been written for this long, in event time. Default: they are kept. */
  readonly ttl?: Duration
  /**
   * Rows are processed once event time has passed the end of their slice of this length, from 100 ms to 1 h. A longer
   * slice costs less, a shorter one gives rows earlier. Default: an eighth of the largest out-of-order bound, and at
   * least 1 s.
   */
  readonly every?: Duration
}

/**
 * Checks the options of a process function and makes its node.
 * @throws {ConfigError} `bad-process`, `bad-state`, `bad-duration`
 */
export function settleProcess(
  name: string,
  options: ProcessOptions<any>,
  handlers: ProcessHandlers<any, any, any, any>,
): KeyedNode {
  if (typeof name !== 'string')
    throw new ConfigError(
      'bad-process',
      `process() takes a name, its options, then its handlers; the name is ${glimpse(name)}.`,
    )
  checkName('stateful step', name)
  const what = `process("${name}")`
  if (handlers === undefined || handlers === null)
    throw new ConfigError(
      'bad-process',
      `${what} takes its handlers after its options, which may be empty: .process("${name}", {}, { onRow(ctx, row) { … } }).`,
    )
  checkOptions(what, options, { state: true, ttl: true, every: true })
  checkOptions(`The object of handlers of ${what}`, handlers, { onRow: true, onTimer: true })
  checkFunction('bad-process', `onRow of ${what}`, handlers.onRow)
  if (handlers.onTimer !== undefined) checkFunction('bad-process', `onTimer of ${what}`, handlers.onTimer)
  const state = checkedState(what, options?.state)
  const ttlMs = options?.ttl === undefined ? undefined : milliseconds(options.ttl, `ttl of ${what}`, 1)
  return keyedStep(name, sliceLength(what, options?.every), processLogic({ name, state, ttlMs, handlers }))
}

function checkedState(what: string, state: StateMap | undefined): StateMap {
  if (state === undefined) return {}
  if (typeof state !== 'object' || state === null || Array.isArray(state))
    throw new ConfigError(
      'bad-state',
      `state of ${what} is an object such as { seen: value(0) }; it is ${glimpse(state)}.`,
    )
  for (const [field, spec] of Object.entries(state)) {
    checkName('state', field)
    const given: any = spec
    if (typeof given?.open === 'function') continue
    const is = typeof given?.read === 'function' ? `a fold. Write aggregate(…) around it` : glimpse(given)
    throw new ConfigError(
      'bad-state',
      `The state "${field}" of ${what} must be created with value(), map(), list() or aggregate(); it is ${is}.`,
    )
  }
  return state
}
