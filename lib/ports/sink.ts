import type { Position } from './source.js'

/** A row on its way out. The id is the same in every attempt, with any batch cut and any number of key groups. */
export interface SinkRow {
  readonly id: string
  readonly value: unknown
  /** The row ceases to be: what stands of it is deleted. */
  readonly op?: '-'
  /**
   * Of a split's rows: the record's position, by which they ascend. Empty of an operator's, whose order is the part's.
   */
  readonly order: string
}

/**
 * Rows of an operator: one slice, one aligned range of key hashes. Every attempt sends the same rows under the same
 * part.
 */
export interface OperatorBatch {
  readonly kind: 'operator'
  readonly operator: string
  /** Sorts as the slices do, then as the key hashes do: names the part among all parts of the operator. */
  readonly part: string
  readonly rows: readonly SinkRow[]
}

/**
 * Rows of a split's records: outputs of a stateless pipeline, expired rows, dead letters. Other attempts may cut the
 * same records otherwise, so a sink skips each row that it already holds: by id, or by the highest `to` that it holds
 * of the split.
 */
export interface SplitRows {
  readonly kind: 'split'
  /** Unique in the pipeline and fit for a file name once encoded. */
  readonly split: string
  /** Rows of records after `from`, up to and including `to`. */
  readonly from: Position
  readonly to: Position
  readonly rows: readonly SinkRow[]
}

export type SinkBatch = OperatorBatch | SplitRows

/**
 * A row that this sink can never take, whatever is repeated: too large, or without a key. The same in every attempt. It
 * is not held: it may come again.
 */
export interface RefusedRow {
  readonly batch: SinkBatch
  readonly row: SinkRow
  /** One sentence. */
  readonly reason: string
}

/**
 * Where rows go. A write that returns is durable but for the rows that it hands back, which go to the dead letter; one
 * that throws may be repeated, whole or cut otherwise.
 */
export interface Sink {
  // biome-ignore lint/suspicious/noConfusingVoidType: most sinks take every row, and say nothing.
  write(batches: readonly SinkBatch[]): Promise<readonly RefusedRow[] | void>
  /** Says what is missing before the first row comes: a table that is not there, or has other keys. */
  check?(): Promise<void>
  close(): Promise<void>
}

/** What a sink is opened with. */
export interface SinkContext {
  readonly pipeline: string
  readonly run: number
  /** The physical name that the logical one is bound to; default: the logical one. */
  readonly resource?: string
}

/** A sink as a pipeline names it: plain data and a lazy adapter. */
export interface SinkNode<Row = never> {
  readonly kind: 'sink'
  readonly connector: string
  readonly name: string
  readonly options: Readonly<Record<string, unknown>>
  /** Runs as it is on a laptop: local runs do not put a file in its place. */
  readonly local: boolean
  /** Rows of two operators would take each other's place here. */
  readonly isOfOneOperator?: boolean
  readonly open: (context: SinkContext) => Promise<Sink>
  /** Type only: what rows it takes. */
  readonly '~row'?: (row: Row) => void
}
