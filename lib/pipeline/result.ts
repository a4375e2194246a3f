import type { Key } from '../base/index.js'

/** The place of a pane among the panes of its window. */
export interface Pane {
  /** Panes of one (key, window) are numbered from 0, in the order in which their slices close. */
  readonly index: number
  /**
   * The `on-time` pane is emitted when the window closes. With `early`, there are `early` panes before. `late` panes
   * follow while lateness is allowed.
   */
  readonly timing: 'early' | 'on-time' | 'late'
  readonly first: boolean
  /** No other pane of this window can follow. */
  readonly last: boolean
}

/** A result of a windowed aggregate. Its event time is `window.end - 1`; that of a session is `window.end`. */
export interface WindowResult<K extends Key, R> {
  readonly key: K
  readonly value: R
  /** Half-open, ms since the epoch. */
  readonly window: { readonly start: number; readonly end: number }
  readonly pane: Pane
  /** Unique, and the same in every attempt and every run. */
  readonly id: string
  /** Retracting accumulation only: `-` takes back the value of the pane before, `+` adds the new one. */
  readonly op?: '+' | '-'
}

/** A result of folds without a window: the value over all rows of the key so far. */
export interface RunningResult<K extends Key, R> {
  readonly key: K
  readonly value: R
  /** The event time of the result, ms: the last instant of its slice. */
  readonly timestamp: number
  /** Unique, and the same in every attempt and every run. */
  readonly id: string
  /** `-` takes back the value before. Retracting accumulation only: `+` adds the new one. */
  readonly op?: '+' | '-'
}

/** Consecutive windows, by ascending end. Half-open, ms since the epoch. */
export interface WindowRun {
  readonly count: number
  readonly first: { readonly start: number; readonly end: number }
  readonly last: { readonly start: number; readonly end: number }
}

/** Bytes as a dead letter keeps them: as text if they are valid UTF-8, otherwise in base64. */
export type LetterBytes = string | { readonly base64: string }

/** A record as its source delivered it. `millrace dead-letters redrive` sends it again. */
export interface LetterRecord {
  /** Null if the record had no payload. */
  readonly value: LetterBytes | null
  /** The payload is only the text of one of the values of the record. */
  readonly part?: true
  /** Kafka: the key, the headers in their order, and the timestamp in ms since the epoch. */
  readonly key?: LetterBytes
  readonly headers?: readonly (readonly [name: string, value: LetterBytes | null])[]
  readonly timestamp?: number
  /** Kinesis: the partition key. Events do not contain an explicit hash key, so it is not kept. */
  readonly partitionKey?: string
}

/**
 * A row that its windows no longer accept, or a record that cannot be counted. Late outputs and dead letters receive
 * it.
 */
export interface Rejected {
  readonly reason: string
  readonly detail: string
  readonly source: string
  readonly split: string
  readonly position: string
  readonly timestamp?: number
  readonly operator?: string
  readonly key?: Key
  readonly window?: { readonly start: number; readonly end: number }
  /**
   * For an expired row: the windows that no longer accepted it. Consecutive windows are one slide (or step) apart, so
   * the first, the last and their number determine all of them. A record may fall into thousands.
   */
  readonly windows?: WindowRun
  /** For a source record with many user records (a KPL aggregate) that was rejected as a whole: how many it held. */
  readonly records?: number
  /** The payload is the record's own text, not a value that was decoded from it. */
  readonly isText?: true
  /**
   * The value. If the record cannot be decoded, or JSON cannot represent the value, it is the record as it arrived: as
   * text, or in base64 if its bytes are not valid UTF-8.
   */
  readonly payload: unknown
  /**
   * The original record, byte for byte. Absent for a row, for a record whose bytes were not in the event, and for a
   * record that is too large to keep.
   */
  readonly record?: LetterRecord
  /** Why the sink refused the original dead letter, if this one is a smaller replacement for it. */
  readonly refused?: string
}
