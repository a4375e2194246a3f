import type { LogRecord } from '../sim/log.js'

/**
 * What a test told its driver to do. Commands are kept, so that the same test can be run again: to follow a record, and
 * in other ways.
 */
export type Command =
  | { readonly kind: 'split'; readonly source: string; readonly split: string }
  | {
      readonly kind: 'send'
      readonly source: string
      readonly split: string
      readonly records: readonly LogRecord[]
    }
  | { readonly kind: 'advance'; readonly ms: number }
  /** No record follows in this source. */
  | { readonly kind: 'end'; readonly source: string }

/** A record that a test has sent. */
export class SentRecord<T = unknown> {
  readonly source: string
  /** The id of its split, as dead letters name it. */
  readonly split: string
  /** Its index in the split, from 0. */
  readonly index: number
  /** What was given to `send`. */
  readonly value: T

  constructor(source: string, split: string, index: number, value: T) {
    this.source = source
    this.split = split
    this.index = index
    this.value = value
    Object.freeze(this)
  }
}
