import {
  ConfigError,
  checkFunction,
  checkName,
  checkOptions,
  type Duration,
  milliseconds,
  RECORD_BYTES_MAX,
  shown,
  TIME_MAX,
} from '../base/index.js'
import type {
  DriftPolicy,
  EventDecoder,
  RecordMeta,
  SourceNode,
  StandardSchema,
  WatermarkStrategy,
} from '../ports/index.js'

export interface SourceOptions<T> {
  /** Any Standard Schema (zod, valibot, arktype): what fails it is rejected, and `T` is its output. Must be synchronous. */
  readonly schema?: StandardSchema<any, T>
  /** Event time of a record: ms since the epoch, or a Date. Text goes through `iso()` or `isoUtc()`. */
  readonly timestamp: (value: T, meta: RecordMeta) => number | Date
  /** How event time moves the split's own watermark: `outOfOrder('30s')`, `monotonous()`, `customWatermark(...)`. */
  readonly watermark: WatermarkStrategy<T>
  /**
   * How far a timestamp may lie ahead of the record's arrival. Where nobody knows that (Kafka with CreateTime), a record that lies further ahead of all before it is
   * held against the clock. Default '1d'; files have no such check unless it is given.
   */
  readonly maxFutureDrift?: Duration
  /** What happens beyond it: `reject` (the default) sends the record to the dead letter, `clamp` counts it at the limit. */
  readonly onFutureDrift?: DriftPolicy
  /** Larger payloads are rejected as `oversize`. Default 1 MiB. */
  readonly recordBytesMax?: number
  /** The key that producers write under; local runs deal records to splits by it. */
  readonly partitionKey?: (value: T) => string
}

interface Connector {
  readonly connector: string
  readonly hasArrivalTime: boolean
  readonly open: () => Promise<EventDecoder>
}

/** Checks a source's options and freezes them to a node. Every connector makes its node here. */
export function sourceNode<T>(name: string, options: SourceOptions<T>, connector: Connector): SourceNode<T> {
  checkName('source', name)
  checkOptions(`The source "${name}"`, options, {
    schema: true,
    timestamp: true,
    watermark: true,
    maxFutureDrift: true,
    onFutureDrift: true,
    recordBytesMax: true,
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
      `The source "${name}" needs watermark: outOfOrder('30s'), monotonous() or customWatermark(...). It says how late a record may be.`,
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
  const onFutureDrift = options.onFutureDrift ?? 'reject'
  if (onFutureDrift !== 'reject' && onFutureDrift !== 'clamp') {
    throw new ConfigError(
      'bad-source',
      `onFutureDrift of the source "${name}" is 'reject' or 'clamp'; it is ${shown(onFutureDrift)}.`,
    )
  }
  const recordBytesMax = options.recordBytesMax ?? RECORD_BYTES_MAX
  if (!Number.isSafeInteger(recordBytesMax) || recordBytesMax < 1 || recordBytesMax > 16 * RECORD_BYTES_MAX) {
    throw new ConfigError(
      'bad-source',
      `recordBytesMax of the source "${name}" is a whole number from 1 to ${16 * RECORD_BYTES_MAX}; it is ${recordBytesMax}.`,
    )
  }
  return Object.freeze({
    kind: 'source',
    name,
    schema,
    timestamp,
    watermark,
    partitionKey,
    onFutureDrift,
    recordBytesMax,
    maxFutureDriftMs:
      options.maxFutureDrift === undefined && !connector.hasArrivalTime
        ? TIME_MAX
        : milliseconds(options.maxFutureDrift ?? '1d', `maxFutureDrift of the source "${name}"`),
    ...connector,
  })
}

function checkSchema(name: string, schema: StandardSchema<any, any>): void {
  const standard = schema?.['~standard']
  if (standard?.version !== 1 || typeof standard.validate !== 'function') {
    throw new ConfigError(
      'bad-schema',
      `The schema of the source "${name}" must be a Standard Schema, as zod 3.24+, valibot 1+ and arktype 2+ make them.`,
    )
  }
  let tried: unknown
  try {
    tried = standard.validate(undefined)
  } catch {
    return // What it does to a value is seen when values come.
  }
  if (tried instanceof Promise) {
    tried.catch(() => undefined)
    throw new ConfigError(
      'async-schema',
      `The schema of the source "${name}" validates asynchronously; ingest has no await in its loop. Use a synchronous schema.`,
    )
  }
}
