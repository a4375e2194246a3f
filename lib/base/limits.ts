/** All limits of the system, each with a name and the quota that it comes from. */

/** DynamoDB BatchGetItem: 100 items. */
export const STORE_GET_MAX = 100
/** DynamoDB BatchExecuteStatement: 25 statements. */
export const STORE_INSERT_MAX = 25
/** DynamoDB: a page of a Query is at most 1 MB. */
export const STORE_PAGE_BYTES = 1024 * 1024
/** DynamoDB: a write unit is 1 KB, a read unit 4 KB. */
export const WRITE_UNIT_BYTES = 1024
export const READ_UNIT_BYTES = 4096
/** The payload of a segment in one item. DynamoDB's limit for an item is 400 KB, including attribute names and keys. */
export const SEGMENT_BYTES_MAX = 350 * 1024
/** The split item stays within one write unit. If necessary, tails are left out of it. */
export const SPLIT_ITEM_BYTES_MAX = 1024
/** A split id longer than this is replaced by its hash in keys (DynamoDB: a sort key has at most 1,024 bytes). */
export const SPLIT_ID_BYTES_MAX = 200
/** The encoded size of a key, which is stored in segments and in result ids. */
export const KEY_BYTES_MAX = 2048
/** The payload of a record, unless the source sets another limit. Kinesis' default limit for a record is 1 MiB. */
export const RECORD_BYTES_MAX = 1024 * 1024
/** JSON nested deeper than this is rejected. */
export const JSON_DEPTH_MAX = 1000
/**
 * How many records of a batch are parsed at once, and how many bytes. Two-byte text over 128 KB becomes a large object
 * in V8, which is slower.
 */
export const DECODE_RECORDS = 512
export const DECODE_BYTES = 60 * 1024
/** Source records between two checkpoints of one invocation, and the entries that they may produce. */
export const CHUNK_RECORDS = 10_000
export const CHUNK_ENTRIES_MAX = 200_000
/**
 * Approximate number of rows that are written to sinks between two checkpoints. A unit is never split, so it may exceed
 * the number by up to `ROWS_PER_RECORD_MAX` for each record.
 */
export const CHUNK_ROWS_MAX = 10_000
/**
 * Bytes of payload that are processed between two checkpoints. Each row for a sink counts the bytes of its record
 * again. A Lambda event has at most 6 MB.
 */
export const CHUNK_BYTES_MAX = 16 * 1024 * 1024
/** Approximate number of segments that are written between two checkpoints: 20 requests of 25. */
export const CHUNK_SEGMENTS_MAX = 500
/**
 * A chunk ends, after a whole source record, when the time left is less than this share of what the attempt had when
 * the chunk began.
 */
export const CHUNK_TIME_SHARE = 0.5
/**
 * Records between two checks of the remaining time within a chunk. With user code of 10 ms a record, the time is
 * checked about three times a second.
 */
export const RECORDS_PER_LOOK = 32
/** How far its timestamp may be ahead of its arrival for a record to be held, ms. Its window is kept for that long. */
export const HELD_MS_MAX = 86_400_000
/** The minimum by which a held record moves event time, ms. A split whose records are all held makes progress too. */
export const HELD_STEP_MS_MIN = 1_000
/** A timestamp that is this far behind its split is unlikely, ms. */
export const FAR_BEHIND_MS = 30 * 86_400_000
/** Rows that flatMap steps and branches may make of one record. */
export const ROWS_PER_RECORD_MAX = 10_000
/**
 * User records of one KPL aggregate. 1 MB with this many leaves 52 bytes for each. By default the KPL itself stops at
 * 50 KB.
 */
export const UNIT_RECORDS_MAX = 20_000
/**
 * Digits of one decimal that is summed, before and after the decimal point together. SQL's DECIMAL and DynamoDB's
 * numbers have the same limit.
 */
export const DECIMAL_DIGITS_MAX = 38
/** Values that a codec may decode from one record: as many as a KPL aggregate may hold user records. */
export const RECORD_VALUES_MAX = 20_000
/**
 * Bytes that one record may unpack to. CloudWatch Logs packs at most 1 MB of messages, but a gzip file of 1 MiB may
 * unpack to 1 GiB.
 */
export const DECODED_BYTES_MAX = 16 * 1024 * 1024
/**
 * Bytes of a record that a dead letter keeps: payload, key and headers. A Lambda event has at most 6 MB, in base64, so
 * every record of an event fits.
 */
export const LETTER_RECORD_BYTES_MAX = 6 * 1024 * 1024
/**
 * Bytes of the key and headers that are kept with each rejected value of a record with many values. There may be 20,000
 * of them.
 */
export const LETTER_ENVELOPE_BYTES_MAX = 1024
/** Digits of a whole number that is read as a bigint. The time to parse it grows with their square. */
export const BIGINT_DIGITS_MAX = 1_000
/** Windows within the horizon of a key, in which empty windows give results. */
export const EMPTY_WINDOWS_MAX = 1_000
/** Windows that one record may fall into (hopping size / slide, cumulate size / step). */
export const WINDOWS_PER_RECORD_MAX = 10_000
/** Windows that one record may fall into, if they are kept as state of each key. */
export const KEYED_WINDOWS_PER_RECORD_MAX = 200
/** Key groups of an operator. */
export const KEY_GROUPS_MAX = 1024
/** Partition keys that the writes of a stage may be spread over. */
export const WRITE_SHARDS_MAX = 64
/**
 * Partitions of the table that hold the segments of an operator. A batch writes at least one segment for each partition
 * that it has rows for. A partition accepts 1,000 write units a second.
 */
export const LANES_MAX = 4
/**
 * Heap that advances may fill with folds, for all lanes together: this share of the heap of the process, but no more
 * than this many bytes. What does not fit is processed in ranges of keys.
 */
export const ADVANCE_HEAP_SHARE = 1 / 3
export const ADVANCE_BYTES_MAX = 1024 * 1024 * 1024
/** Rows in one part of the output of an operator. A sink never receives a larger object. */
export const PART_ROWS_MAX = 5_000
/** Rows that are passed to a sink at once. */
export const SINK_ROWS_MAX = 20_000
/** Heap that a warm container uses to cache closed slices, for all key groups together. */
export const CACHE_BYTES_MAX = 64 * 1024 * 1024
/** The state of one key as JSON, in UTF-16 units. So it fits into one item, whatever its characters are. */
export const KEY_STATE_CHARS_MAX = 100_000
/** Rows that an operator may give for one key in one slice. Their places have six digits. */
export const KEY_ROWS_MAX = 900_000
/** Timers of one key of a process function, and how many of them may fire in one slice. */
export const TIMERS_OF_KEY_MAX = 1_000
export const TIMERS_FIRED_MAX = 10_000
/**
 * Timers of a key that may fire since its last row. Otherwise a timer that always sets itself again would go on for
 * ever after the end of the input.
 */
export const TIMERS_WITHOUT_ROW_MAX = 100_000
/** Slots of the ring that holds the changes of a key group's state before they are folded into blocks. */
export const STATE_SLOTS = 64
/** The bytes of a key group's changes, as stored, at which they are folded into blocks. */
export const STATE_TAIL_BYTES = 256 * 1024
/** Characters of changed state between two settlements of a key group, about, and in one part of its output. */
export const STATE_CHANGE_CHARS = 64 * 1024
/** A block of keyed state is split when it has more bytes than this, as stored and with all its attributes. */
export const STATE_BLOCK_BYTES = 2048
/** Requests for up to 100 blocks of keyed state at the same time. */
export const BLOCKS_AT_ONCE = 4
/** Leaves of keyed state that are written together, and their heap. The store makes requests of 25 of them. */
export const BLOCK_WRITES_AT_ONCE = 400
export const BLOCK_BYTES_AT_ONCE = 8 * 1024 * 1024
/** The largest directory of the splits of a key group. A deeper split is left out: it is found by its marker. */
export const STATE_DIRECTORY_BYTES = 100 * 1024
/** A directory is stored again when there are so many times as many splits as when it was stored. */
export const DIRECTORY_GROWTH = 17 / 16
/** Keys of a slice whose state is in memory at a time, and changed keys that are folded into blocks at a time. */
export const STATE_KEYS_AT_ONCE = 2_000
/** Timers named by one wake item. */
export const WAKE_TIMERS_MAX = 500
/** How long a wake is kept after it has been used, ms: much longer than any attempt runs. */
export const WAKE_LIFE_MS = 86_400_000
/** Iterations of a loop that repeats only under contention: after a conflict on a chain, or a race for membership. */
export const CONTENTION_TURNS_MAX = 100
/** Rounds of proposing and publishing a watermark in one invocation. */
export const WATERMARK_ROUNDS_MAX = 8
/** The narrowest slice, and the widest, ms. */
export const SLICE_MS_MIN = 100
export const SLICE_MS_MAX = 3_600_000
/** Characters in the name of a pipeline, source, operator or sink. */
export const NAME_LENGTH_MAX = 64
/**
 * An attempt is careful if the last checkpoint of the split is older than this many function timeouts (invariant 14).
 */
export const CAREFUL_TIMEOUTS = 2
/**
 * A split that its source has not listed for this long counts as deleted, ms. The time is longer than two clocks may
 * differ, so two checks a moment apart never amount to it.
 */
export const MISSING_MS = 1_800_000
/**
 * A split without a checkpoint for this long may have lost records because their retention ended, ms. Its source is
 * asked.
 */
export const QUIET_MS = 900_000
/**
 * How often the source of an idle split is asked whether there is still nothing to read, and for how long the answer
 * proves that nothing was deleted unread, ms.
 */
export const EMPTY_LOOK_MS = 1_800_000
export const EMPTY_PROOF_MS = 7_200_000
/**
 * A stopped split may be reset after this time, ms. Attempts that were running have ended by then: Lambda's longest
 * timeout is 15 min, but most functions have 1 min.
 */
export const RESET_MS = 60_000
/**
 * A record that arrived this long ago is near the end of its retention, ms. Its source is asked whether an earlier
 * record was deleted unread.
 */
export const LAG_MS = 21_600_000
/**
 * How much longer than needed to close its windows a segment is kept, ms. A pipeline may stand still for this long
 * while nothing extends the life of its state. A week covers a long weekend, and leaves days to notice.
 */
export const SPARE_LIFE_MS = 7 * 86_400_000
/** How often a stage records how far its splits are: this many times in the life of a segment. */
export const LIFE_PARTS = 16
/** Marks that a stage keeps. Leaving one out only makes older data count as even older, which is safe. */
export const MARKS_MAX = 60
/** Segments of one lane whose life one tick extends, and how many of them at a time. */
export const KEPT_PER_TICK = 500
export const KEPT_AT_ONCE = 8
/**
 * How far the clocks of two containers may differ, ms. A time that is further ahead than this was written by a wrong
 * clock, and counts as past.
 */
export const CLOCK_BOUND_MS = 1_500_000
/** Lambda's longest timeout, ms: no claim lasts longer. */
export const CLAIM_MS_MAX = 900_000
/** Time reserved at the end of an invocation to return the response, ms. */
export const DEADLINE_RESERVE_MS = 1_000
/**
 * A stage with more splits than this computes its watermark at most once in `PACE_MS_PER_SPLIT` for each split, because
 * the computation reads all of them.
 */
export const PACED_SPLITS = 64
export const PACE_MS_PER_SPLIT = 5
/**
 * Splits that one tick asks about concurrently, each at its own shard or partition. Kinesis allows 5 calls a second for
 * each shard.
 */
export const SPLITS_AT_ONCE = 16
/** Lanes that one invocation advances concurrently, so that their requests overlap. */
export const GROUPS_AT_ONCE = 4
