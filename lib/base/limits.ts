/** Every bound of the system has its name here, with the quota that it comes from. */

/** DynamoDB BatchGetItem: 100 items. */
export const STORE_GET_MAX = 100
/** DynamoDB BatchExecuteStatement: 25 statements. */
export const STORE_INSERT_MAX = 25
/** DynamoDB: a page of a Query is at most 1 MB. */
export const STORE_PAGE_BYTES = 1024 * 1024
/** A write unit is 1 KB, a read unit 4 KB (DynamoDB). */
export const WRITE_UNIT_BYTES = 1024
export const READ_UNIT_BYTES = 4096
/** A segment's payload in one item; DynamoDB's item limit is 400 KB with names and keys. */
export const SEGMENT_BYTES_MAX = 350 * 1024
/** The split item stays within one write unit; tails give way first. */
export const SPLIT_ITEM_BYTES_MAX = 1024
/** A split id longer than this is hashed in keys (DynamoDB: a sort key has at most 1,024 bytes). */
export const SPLIT_ID_BYTES_MAX = 200
/** A key's encoding; it lives in segments and in result ids. */
export const KEY_BYTES_MAX = 2048
/** A record's payload, unless the source says otherwise. Kinesis' default record limit is 1 MiB. */
export const RECORD_BYTES_MAX = 1024 * 1024
/** JSON nested deeper than this is rejected. */
export const JSON_DEPTH_MAX = 1000
/**
 * Records that a batch parses at once, and bytes of them: two-byte text over 128 KB becomes a large object in V8, which
 * is slower.
 */
export const DECODE_RECORDS = 512
export const DECODE_BYTES = 60 * 1024
/** Source records between two checkpoints of one invocation, and the entries they may make. */
export const CHUNK_RECORDS = 10_000
export const CHUNK_ENTRIES_MAX = 200_000
/**
 * Rows for sinks that are written between two checkpoints, about: a unit is never cut, and may go beyond them by
 * `ROWS_PER_RECORD_MAX` a record.
 */
export const CHUNK_ROWS_MAX = 10_000
/**
 * Bytes of payload that are dealt with between two checkpoints, those of each row for a sink counted anew. A Lambda
 * event has 6 MB at most.
 */
export const CHUNK_BYTES_MAX = 16 * 1024 * 1024
/** Segments that are written between two checkpoints, about: 20 requests of 25. */
export const CHUNK_SEGMENTS_MAX = 500
/**
 * A chunk ends, on a whole source record, when less than this share of the time is left that its attempt had as the
 * chunk began.
 */
export const CHUNK_TIME_SHARE = 0.5
/**
 * Records between two looks at the time within a chunk: user code of 10 ms a record is cut after a third of a second.
 */
export const RECORDS_PER_LOOK = 32
/** How far ahead of its arrival a record may be stamped that is held: its window is kept for so long, ms. */
export const HELD_MS_MAX = 86_400_000
/** By how much a record that is held moves event time at least, ms: a split of which all are held goes on too. */
export const HELD_STEP_MS_MIN = 1_000
/** A timestamp so far behind its split is unlikely, ms. */
export const FAR_BEHIND_MS = 30 * 86_400_000
/** Rows that one record may become by flatMap steps and branches. */
export const ROWS_PER_RECORD_MAX = 10_000
/**
 * User records of one KPL aggregate. One MB of them has 52 bytes each; the library itself stops at 50 KB unless it is
 * told otherwise.
 */
export const UNIT_RECORDS_MAX = 20_000
/**
 * Digits of one decimal that is summed, those before and behind the point together: what SQL's DECIMAL and a number of
 * DynamoDB hold.
 */
export const DECIMAL_DIGITS_MAX = 38
/** Values that a codec may make of one record: as many as a KPL aggregate may hold user records. */
export const RECORD_VALUES_MAX = 20_000
/**
 * Bytes that one record may unpack to. CloudWatch Logs packs at most 1 MB of messages; a gzip file of 1 MiB may say 1
 * GiB.
 */
export const DECODED_BYTES_MAX = 16 * 1024 * 1024
/**
 * Of a record that a dead letter keeps: payload, key and headers. An event of Lambda has at most 6 MB, and base64 in
 * it, so that all that comes by one is kept.
 */
export const LETTER_RECORD_BYTES_MAX = 6 * 1024 * 1024
/** Of the key and the headers that are kept with each rejected value of a record of many: there may be 20,000. */
export const LETTER_ENVELOPE_BYTES_MAX = 1024
/** Digits of a whole number that is read as a bigint: its time grows with the square of them. */
export const BIGINT_DIGITS_MAX = 1_000
/** Windows of a key within the horizon in which empty ones give results. */
export const EMPTY_WINDOWS_MAX = 1_000
/** Windows that one record may fall into (hopping size / slide, cumulate size / step). */
export const WINDOWS_PER_RECORD_MAX = 10_000
/** Key groups of an operator. */
export const KEY_GROUPS_MAX = 1024
/** Partition keys that writes of a stage may be spread over. */
export const WRITE_SHARDS_MAX = 64
/**
 * Partitions of the table that an operator's segments lie in: a batch writes one segment at least for each that it has
 * rows for. A partition takes 1,000 write units a second.
 */
export const LANES_MAX = 4
/**
 * Heap that advances may fill with folds, those of all lanes together: this share of the process's, or less. What does
 * not fit is worked in ranges of keys.
 */
export const ADVANCE_HEAP_SHARE = 1 / 3
export const ADVANCE_BYTES_MAX = 1024 * 1024 * 1024
/** Rows of one part of an operator's output: a sink sees no larger object. */
export const PART_ROWS_MAX = 5_000
/** Rows handed to a sink at once. */
export const SINK_ROWS_MAX = 20_000
/** Heap of closed slices that a warm container keeps, all key groups together. */
export const CACHE_BYTES_MAX = 64 * 1024 * 1024
/** Turns of a loop that only contention prolongs: a conflict on a chain, a race for membership. */
export const CONTENTION_TURNS_MAX = 100
/** Rounds of propose and publish in one invocation. */
export const WATERMARK_ROUNDS_MAX = 8
/** Narrowest slice, ms. */
export const SLICE_MS_MIN = 100
/** Names of pipelines, sources, operators, sinks. */
export const NAME_LENGTH_MAX = 64
/** An attempt is careful when the split's last checkpoint is older than this many function timeouts (invariant 14). */
export const CAREFUL_TIMEOUTS = 2
/**
 * A split that its source lists no more is gone after this long, ms: longer than two clocks may differ, so that two
 * looks a moment apart never count as this.
 */
export const MISSING_MS = 1_800_000
/**
 * A split without a checkpoint for this long may have lost records to its source's retention, ms: the source is asked.
 */
export const QUIET_MS = 900_000
/**
 * How often an idle split's source is asked whether still nothing waits, and how long the answer shows that nothing was
 * deleted unread, ms.
 */
export const EMPTY_LOOK_MS = 1_800_000
export const EMPTY_PROOF_MS = 7_200_000
/**
 * A split that has stopped may be reset after this long: attempts that were under way have ended by then, ms. Lambda's
 * longest timeout is 15 min; most have 1.
 */
export const RESET_MS = 60_000
/**
 * A record that arrived this long ago is near its retention: its source is asked whether any before it was deleted
 * unread, ms.
 */
export const LAG_MS = 21_600_000
/**
 * A segment outlives what closing its windows takes by this long, ms: how long a pipeline may stand still with nobody
 * who keeps its state. A week: a long weekend, and days to notice it.
 */
export const SPARE_LIFE_MS = 7 * 86_400_000
/** Times at which a stage writes down how far its splits are, in parts of its segments' life. */
export const LIFE_PARTS = 16
/** Marks that a stage keeps. One that is left out costs nothing but that what is older counts as older still. */
export const MARKS_MAX = 60
/** Segments whose life one tick prolongs, of one lane, and at a time. */
export const KEPT_PER_TICK = 500
export const KEPT_AT_ONCE = 8
/**
 * How far the clocks of two containers may differ: a time that lies further ahead than this was written by a wrong
 * clock, and counts as past, ms.
 */
export const CLOCK_BOUND_MS = 1_500_000
/** Lambda's longest timeout: no claim lasts longer, ms. */
export const CLAIM_MS_MAX = 900_000
/** Time kept back at the end of an invocation for the answer, ms. */
export const DEADLINE_RESERVE_MS = 1_000
/**
 * Where a stage has more splits than this, its watermark is looked for no oftener than each split takes its turn, ms: a
 * look reads them all.
 */
export const PACED_SPLITS = 64
export const PACE_MS_PER_SPLIT = 5
/**
 * Splits that one tick asks about at a time, each at its own shard or partition: Kinesis takes 5 calls a second and
 * shard.
 */
export const SPLITS_AT_ONCE = 16
/** Lanes that one invocation advances at a time: their requests overlap. */
export const GROUPS_AT_ONCE = 4
