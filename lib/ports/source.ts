import type { StandardSchema } from './schema.js'

/**
 * A record's place in its split, as a string whose byte order is the order of the records. The sentinel '0' sorts
 * before every position.
 */
export type Position = string

/**
 * What is known about a record besides its value. It is a view that moves on to the next record: read it only during
 * the call that receives it, and keep the values that you read, never the view.
 */
export interface RecordMeta {
  readonly source: string
  readonly split: string
  readonly position: Position
  /** When the broker received the record, in ms since the epoch; undefined if the source does not know. */
  readonly arrivalMs: number | undefined
  /**
   * The time in the record's envelope, from any writer: Kafka's CreateTime is set by the producer. In ms since the
   * epoch.
   */
  readonly stampMs: number | undefined
  /**
   * The record's key at the broker (Kinesis partition key, Kafka key), if it is valid UTF-8. Null if there is no key,
   * or if its bytes are not text; `hex(meta.keyBytes)` makes a key from any bytes.
   */
  readonly key: string | null
  /** The record's key as bytes; null if there is none. */
  readonly keyBytes: Uint8Array | null
  /**
   * The value of a header (Kafka), if it is valid UTF-8. If several headers share the name, the last one counts.
   * Undefined if there is none, or if it is not text.
   */
  header(name: string): string | undefined
  /** The value of a header as bytes, of the last one with the name; undefined if there is none. */
  headerBytes(name: string): Uint8Array | undefined
}

/**
 * Why `SplitBatch.write` wrote nothing. The values are negative, so that one number distinguishes bytes from defects.
 */
export const Defect = {
  /** The record has no payload at all: a Kafka tombstone. */
  tombstone: -1,
  badBase64: -2,
  badAggregate: -3,
  notText: -4,
  /** A source record with more user records than `UNIT_RECORDS_MAX`. */
  manyRecords: -5,
} as const

/** What is sent again together with a record's payload. */
export interface Envelope {
  /** The Kafka key as bytes; null or absent if there is none. */
  readonly key?: Uint8Array | null
  /** All headers in their order. A name may occur more than once. */
  readonly headers?: readonly (readonly [name: string, value: Uint8Array | null])[]
  /** The Kafka timestamp, in ms since the epoch. */
  readonly timestamp?: number
  /** The Kinesis partition key. Kinesis events do not contain the explicit hash key that a producer may have set. */
  readonly partitionKey?: string
}

/**
 * The records of one split that one event delivered, in the order of the log and still encoded. KPL aggregates are
 * unpacked: each user record has its own index. Nothing here throws: for a record that cannot be decoded, `write`
 * returns a `Defect`.
 */
export interface SplitBatch {
  /** The logical name of the source. */
  readonly source: string
  /** The split's id within its source: a shard id, `topic-partition`, or a file's name. */
  readonly split: string
  readonly count: number
  position(index: number): Position
  /** When the broker received the record, by the broker's clock. */
  arrivalMs(index: number): number | undefined
  /**
   * The time in the record's envelope, from any writer. It only hints at the record's age and is never part of a
   * result. A source without this method has no other time than `arrivalMs`.
   */
  stampMs?(index: number): number | undefined
  /** The key if it is text; `keyBytes` returns its bytes. */
  key(index: number): string | null
  keyBytes(index: number): Uint8Array | null
  /** The value of the last header with this name, as bytes. */
  header(index: number, name: string): Uint8Array | undefined
  /** An upper bound of the bytes that `write` will write. */
  sizeBound(index: number): number
  /** Writes the payload's bytes into `target`, starting at `at`. Returns the number of bytes written, or a `Defect`. */
  write(index: number, target: Buffer, at: number): number
  /**
   * The payload as the event holds it, base64 or text. A dead letter keeps it if it cannot be decoded. Null if there is
   * none.
   */
  raw(index: number): string | null
  /**
   * Whether this record directly follows the position. If not, other records may lie in between. Absent if positions do
   * not tell.
   */
  follows?(index: number, position: Position): boolean
  /**
   * The whole source record that contains the record at this index, as the event holds it. Absent if every source
   * record is one record.
   */
  unitRaw?(index: number): string | null
  /**
   * What the broker stores with a record besides its payload; with `isUnit`, for the whole source record that contains
   * it. Absent for sources without an envelope (files).
   */
  envelope?(index: number, isUnit: boolean): Envelope
  /**
   * How many records the source record at this index contains, if it is delivered as one because it contains too many.
   */
  unitRecords?(index: number): number
  /** The index after the last record of the same source record (for a KPL aggregate: after its last user record). */
  unitEnd(index: number): number
}

/** The part of a batch that is not done: everything from `index` on, which is the first record of its source record. */
export interface Undone {
  readonly batch: SplitBatch
  readonly index: number
}

/**
 * Finds the logical source for an origin. `places` distinguish it from an origin with the same name elsewhere; each of
 * them is sufficient.
 */
export type NameOf = (origin: string, places?: readonly string[]) => string

/** Reads the event JSON of one kind of event source mapping and writes its partial response. */
export interface EventDecoder {
  /** The connector's name, as in `SourceNode.connector`. */
  readonly connector: string
  /** Whether the event has this source's shape. Must be cheap and must not throw. */
  matches(event: unknown): boolean
  /**
   * Splits an event into batches, one per split. `nameOf` finds the logical source from what the event states about its
   * origin (the stream's name, the topic) and its place (the stream's ARN; the cluster's ARN and its brokers). It
   * throws if the pipeline has no such source.
   *
   * @throws {EventShapeError} if the event claims to belong to this source but lacks required fields
   */
  decode(event: any, nameOf: NameOf): SplitBatch[]
  /** The response that makes the mapping redeliver each undone record and all after it; `[]` means full success. */
  partialAnswer(undone: readonly Undone[]): unknown
}

/** A split as its source lists it. */
export interface SplitListing {
  readonly split: string
  /** The position before the first record that still exists. Default '0'. */
  readonly start?: Position
  /** Splits whose records come before this one's (the parents after a stream was resharded). */
  readonly parents?: readonly string[]
  /** No more records will be added to the split. */
  readonly closed: boolean
}

/** A split whose log does not continue after the position: records were deleted unread, or the log was recreated. */
export interface SplitFault {
  readonly split: string
  readonly kind: 'trimmed' | 'beyond-end'
  /** What was observed, in one sentence. */
  readonly detail: string
  /** For `trimmed`: the minimum time for which a record is kept, if it is known, in ms. */
  readonly retentionMs?: number
}

/**
 * A source that can be asked about its splits (invariants 5, 6). Splits of any other source never leave their stage.
 */
export interface SourceInspector {
  /** Returns every split that exists now. */
  list(): Promise<readonly SplitListing[]>
  /** Whether a record waits after the position. On `unknown` a split never leaves its stage. */
  peek(split: string, after: Position): Promise<'waiting' | 'nothing' | 'unknown'>
  /**
   * The end of a split's log, for logs in which some places hold no record (Kafka's transaction markers). It is read
   * before `peek`: if `peek` then returns `nothing`, there is no record up to this place, and what retention deletes
   * before it was never a record.
   */
  end?(split: string): Promise<Position | undefined>
  /**
   * Returns the splits whose log does not continue after the position: records were deleted unread, or the log was
   * recreated.
   */
  verify?(positions: ReadonlyMap<string, Position>): Promise<readonly SplitFault[]>
  /** The source is finite: when all its splits are closed, no others will follow (files). */
  readonly bounded: boolean
  /** Releases what was opened for the inspection. On Lambda it is never called: a container just ends. */
  close?(): Promise<void>
}

/**
 * How a record's event time advances its split's own watermark. A frozen node, made by `outOfOrder` and similar
 * functions.
 */
export type WatermarkStrategy<T> =
  | { readonly kind: 'out-of-order'; readonly boundMs: number }
  | { readonly kind: 'custom'; readonly boundMs: number; readonly of: (value: T, timestampMs: number) => number }

/** What happens to a record whose timestamp is further ahead than `maxFutureDrift` allows. */
export type DriftPolicy = 'hold' | 'reject' | 'clamp'

/** What happens to a record whose timestamp is unlikely: before `minTime`, or far behind its split. */
export type UnlikelyPolicy = 'count' | 'reject'

/**
 * What happens to a JSON number that a double cannot represent exactly. `reject` sends its record to the dead letter
 * sink. `bigint` reads whole numbers beyond 2^53 - 1 as bigints and rejects the others. `string` reads the number as
 * the text of its digits. `double` uses the nearest double.
 */
export type NumberPolicy = 'reject' | 'bigint' | 'string' | 'double'

/**
 * What happens to a JSON object that contains a member twice: `last` keeps the last one, as JSON.parse does, and
 * `reject` rejects the record.
 */
export type MemberPolicy = 'last' | 'reject'

/**
 * Makes any number of values from a record's bytes. The function may keep the bytes, but `meta` is only valid during
 * the call. It is synchronous.
 */
export type DecodeFunction = (bytes: Uint8Array, meta: RecordMeta) => Iterable<unknown>

/**
 * How a record's bytes become values, as plain data. Made by `json()`, `ndjson()`, `gzip(...)` and similar functions.
 */
export type Codec =
  | { readonly kind: 'codec'; readonly codec: 'json' | 'ndjson' | 'text' | 'bytes' | 'cloudWatchLogs' }
  | { readonly kind: 'codec'; readonly codec: 'gzip'; readonly of: Codec | DecodeFunction }

/** A source as a pipeline names it: plain data and the user's functions, without a client. */
export interface SourceNode<T> {
  readonly kind: 'source'
  readonly connector: string
  /**
   * The logical name, unique in its pipeline. The fingerprint, the state and the bindings refer to the source by it.
   */
  readonly name: string
  readonly schema: StandardSchema<unknown, T> | undefined
  readonly timestamp: (value: T, meta: RecordMeta) => number | Date
  readonly watermark: WatermarkStrategy<T>
  readonly maxFutureDriftMs: number
  readonly onFutureDrift: DriftPolicy
  /** Timestamps below this are unlikely, in ms. */
  readonly minTimeMs: number
  /** What happens to records with such timestamps. */
  readonly onUnlikelyTime: UnlikelyPolicy
  readonly recordBytesMax: number
  /** How payloads become values; undefined means `json()`. */
  readonly decode: Codec | DecodeFunction | undefined
  readonly numbers: NumberPolicy
  readonly duplicateMembers: MemberPolicy
  /** The key under which a producer would write a value. The local runner distributes records over splits by it. */
  readonly partitionKey: ((value: T) => string) | undefined
  /** Whether the broker may add an arrival time to a record. In Kafka the topic decides (`message.timestamp.type`). */
  readonly hasArrivalTime: boolean
  /** Loads the decoder lazily, so that importing a pipeline does not load a client. */
  readonly open: () => Promise<EventDecoder>
}
