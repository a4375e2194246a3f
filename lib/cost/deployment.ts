import { MEMORY_MB } from './prices.js'
import type { Shape } from './shape.js'
import type { Workload } from './workload.js'

/** The parts of a deployment that affect its cost. */
export interface Deployment {
  /** Maximum records per batch, and how long a batch waits to fill. */
  readonly batchSize: number
  readonly windowSeconds: number
  /** Number of shards and partitions of all sources together. */
  readonly splits: number
  readonly ticksPerMinute: number
  /** Number of provisioned shards of all streams together; undefined for on-demand streams. */
  readonly shards: number | undefined
  /** Event poller units, 20 MB/s each, of Kafka mappings in provisioned mode. */
  readonly pollerUnits: number
  readonly alarms: boolean
  readonly dashboard: boolean
  readonly memoryMb: number
}

export const DEPLOYMENT: Deployment = {
  batchSize: 1_000,
  windowSeconds: 1,
  splits: 4,
  ticksPerMinute: 1,
  shards: undefined,
  pollerUnits: 0,
  alarms: true,
  dashboard: true,
  memoryMb: MEMORY_MB,
}

/** An on-demand stream starts with four shards; topics are assumed to have as many partitions. */
export const SPLITS_A_SOURCE = 4

/** The defaults of a stack, with on-demand streams, or with the given number of shards in total. */
export function deploymentFor({ sources }: Shape, shards?: number): Deployment {
  const others = sources.filter(({ connector }) => connector !== 'kinesis' || shards === undefined).length
  return { ...DEPLOYMENT, shards, splits: Math.max(1, SPLITS_A_SOURCE * others + (shards ?? 0)) }
}

const SHARD_RECORDS = 1_000
const SHARD_BYTES = 1_000_000
const EVENT_BYTES = 6 * 1024 * 1024
const BASE64 = 4 / 3
const ENVELOPE_BYTES = 450
/** A mapping polls each shard of a stream once per second. */
const POLL_SECONDS = 1
/**
 * What an invocation needs besides the work on its records, ms: waiting for the store and the sinks, and CPU time at
 * one full CPU.
 */
const WAIT_MS = 40
const BATCH_CPU_MS = 5
/** CPU time per record, us: for decoding it, and for folding it per operator and field. */
const DECODE_US = 3
const OPERATOR_US = 1
const FIELD_US = 1.5

/** The least number of shards and partitions for a load: a shard carries 1,000 records or 1 MB per second. */
export function splitsOf({ recordsPerSecond: rate, recordBytes }: Workload, { splits }: Deployment): number {
  return Math.max(splits, rate / SHARD_RECORDS, (rate * recordBytes) / SHARD_BYTES)
}

/**
 * The minimum time between two batches of one split, s. A batching window begins when the previous invocation ends; a
 * stream is polled once per second in any case.
 */
export function intervalOf({ sources }: Shape, { windowSeconds }: Deployment): number {
  const isStream = sources.some(({ connector }) => connector === 'kinesis')
  return Math.max(windowSeconds, isStream ? POLL_SECONDS : WAIT_MS / 1_000)
}

/**
 * Records in a batch of one split, as Lambda builds batches: the records that arrive within its window, up to the batch
 * size and up to 6 MB as base64 in JSON. One invocation for a topic covers several of its partitions.
 */
export function batchOf(shape: Shape, load: Workload, deployment: Deployment): number {
  const splits = splitsOf(load, deployment)
  const topics = shape.sources.filter(({ connector }) => connector === 'kafka').length
  const shared = topics === 0 ? 1 : Math.max(1, splits / shape.sources.length)
  const fitting = Math.floor(EVENT_BYTES / (load.recordBytes * BASE64 + ENVELOPE_BYTES))
  const perSplit = (load.recordsPerSecond / splits) * intervalOf(shape, deployment)
  return Math.max(1, Math.min(deployment.batchSize / shared, fitting / shared, perSplit))
}

/** CPU time per record estimated from the plan, us of one full CPU. */
export function plannedCpuUs({ operators }: Shape): number {
  return operators.reduce((sum, { fields }) => sum + OPERATOR_US + fields * FIELD_US, DECODE_US)
}

/**
 * The duration of an invocation for one batch, ms. With less than one CPU its computation takes longer, but its waiting
 * does not.
 */
export function invocationMs({ memoryMb }: Deployment, batch: number, cpuUs: number): number {
  return WAIT_MS + ((BATCH_CPU_MS + (batch * cpuUs) / 1_000) * MEMORY_MB) / Math.min(memoryMb, MEMORY_MB)
}
