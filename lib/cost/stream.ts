import { UNIT_BYTES } from './distinct.js'
import { MONTH_HOURS, MONTH_SECONDS, PRICES } from './prices.js'
import type { Shape } from './shape.js'
import type { Workload } from './workload.js'

const GB = 1024 ** 3
const PUT_UNIT_BYTES = 25 * 1_024
const SHARD_RECORDS = 1_000
const SHARD_BYTES = 1_000_000
/** The share of a shard's capacity that may be used. */
const SHARD_SHARE = 0.7

/** The share of all records that arrive from streams, if each source has the same rate. */
export function streamShare({ sources }: Shape): number {
  return sources.length === 0 ? 0 : streamsOf({ sources } as Shape) / sources.length
}

export function streamsOf({ sources }: Shape): number {
  return sources.filter(({ connector }) => connector === 'kinesis').length
}

/** On-demand streams: the stream-hours, and the data in and out, in whole KB per record. */
export function onDemandUsd(shape: Shape, { recordsPerSecond: rate, recordBytes }: Workload): number {
  const bytes = Math.ceil(recordBytes / UNIT_BYTES) * UNIT_BYTES
  const gb = (rate * streamShare(shape) * bytes * MONTH_SECONDS) / GB
  return streamsOf(shape) * MONTH_HOURS * PRICES.streamHour + gb * (PRICES.streamGbIn + PRICES.streamGbOut)
}

/** Shards that a load needs, for all streams together. */
export function shardsFor(shape: Shape, { recordsPerSecond: rate, recordBytes }: Workload): number {
  const streams = streamsOf(shape)
  const each = streams === 0 ? 0 : (rate * streamShare(shape)) / streams
  return streams * Math.max(1, Math.ceil(each / SHARD_SHARE / Math.min(SHARD_RECORDS, SHARD_BYTES / recordBytes)))
}

/** Provisioned streams: the shard-hours, and the PUT units of 25 KB per record. Reading is free. */
export function provisionedUsd(shape: Shape, load: Workload, shards: number): number {
  const puts = load.recordsPerSecond * streamShare(shape) * Math.ceil(load.recordBytes / PUT_UNIT_BYTES) * MONTH_SECONDS
  return Math.max(shards, shardsFor(shape, load)) * MONTH_HOURS * PRICES.shardHour + puts * PRICES.putUnit
}
