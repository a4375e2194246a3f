import {
  ConfigError,
  checkFunction,
  checkName,
  checkOptions,
  type Duration,
  EVENT_TIME_MAX,
  milliseconds,
  RECORD_BYTES_MAX,
  shown,
  TIME_MAX,
} from '../base/index.js'
import type {
  Codec,
  DecodeFunction,
  DriftPolicy,
  EventDecoder,
  MemberPolicy,
  NumberPolicy,
  RecordMeta,
  SourceNode,
  StandardSchema,
  UnlikelyPolicy,
  WatermarkStrategy,
} from '../ports/index.js'

export interface SourceOptions<T> {
  /**
   * Any Standard Schema (zod, valibot, arktype). Values that fail it are rejected; `T` is its output. It must be
   * synchronous.
   */
  readonly schema?: StandardSchema<any, T>
  /** The event time of a record: ms since the epoch, or a Date. Parse text with `iso()` or `isoUtc()`. */
  readonly timestamp: (value: T, meta: RecordMeta) => number | Date
  /** How event time moves the split's own watermark: `outOfOrder('30s')`, `monotonous()`, `customWatermark(...)`. */
  readonly watermark: WatermarkStrategy<T>
  /**
   * How far a timestamp may be ahead of the record's arrival. If the arrival time is not known (Kafka with CreateTime),
   * a record that is further ahead of all records before it is compared with the clock. Default '1m'. File sources have
   * no such check unless it is set.
   */
  readonly maxFutureDrift?: Duration
  /**
   * What happens to a record beyond `maxFutureDrift`. `hold` (the default): the record counts in its own window, but
   * advances event time at most by `maxFutureDrift`, and not beyond its arrival; a record more than a day ahead is
   * rejected. `reject` sends the record to the dead letter. `clamp` counts it at the limit.
   */
  readonly onFutureDrift?: DriftPolicy
  /**
   * Timestamps before this are unlikely: seconds that were taken for milliseconds fall into January 1970. Timestamps
   * more than 30 days behind their split are unlikely too. ms since the epoch, or a Date. Default 2000-01-01.
   */
  readonly minTime?: number | Date
  /**
   * What happens to records with unlikely timestamps: `count` (the default) accepts them and reports their number;
   * `reject` sends them to the dead letter.
   */
  readonly onUnlikelyTime?: UnlikelyPolicy
  /** Larger payloads are rejected as `oversize`. Default 1 MiB. */
  readonly recordBytesMax?: number
  /**
   * How a record's bytes become values: `json()` (the default), `ndjson()`, `gzip(json())`, `cloudWatchLogs()`,
   * `text()`, `bytes()`, or a function from the bytes and the record's metadata to a list of values. One record may
   * become many values, or none. It stays one record of its split: its values are counted together. If the function
   * throws, the record is rejected as `decode-threw`.
   * @example decode: (bytes) => [Order.decode(bytes)]
   */
  readonly decode?: Codec | DecodeFunction
  /**
   * What happens to a JSON number that a double would change, such as an id beyond 2^53, an amount of money with 19
   * digits, or 1e400. `reject` (the default) sends the record to the dead letter as `inexact-number`. `bigint` reads
   * whole numbers beyond 2^53 - 1 as bigints. `string` reads such numbers as text. `double` uses the nearest double, as
   * JSON.parse does.
   */
  readonly numbers?: NumberPolicy
  /**
   * What happens to a record in which a JSON object has the same member twice. `last` (the default) silently keeps the
   * last one, as JSON.parse does. `reject` rejects the record as `duplicate-member`. Every record is then read twice,
   * which costs more than parsing it.
   */
  readonly duplicateMembers?: MemberPolicy
  /** The partition key that producers use; local runs distribute records to splits by it. */
  readonly partitionKey?: (value: T) => string
}

/** Hardly any data that is streamed today has an earlier timestamp. */
const MIN_TIME = Date.UTC(2000, 0, 1)

interface Connector {
  readonly connector: string
  readonly hasArrivalTime: boolean
  readonly open: () => Promise<EventDecoder>
}

/** Checks a source's options and freezes them into a node. Every connector creates its node here. */
export function sourceNode<T>(name: string, options: SourceOptions<T>, connector: Connector): SourceNode<T> {
  checkName('source', name)
  checkOptions(`The source "${name}"`, options, {
    schema: true,
    timestamp: true,
    watermark: true,
    maxFutureDrift: true,
    onFutureDrift: true,
    minTime: true,
    onUnlikelyTime: true,
    recordBytesMax: true,
    decode: true,
    numbers: true,
    duplicateMembers: true,
    partitionKey: true,
  })
  const { schema, timestamp, watermark, partitionKey } = options ?? {}
  if (typeof timestamp !== 'function') {
    throw new ConfigError(
      'bad-source',
      `The source "${name}" needs timestamp: a function from a record to its event time in ms, such as o => iso(o.orderedAt).`,
    )
  }
  checkFunction('bad-source', `timestamp of the source "${name}"`, timestamp)
  if (watermark?.kind !== 'out-of-order' && watermark?.kind !== 'custom') {
    throw new ConfigError(
      'bad-source',
      `The source "${name}" needs watermark: outOfOrder('30s'), monotonous() or customWatermark(...). It states how far records may arrive out of order.`,
    )
  }
  if (schema !== undefined) checkSchema(name, schema)
  if (partitionKey !== undefined && typeof partitionKey !== 'function') {
    throw new ConfigError(
      'bad-source',
      `partitionKey of the source "${name}" is a function from a record to text; it is ${typeof partitionKey}.`,
    )
  }
  if (partitionKey !== undefined) checkFunction('bad-source', `partitionKey of the source "${name}"`, partitionKey)
  const onFutureDrift = options.onFutureDrift ?? 'hold'
  checkChoice(name, 'onFutureDrift', onFutureDrift, ['hold', 'reject', 'clamp'])
  const onUnlikelyTime = options.onUnlikelyTime ?? 'count'
  checkChoice(name, 'onUnlikelyTime', onUnlikelyTime, ['count', 'reject'])
  const minTimeMs = Number(options.minTime ?? MIN_TIME)
  if (!(Math.abs(minTimeMs) < EVENT_TIME_MAX)) {
    throw new ConfigError(
      'bad-source',
      `minTime of the source "${name}" is a Date, or ms since the epoch; it is ${shown(options.minTime)}.`,
    )
  }
  const recordBytesMax = options.recordBytesMax ?? RECORD_BYTES_MAX
  if (!Number.isSafeInteger(recordBytesMax) || recordBytesMax < 1 || recordBytesMax > 16 * RECORD_BYTES_MAX) {
    throw new ConfigError(
      'bad-source',
      `recordBytesMax of the source "${name}" is a whole number from 1 to ${16 * RECORD_BYTES_MAX}; it is ${recordBytesMax}.`,
    )
  }
  const { decode, numbers = 'reject', duplicateMembers = 'last' } = options
  if (decode !== undefined && !isDecode(decode)) {
    throw new ConfigError(
      'bad-source',
      `decode of the source "${name}" is json(), ndjson(), gzip(...), cloudWatchLogs(), text(), bytes(), or a function from bytes to a list of values; it is ${typeof decode === 'object' ? shown(decode) : typeof decode}.`,
    )
  }
  checkChoice(name, 'numbers', numbers, NUMBERS)
  checkChoice(name, 'duplicateMembers', duplicateMembers, MEMBERS)
  return Object.freeze({
    kind: 'source',
    name,
    schema,
    timestamp,
    watermark,
    partitionKey,
    onFutureDrift,
    minTimeMs,
    onUnlikelyTime,
    recordBytesMax,
    decode,
    numbers,
    duplicateMembers,
    maxFutureDriftMs:
      options.maxFutureDrift === undefined && !connector.hasArrivalTime
        ? TIME_MAX
        : milliseconds(options.maxFutureDrift ?? '1m', `maxFutureDrift of the source "${name}"`),
    ...connector,
  })
}

const NUMBERS: readonly NumberPolicy[] = ['reject', 'bigint', 'string', 'double']
const MEMBERS: readonly MemberPolicy[] = ['last', 'reject']

function isDecode(decode: Codec | DecodeFunction): boolean {
  return typeof decode === 'function' || (typeof decode === 'object' && decode?.kind === 'codec')
}

function checkChoice(name: string, option: string, value: unknown, values: readonly string[]): void {
  if (values.includes(value as string)) return
  const all = values.map((one) => `'${one}'`)
  throw new ConfigError(
    'bad-source',
    `${option} of the source "${name}" is ${all.slice(0, -1).join(', ')} or ${all.at(-1)}; it is ${shown(value)}.`,
  )
}

function checkSchema(name: string, schema: StandardSchema<any, any>): void {
  const standard = schema?.['~standard']
  if (standard?.version !== 1 || typeof standard.validate !== 'function') {
    throw new ConfigError(
      'bad-schema',
      `The schema of the source "${name}" must be a Standard Schema, such as one of zod 3.24+, valibot 1+ or arktype 2+.`,
    )
  }
  let tried: unknown
  try {
    tried = standard.validate(undefined)
  } catch {
    return // How it treats real values shows when records arrive.
  }
  if (tried instanceof Promise) {
    tried.catch(() => undefined)
    throw new ConfigError(
      'async-schema',
      `The schema of the source "${name}" validates asynchronously; ingest validates records synchronously. Use a synchronous schema.`,
    )
  }
}
