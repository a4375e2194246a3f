import type { Sync } from '../base/index.js'
import type { Shape } from './key-run.js'
import { type KeyedLogic, lazily } from './logic.js'
import { keyedRows } from './rows.js'
import type { AccessOf, StateMap } from './state.js'

/** A timer that fires. `time` is its event time, ms. */
export interface Timer {
  readonly name: string
  readonly time: number
}

/** The event-time timers of a key. Each has a name: setting it again replaces it. */
export interface Timers {
  /**
   * Fires when event time reaches `time` (ms, or a Date). A time that has passed fires at once, after the current call.
   */
  set(name: string, time: number | Date): void
  delete(name: string): void
  /** The time at which the timer fires, ms; undefined if it is not set. */
  get(name: string): number | undefined
}

/** What a handler gets beside its row or timer. It is valid only during the call. */
export interface ProcessContext<K, S> {
  readonly key: K
  /** The event time of the row, or the time of the timer, ms. */
  readonly timestamp: number
  /**
   * Event time so far, ms: the timestamp, or the watermark of the row's split if that is later. It never goes back.
   */
  readonly now: number
  /** Whether the watermark of its split had passed the row's timestamp. */
  readonly isLate: boolean
  readonly state: AccessOf<S>
  readonly timers: Timers
}

/** The rows that a handler gives: an array, a generator, or nothing. Never a promise, nor rows that are promises. */
// biome-ignore lint/suspicious/noConfusingVoidType: a handler that gives no rows has no return statement.
export type Rows<Out> = Iterable<Sync<Out>> | undefined | void

/** Handlers are synchronous and pure: what they give depends on their arguments and the state of the key alone. */
export interface ProcessHandlers<T, K, S, Out> {
  /** Called for each row of the key, in the order of event time. */
  onRow(ctx: ProcessContext<K, S>, row: T): Rows<Out>
  /** Called when event time reaches a timer of the key. */
  onTimer?(ctx: ProcessContext<K, S>, timer: Timer): Rows<Out>
}

interface ProcessOptions {
  readonly name: string
  readonly state: StateMap
  readonly ttlMs: number | undefined
  readonly handlers: ProcessHandlers<any, any, any, any>
}

/** The logic of a process function. What runs the handlers is loaded when the first slice closes. */
export function processLogic({ name, state, ttlMs, handlers }: ProcessOptions): KeyedLogic {
  const specs = Object.entries(state)
  const ttls = specs.map(([, spec]) => spec.ttlMs ?? ttlMs)
  const shape: Shape = { name, specs, ttls, handlers }
  return {
    kind: 'process',
    results: 'once',
    options: {
      states: specs.map(([field, spec], i) => ({
        field,
        kind: spec.kind,
        options: spec.options,
        ...(ttls[i] !== undefined && { ttlMs: ttls[i] }),
      })),
    },
    entry: keyedRows,
    load: lazily(async () => (await import('./process-run.js')).processStep(shape)),
  }
}
