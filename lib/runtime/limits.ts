import {
  ADVANCE_BYTES_MAX,
  CHUNK_BYTES_MAX,
  CHUNK_ENTRIES_MAX,
  CHUNK_RECORDS,
  CHUNK_ROWS_MAX,
  CHUNK_SEGMENTS_MAX,
  PACED_SPLITS,
  PART_ROWS_MAX,
  SEGMENT_BYTES_MAX,
  SINK_ROWS_MAX,
  SPARE_LIFE_MS,
  STATE_BLOCK_BYTES,
  STATE_CHANGE_CHARS,
  STATE_KEYS_AT_ONCE,
  STATE_SLOTS,
  STATE_TAIL_BYTES,
  WAKE_TIMERS_MAX,
} from '../base/index.js'

/**
 * How much work the runtime does at a time. Results never depend on these limits, with three exceptions. `partRows` and
 * `changeChars` decide the names of the parts that sinks store, and `stateSlots` decides where changes of state are
 * stored, so they are fixed for a run. The simulation makes the limits small, so
 * that a handful of records reaches every place where work is cut.
 */
export interface Limits {
  /**
   * The largest number of source records between two checkpoints of one invocation, and of the entries that they may
   * make.
   */
  readonly chunkRecords: number
  readonly chunkEntries: number
  /**
   * The approximate number of sink rows, payload bytes and segments between two checkpoints. A chunk ends at the first
   * whole source record that exceeds one of them.
   */
  readonly chunkRows: number
  readonly chunkBytes: number
  readonly chunkSegments: number
  /**
   * How long segments live beyond the time that closing their windows takes, in ms. A pipeline can stand still for this
   * long while nothing extends the life of its state.
   */
  readonly spareLifeMs: number
  /** The largest payload of a segment in one item. A larger payload is written in parts. */
  readonly segmentBytes: number
  /** The heap that segments may occupy which one advance reads before it moves the cursor, in bytes. */
  readonly advanceBytes: number
  /**
   * In a stage with more splits than this, attempts leave the watermark alone for a while after one attempt has
   * computed it.
   */
  readonly pacedSplits: number
  /** The stored size at which a block of keyed state is split, in bytes. */
  readonly blockBytes: number
  /** The stored changes of a key group's state, in bytes, at which they are folded into blocks. */
  readonly tailBytes: number
  /** The slots of the ring that holds them. The ring is folded before it is full. */
  readonly stateSlots: number
  /** Characters of changed state after which a key group moves its cursor, and at which a part of its output ends. */
  readonly changeChars: number
  /** Keys of a slice whose state is read at a time. */
  readonly stateKeys: number
  /** Timers named by one item. */
  readonly wakeTimers: number
  /** Rows passed to a sink at once. */
  readonly sinkRows: number
  /** Rows in one part of an operator's output. */
  readonly partRows: number
}

export const LIMITS: Limits = {
  chunkRecords: CHUNK_RECORDS,
  chunkEntries: CHUNK_ENTRIES_MAX,
  chunkRows: CHUNK_ROWS_MAX,
  chunkBytes: CHUNK_BYTES_MAX,
  chunkSegments: CHUNK_SEGMENTS_MAX,
  spareLifeMs: SPARE_LIFE_MS,
  segmentBytes: SEGMENT_BYTES_MAX,
  advanceBytes: ADVANCE_BYTES_MAX,
  pacedSplits: PACED_SPLITS,
  blockBytes: STATE_BLOCK_BYTES,
  tailBytes: STATE_TAIL_BYTES,
  stateSlots: STATE_SLOTS,
  changeChars: STATE_CHANGE_CHARS,
  stateKeys: STATE_KEYS_AT_ONCE,
  wakeTimers: WAKE_TIMERS_MAX,
  sinkRows: SINK_ROWS_MAX,
  partRows: PART_ROWS_MAX,
}
