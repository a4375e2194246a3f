import { MEMORY_MB } from './prices.js'
import type { Shape } from './shape.js'
import type { Workload } from './workload.js'

/** How it is deployed, as far as it costs. */
export interface Deployment {
  /** Most records of a batch, and how long it waits to fill. */
  readonly batchSize: number
  readonly windowSeconds: number
  /** Shards and partitions of all sources together. */
  readonly splits: number
  readonly ticksPerMinute: number
  /** Of streams that are provisioned, in all; undefined of streams on demand. */
  readonly shards: number | undefined
  /** Units of 20 MB/s of Kafka mappings with pollers of their own. */
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

/** A stream on demand begins with four shards; partitions are taken to be as many. */
export const SPLITS_A_SOURCE = 4

/** As a stack makes it that says nothing else, with streams on demand or of so many shards in all. */
export function deploymentFor({ sources }: Shape, shards?: number): Deployment {
  const others = sources.filter(({ connector }) => connector !== 'kinesis' || shards === undefined).length
  return { ...DEPLOYMENT, shards, splits: Math.max(1, SPLITS_A_SOURCE * others + (shards ?? 0)) }
}

const SHARD_RECORDS = 1_000
const SHARD_BYTES = 1_000_000
const EVENT_BYTES = 6 * 1024 * 1024
const BASE64 = 4 / 3
const ENVELOPE_BYTES = 450
/** A poller of a stream looks at each shard once a second. */
const POLL_SECONDS = 1
/**
 * Lambda's work and ours on an invocation besides its records: waiting for the store and the sinks, and CPU at one
 * whole one, ms.
 */
const WAIT_MS = 40
const BATCH_CPU_MS = 5
/** CPU of a record, us: decoding it, and folding it for each operator and field. */
const DECODE_US = 3
const OPERATOR_US = 1
const FIELD_US = 1.5

/** Shards and partitions that such a load has at least: a shard carries 1,000 records or 1 MB a second. */
export function splitsOf({ recordsPerSecond: rate, recordBytes }: Workload, { splits }: Deployment): number {
  return Math.max(splits, rate / SHARD_RECORDS, (rate * recordBytes) / SHARD_BYTES)
}

/**
 * How far two batches of one split lie apart at least, s. A window begins as the invocation before it ends; a stream
 * is looked at once a second in any case.
 */
export function intervalOf({ sources }: Shape, { windowSeconds }: Deployment): number {
  const isStream = sources.some(({ connector }) => connector === 'kinesis')
  return Math.max(windowSeconds, isStream ? POLL_SECONDS : WAIT_MS / 1_000)
}

/**
 * Records of a batch of one split, as Lambda makes them: what comes within its window, up to the batch size, and to 6
 * MB as base64 in JSON. One invocation of a topic has several of its partitions.
 */
export function batchOf(shape: Shape, load: Workload, deployment: Deployment): number {
  const splits = splitsOf(load, deployment)
  const topics = shape.sources.filter(({ connector }) => connector === 'kafka').length
  const shared = topics === 0 ? 1 : Math.max(1, splits / shape.sources.length)
  const fitting = Math.floor(EVENT_BYTES / (load.recordBytes * BASE64 + ENVELOPE_BYTES))
  const perSplit = (load.recordsPerSecond / splits) * intervalOf(shape, deployment)
  return Math.max(1, Math.min(deployment.batchSize / shared, fitting / shared, perSplit))
}

/** CPU of a record by the plan, us of one whole one. */
export function plannedCpuUs({ operators }: Shape): number {
  return operators.reduce((sum, { fields }) => sum + OPERATOR_US + fields * FIELD_US, DECODE_US)
}

/**
 * How long an invocation of a batch takes, ms. With less than one CPU its work takes longer, and its waiting does
 * not.
 */
export function invocationMs({ memoryMb }: Deployment, batch: number, cpuUs: number): number {
  return WAIT_MS + ((BATCH_CPU_MS + (batch * cpuUs) / 1_000) * MEMORY_MB) / Math.min(memoryMb, MEMORY_MB)
}
