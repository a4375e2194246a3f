import type { Aggregate, Json } from '../aggregate/index.js'
import type { Key } from '../base/index.js'
import type { Interval } from '../window/index.js'

/** A row of a key, in a slice that has closed. */
export interface KeyedRow {
  readonly value: any
  /** max(timestamp, effective own watermark of its split): the event time at which the row is processed. */
  readonly turn: number
  readonly timestamp: number
  readonly split: string
  readonly position: string
}

/** What a keyed operator gets of one key in one slice. */
export interface KeyStep<Entries = any> {
  readonly key: Key
  /** The canonical text of the key. */
  readonly text: string
  /** The slice: rows and timers from `start` up to, but not including, `end`. */
  readonly start: number
  readonly end: number
  /** What `KeyedLogic.entry` collected of the key's rows in the slice; undefined if it has none. */
  readonly entries: Entries | undefined
  /** Returns the key's stored state; undefined if it has none. Each call returns a new copy, which may be changed. */
  state(): any
}

/** A row that a keyed operator gives. */
export interface KeyedOutput {
  readonly value: unknown
  /** Its event time, ms. */
  readonly timestamp: number
  /** Unique among the outputs of the key in all of time. It is part of the id of the row. */
  readonly id: string
  /** The row takes back one that was given before. */
  readonly takesBack?: boolean
  /** The row that this one replaces. The steps after the operator may have kept that one, and drop this one. */
  readonly replaced?: unknown
}

/** A row, or a timer, that a user function threw on. The state is as if it had not been there (invariant 14). */
export interface KeyedRejection {
  readonly reason: string
  readonly detail: string
  readonly split: string
  readonly position: string
  readonly timestamp: number
  readonly payload: unknown
  /** The window of a result that threw, and the windows that no longer accepted a row (reason `expired`). */
  readonly window?: Interval
  readonly windows?: { readonly count: number; readonly first: Interval; readonly last: Interval }
  /** Unique among the rejections of the key in the slice. */
  readonly id: string
}

export interface KeyedResult {
  /** The new state as JSON text; undefined if nothing is to be kept of the key. */
  readonly state: string | undefined
  /** The next event time at which the key has work without rows, ms: a timer, or state that expires. */
  readonly due: number | undefined
  /** The last event time at which such work may give rows, ms. A quiet pipeline goes on up to it. */
  readonly waits: number | undefined
  readonly outputs: readonly KeyedOutput[]
  readonly rejected: readonly KeyedRejection[]
}

/**
 * An operator with state for each key. It is pure and synchronous: the result depends on the arguments alone, so every
 * attempt computes the same (invariant 7).
 */
export interface KeyedLogic {
  readonly kind: string
  /** What it does, for people. Default: its options. */
  readonly label?: string
  /**
   * Whether later rows replace earlier ones: never, by a new row alone (`repeated`), or by a row that takes the earlier
   * one back and a new row (`retracted`).
   */
  readonly results: 'once' | 'repeated' | 'retracted'
  /** How long after its event time a result may be given, ms. Default 0. */
  readonly lagMs?: number
  /** The options that, with the kind, identify the stored state. They are part of the fingerprint. */
  readonly options: Readonly<Record<string, Json>>
  /** What ingest collects of a key's rows in a slice. */
  readonly entry: Aggregate<any, any, any, any, any>
  /** Loads the step. */
  load(): Promise<StepOf>
}

/**
 * Processes a key that has rows in a slice, or whose `due` lies in it. Errors of user code become rejections.
 */
export type StepOf = (step: KeyStep) => KeyedResult

/** Loads a step when it is first asked for. */
export function lazily(load: () => Promise<StepOf>): () => Promise<StepOf> {
  let step: Promise<StepOf> | undefined
  return () => {
    step ??= load()
    return step
  }
}
