import type { Key } from '../base/index.js'

/** What a pane says of itself. */
export interface Pane {
  /** Panes of one (key, window) count from 0, in the order in which their slices close. */
  readonly index: number
  /** `on-time` closes with the window; `late` panes follow while lateness is allowed. */
  readonly timing: 'on-time' | 'late'
  readonly first: boolean
  /** No pane of this window can follow. */
  readonly last: boolean
}

/** A result of a windowed aggregate. Its event time is `window.end - 1`. */
export interface WindowResult<K extends Key, R> {
  readonly key: K
  readonly value: R
  /** Half-open, ms since the epoch. */
  readonly window: { readonly start: number; readonly end: number }
  readonly pane: Pane
  /** Unique and the same in every attempt and every run. */
  readonly id: string
  /** Retracting accumulation only: `-` takes the value of the pane before back, `+` puts the new one. */
  readonly op?: '+' | '-'
}

/** Windows that follow each other, by ascending end. Half-open, ms since the epoch. */
export interface WindowRun {
  readonly count: number
  readonly first: { readonly start: number; readonly end: number }
  readonly last: { readonly start: number; readonly end: number }
}

/** Bytes as a letter keeps them: as text where they are UTF-8, else in base64. */
export type LetterBytes = string | { readonly base64: string }

/** A record as its source had it: what `millrace dead-letters redrive` sends. */
export interface LetterRecord {
  /** Null where it had no payload. */
  readonly value: LetterBytes | null
  /** The payload is only the text of one value of a record of many. */
  readonly part?: true
  /** Kafka: key, headers in their order, and timestamp in ms since the epoch. */
  readonly key?: LetterBytes
  readonly headers?: readonly (readonly [name: string, value: LetterBytes | null])[]
  readonly timestamp?: number
  /** Kinesis. An explicit hash key is not in its events, and so is not here. */
  readonly partitionKey?: string
}

/**
 * A row that no window takes any more, or a record that could not be counted. What late outputs and dead letters
 * receive.
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
   * Of an expired row: the windows that no longer took it. They follow each other by the slide (or step) of the window
   * function, so that the first, the last and their number name them all: a record may fall into thousands.
   */
  readonly windows?: WindowRun
  /** Of a source record of many (a KPL aggregate) that was rejected as one: how many it held. */
  readonly records?: number
  /** The payload is the record's own text, not a value that was made of it. */
  readonly isText?: true
  /**
   * The value, or the record as it came where none could be made of it or JSON cannot write it: as text, or in base64
   * where its bytes are no text.
   */
  readonly payload: unknown
  /**
   * The record, byte by byte. Absent of a row, of a record whose bytes the event did not have, and of one that is too
   * large to be kept.
   */
  readonly record?: LetterRecord
  /** Why the dead letter did not take all of this letter. */
  readonly refused?: string
}
