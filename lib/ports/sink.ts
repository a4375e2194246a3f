import type { Position } from './source.js'

/**
 * A row for a sink. Its id is the same in every attempt, however batches are cut and whatever the number of key groups.
 */
export interface SinkRow {
  readonly id: string
  readonly value: unknown
  /** The row is deleted: a sink that has stored it removes it. */
  readonly op?: '-'
  /**
   * For rows of a split: the record's position, in ascending order. Empty for rows of an operator, whose order is the
   * part's.
   */
  readonly order: string
}

/**
 * Rows of an operator for one slice and one aligned range of key hashes. Every attempt sends the same rows under the
 * same part.
 */
export interface OperatorBatch {
  readonly kind: 'operator'
  readonly operator: string
  /** Sorts like the slices, then like the key hashes. It identifies the part among all parts of the operator. */
  readonly part: string
  readonly rows: readonly SinkRow[]
}

/**
 * Rows from a split's records: outputs of a stateless pipeline, expired rows and dead letters. Other attempts may cut
 * the same records differently. So a sink skips each row that it already holds, either by id or by the highest `to`
 * that it holds for the split.
 */
export interface SplitRows {
  readonly kind: 'split'
  /** Unique in the pipeline, and usable as a file name once encoded. */
  readonly split: string
  /** The rows belong to records after `from`, up to and including `to`. */
  readonly from: Position
  readonly to: Position
  readonly rows: readonly SinkRow[]
}

export type SinkBatch = OperatorBatch | SplitRows

/**
 * A row that this sink can never accept, however often it is retried: it is too large, or has no key. The verdict is
 * the same in every attempt. The row is not stored and may arrive again.
 */
export interface RefusedRow {
  readonly batch: SinkBatch
  readonly row: SinkRow
  /** One sentence. */
  readonly reason: string
}

/**
 * The destination of rows. When `write` returns, the rows are durable, except those that it returns as refused; these
 * go to the dead letter sink. A write that throws may be repeated, as a whole or cut differently.
 */
export interface Sink {
  // biome-ignore lint/suspicious/noConfusingVoidType: most sinks take every row, and say nothing.
  write(batches: readonly SinkBatch[]): Promise<readonly RefusedRow[] | void>
  /** Reports what is missing before the first row arrives, such as a table that does not exist or has other keys. */
  check?(): Promise<void>
  close(): Promise<void>
}

/** The context in which a sink is opened. */
export interface SinkContext {
  readonly pipeline: string
  readonly run: number
  /** The physical name that is bound to the logical one. Default: the logical name. */
  readonly resource?: string
}

/** A sink as a pipeline names it: plain data and an adapter that is loaded lazily. */
export interface SinkNode<Row = never> {
  readonly kind: 'sink'
  readonly connector: string
  readonly name: string
  readonly options: Readonly<Record<string, unknown>>
  /** The sink also works on a laptop: local runs do not replace it with a file. */
  readonly local: boolean
  /** Rows from two operators would overwrite each other in this sink. */
  readonly isOfOneOperator?: boolean
  readonly open: (context: SinkContext) => Promise<Sink>
  /** For the type system only: which rows the sink accepts. */
  readonly '~row'?: (row: Row) => void
}
