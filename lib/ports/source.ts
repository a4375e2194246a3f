import type { StandardSchema } from './schema.js'

/**
 * A record's place in its split, as a string that sorts rightly by bytes. The sentinel '0' lies before every position.
 */
export type Position = string

/**
 * What is known of a record besides its value. It is a view that moves on to the next record: read it during the call
 * that it is handed to, and keep what it gave, never itself.
 */
export interface RecordMeta {
  readonly source: string
  readonly split: string
  readonly position: Position
  /** When the broker took the record, in ms since the epoch; undefined where the source does not know. */
  readonly arrivalMs: number | undefined
  /**
   * The time in the record's envelope, whoever wrote it: Kafka's CreateTime is the producer's. In ms since the epoch.
   */
  readonly stampMs: number | undefined
  /**
   * The record's key at the broker (Kinesis partition key, Kafka key) where it is text in UTF-8; null where there is
   * none, or where its bytes are no text: `hex(meta.keyBytes)` makes a key of any bytes.
   */
  readonly key: string | null
  /** The record's key as bytes; null where there is none. */
  readonly keyBytes: Uint8Array | null
  /**
   * A header's value (Kafka) where it is text in UTF-8; the last of its name. Undefined where there is none, or where
   * it is no text.
   */
  header(name: string): string | undefined
  /** A header's value as bytes, the last of its name; undefined where there is none. */
  headerBytes(name: string): Uint8Array | undefined
}

/** Why `SplitBatch.write` wrote nothing. Negative, so that one number tells bytes from defects. */
export const Defect = {
  /** The record has no payload at all: a Kafka tombstone. */
  tombstone: -1,
  badBase64: -2,
  badAggregate: -3,
  notText: -4,
  /** A source record of more user records than `UNIT_RECORDS_MAX`. */
  manyRecords: -5,
} as const

/** What is sent again with a record's payload. */
export interface Envelope {
  /** Kafka's, as bytes; null or absent where there is none. */
  readonly key?: Uint8Array | null
  /** All of them, in their order: a name may come more than once. */
  readonly headers?: readonly (readonly [name: string, value: Uint8Array | null])[]
  /** Kafka's, ms since the epoch. */
  readonly timestamp?: number
  /** Kinesis. Its events do not have the explicit hash key that a producer may have given. */
  readonly partitionKey?: string
}

/**
 * The records of one split that one event delivered, in the order of the log, still encoded. KPL aggregates are
 * unfolded: each user record has an index of its own. Nothing here throws: a record that cannot be decoded says so by a
 * `Defect`.
 */
export interface SplitBatch {
  /** The logical name of the source. */
  readonly source: string
  /** The split's id within its source: a shard id, `topic-partition`, a file's name. */
  readonly split: string
  readonly count: number
  position(index: number): Position
  /** When the broker took the record, by its own clock. */
  arrivalMs(index: number): number | undefined
  /**
   * The time in the record's envelope, whoever wrote it: a hint of the record's age, never part of a result. Sources
   * that leave it out have no other than `arrivalMs`.
   */
  stampMs?(index: number): number | undefined
  /** The key where it is text, and its bytes. */
  key(index: number): string | null
  keyBytes(index: number): Uint8Array | null
  /** The value of the last header of a name, as bytes. */
  header(index: number, name: string): Uint8Array | undefined
  /** An upper bound of the bytes that `write` will write. */
  sizeBound(index: number): number
  /** Writes the payload's bytes into `target` from `at` on. Returns the bytes written, or a `Defect`. */
  write(index: number, target: Buffer, at: number): number
  /**
   * The payload as the event holds it, base64 or text: what a dead letter keeps where it cannot be decoded. Null where
   * there is none.
   */
  raw(index: number): string | null
  /** Whether records may lie between the position and this one. Undefined where positions tell nothing of that. */
  follows?(index: number, position: Position): boolean
  /**
   * The whole source record that holds the record at this index, as the event has it. Absent where a source record is
   * one record.
   */
  unitRaw?(index: number): string | null
  /**
   * What its broker keeps of a record beside its payload; with `isUnit` of the source record that holds it. Absent
   * where there is no such thing (files).
   */
  envelope?(index: number, isUnit: boolean): Envelope
  /** How many records the source record at this index holds, where it is given as one because it holds too many. */
  unitRecords?(index: number): number
  /**
   * The index after the last record that came in the same source record (for a KPL aggregate: after its last user
   * record).
   */
  unitEnd(index: number): number
}

/** What of a batch is not done: everything from `index` on, which is the first of its source record. */
export interface Undone {
  readonly batch: SplitBatch
  readonly index: number
}

/**
 * The logical source of an origin. `places` are what tells it from one of the same name elsewhere, each enough by
 * itself.
 */
export type NameOf = (origin: string, places?: readonly string[]) => string

/** Reads the event JSON of one kind of event source mapping and writes its partial answer. */
export interface EventDecoder {
  /** Names the connector, as in `SourceNode.connector`. */
  readonly connector: string
  /** Whether the event has this source's shape. Must be cheap and must not throw. */
  matches(event: unknown): boolean
  /**
   * Cuts an event into batches, one a split. `nameOf` finds the logical source for what the event says of its origin
   * (the stream's name, the topic) and of where that is (the stream's ARN; the cluster's, and its brokers), and throws
   * where the pipeline has no such source.
   * @throws {EventShapeError} where the event claims to be of this source but lacks what it must have
   */
  decode(event: any, nameOf: NameOf): SplitBatch[]
  /** The answer that makes the mapping redeliver each undone record and all after it; `[]` is full success. */
  partialAnswer(undone: readonly Undone[]): unknown
}

/** A split as its source lists it. */
export interface SplitListing {
  readonly split: string
  /** The position before its first record still there; default '0'. */
  readonly start?: Position
  /** Splits whose records come before this one's (a resharded stream's parents). */
  readonly parents?: readonly string[]
  /** No record will be added to it any more. */
  readonly closed: boolean
}

/** A split whose log does not go on after the position: records were deleted unread, or the log was made anew. */
export interface SplitFault {
  readonly split: string
  readonly kind: 'trimmed' | 'beyond-end'
  /** What was seen, in a sentence. */
  readonly detail: string
  /** Of `trimmed`: how long a record is kept at least, where that is known, ms. */
  readonly retentionMs?: number
}

/** A source that can be asked (invariants 5, 6). One that cannot is never parted. */
export interface SourceInspector {
  /** Every split there is now, or undefined where the source cannot tell. */
  list(): Promise<readonly SplitListing[]>
  /** Whether a record waits after the position. `unknown` never parts a split. */
  peek(split: string, after: Position): Promise<'waiting' | 'nothing' | 'unknown'>
  /**
   * The last place of a split's log, where places may hold no record (Kafka's markers of transactions). Asked for
   * before `peek`: where that says `nothing`, there is nothing up to here, and what retention deletes of it was never a
   * record.
   */
  end?(split: string): Promise<Position | undefined>
  /** Splits whose log does not go on after the position: records were deleted unread, or the log was made anew. */
  verify?(positions: ReadonlyMap<string, Position>): Promise<readonly SplitFault[]>
  /** The source is finite: when all its splits are closed, no other will come (files). */
  readonly bounded: boolean
  /** Lets go of what was opened to ask. On Lambda nobody calls it: a container just ends. */
  close?(): Promise<void>
}

/** How a record's event time moves its split's own watermark. A frozen node, made by `outOfOrder` and its kin. */
export type WatermarkStrategy<T> =
  | { readonly kind: 'out-of-order'; readonly boundMs: number }
  | { readonly kind: 'custom'; readonly boundMs: number; readonly of: (value: T, timestampMs: number) => number }

/** What happens to a record whose timestamp lies further ahead than `maxFutureDrift` allows. */
export type DriftPolicy = 'hold' | 'reject' | 'clamp'

/** What happens to a record whose timestamp is unlikely: before `minTime`, or far behind its split. */
export type UnlikelyPolicy = 'count' | 'reject'

/**
 * What becomes of a JSON number that a double does not hold: `reject` sends its record to the dead letter, `bigint`
 * reads whole numbers beyond 2^53 - 1 as bigints and rejects the others, `string` reads it as the text of its digits,
 * `double` takes the nearest double.
 */
export type NumberPolicy = 'reject' | 'bigint' | 'string' | 'double'

/**
 * What becomes of a JSON object that has one member twice: `last` keeps the last, as JSON.parse does, `reject` rejects
 * the record.
 */
export type MemberPolicy = 'last' | 'reject'

/**
 * Makes values of a record's bytes: any number of them. The bytes are the caller's to keep; `meta` is valid during the
 * call. Synchronous.
 */
export type DecodeFunction = (bytes: Uint8Array, meta: RecordMeta) => Iterable<unknown>

/** How a record's bytes become values, as plain data: made by `json()`, `ndjson()`, `gzip(...)` and their kin. */
export type Codec =
  | { readonly kind: 'codec'; readonly codec: 'json' | 'ndjson' | 'text' | 'bytes' | 'cloudWatchLogs' }
  | { readonly kind: 'codec'; readonly codec: 'gzip'; readonly of: Codec | DecodeFunction }

/** A source as a pipeline names it: plain data and the user's functions, no client. */
export interface SourceNode<T> {
  readonly kind: 'source'
  readonly connector: string
  /** Logical and unique in its pipeline; what the fingerprint, the state and the bindings know it by. */
  readonly name: string
  readonly schema: StandardSchema<unknown, T> | undefined
  readonly timestamp: (value: T, meta: RecordMeta) => number | Date
  readonly watermark: WatermarkStrategy<T>
  readonly maxFutureDriftMs: number
  readonly onFutureDrift: DriftPolicy
  /** Timestamps below it are unlikely, ms. */
  readonly minTimeMs: number
  /** What happens to them. */
  readonly onUnlikelyTime: UnlikelyPolicy
  readonly recordBytesMax: number
  /** How payloads become values; undefined is `json()`. */
  readonly decode: Codec | DecodeFunction | undefined
  readonly numbers: NumberPolicy
  readonly duplicateMembers: MemberPolicy
  /** Which key a producer would write under; the local runner deals records to splits by it. */
  readonly partitionKey: ((value: T) => string) | undefined
  /** Whether the broker may stamp a record with its arrival. In Kafka the topic decides (`message.timestamp.type`). */
  readonly hasArrivalTime: boolean
  /** Loads the decoder lazily, so that importing a pipeline loads no client. */
  readonly open: () => Promise<EventDecoder>
}
