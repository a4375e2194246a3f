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
} from '../base/index.js'

/**
 * How much the runtime does at a time. Results never hang on these, but for `partRows`: parts name what sinks hold, so
 * it is fixed for a run. A simulation makes them small, and meets with a handful of records every place where work is
 * cut.
 */
export interface Limits {
  /** Source records between two checkpoints of one invocation, and the entries that they may make. */
  readonly chunkRecords: number
  readonly chunkEntries: number
  /**
   * Rows for sinks, bytes of payload and segments between two checkpoints, about: a chunk ends on the first whole
   * source record beyond one of them.
   */
  readonly chunkRows: number
  readonly chunkBytes: number
  readonly chunkSegments: number
  /**
   * How long segments live beyond what closing their windows takes, ms: how long a pipeline may stand still with nobody
   * who keeps its state.
   */
  readonly spareLifeMs: number
  /** A segment's payload in one item; what is larger is written in parts. */
  readonly segmentBytes: number
  /** Heap that the segments take which one advance reads before it moves the cursor. */
  readonly advanceBytes: number
  /** Splits of a stage beyond which attempts leave the watermark alone for a while after one has looked for it. */
  readonly pacedSplits: number
  /** Rows handed to a sink at once. */
  readonly sinkRows: number
  /** Rows of one part of an operator's output. */
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
  sinkRows: SINK_ROWS_MAX,
  partRows: PART_ROWS_MAX,
}
