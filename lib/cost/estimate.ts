import { MEMORY_GB, MONTH_HOURS, MONTH_SECONDS, PRICES } from './prices.js'
import type { Shape } from './shape.js'
import type { Workload } from './workload.js'

/** What a run has measured, a record each. */
export interface Measured {
  /** Records of a batch, on average. */
  readonly batch: number
  readonly writeUnits: number
  readonly readUnits: number
  /** CPU of the handlers, us. */
  readonly cpuUs: number
}

/** How it is deployed, as far as it costs. */
export interface Deployment {
  /** Most records of a batch, and how long it waits to fill. */
  readonly batchSize: number
  readonly windowSeconds: number
  /** Shards and partitions of all sources together. */
  readonly splits: number
  readonly ticksPerMinute: number
  /** Units of 20 MB/s of Kafka mappings with pollers of their own. */
  readonly pollerUnits: number
  /** Metrics that alarms look at. */
  readonly alarms: number
  readonly dashboards: number
  readonly memoryGb: number
}

export const DEPLOYMENT: Deployment = {
  batchSize: 1_000,
  windowSeconds: 1,
  splits: 4,
  ticksPerMinute: 1,
  pollerUnits: 0,
  alarms: 25,
  dashboards: 1,
  memoryGb: MEMORY_GB,
}

/** The bill of a month, US dollars by service. */
export interface Bill {
  readonly lines: readonly { readonly service: string; readonly what: string; readonly usd: number }[]
  readonly usd: number
  readonly usdPerMillion: number
  /** Where its write units come from: a run, or the plan alone. */
  readonly isMeasured: boolean
}

/** A checkpoint, and a split's item with the watermark's read. */
const CHECKPOINT_UNITS = 1
const BATCH_READ_UNITS = 2
/** An entry of a segment: its key, its slice and each field's partial, packed. The bench's flights have 32 for four fields. */
const ENTRY_BYTES = 12
const FIELD_BYTES = 5
const UNIT_BYTES = 1_024
const READ_UNIT_BYTES = 4_096
/** Closing a slice: claim and cursor of each key group; the proposal and the publication. */
const CLOSE_UNITS_PER_GROUP = 2
const CLOSE_UNITS = 2
/** A tick where nothing happens: the splits, the watermark, each key group's cursor. */
const TICK_READ_UNITS = 4
/** Waiting for the store and the sinks, and being started, ms. */
const INVOCATION_MS = 40
const TICK_MS = 150
const CPU_US = 5
/** DynamoDB deletes what is past its time to live within two days. */
const DELETED_MS = 2 * 86_400_000
const LOG_BYTES = 700
const SHARD_RECORDS = 1_000
const SHARD_BYTES = 1_000_000
const EVENT_BYTES = 6 * 1024 * 1024
const BASE64 = 4 / 3
const ENVELOPE_BYTES = 450
/** Attributes of an item besides its row. */
const ITEM_BYTES = 150
/** Metrics of all handlers together. */
const METRICS = 30
const GB = 1024 ** 3

/** The bill of a month at list prices. What a run has measured takes the place of what the plan alone can say. */
export function estimate(shape: Shape, load: Workload, deployment: Deployment = DEPLOYMENT, measured?: Measured): Bill {
  const { recordsPerSecond: rate } = load
  const batch = batchOf(load, deployment)
  const batches = rate / batch
  const state = measured === undefined ? plannedUnits(shape, load, batch) : scaled(shape, load, batch, measured)
  const closing = shape.operators.map((operator) => closes(operator, rate))
  const writes = rate * state.writes + sum(closing.map(({ writes: units }) => units)) * (measured === undefined ? 1 : 0)
  const ticks = deployment.ticksPerMinute / 60
  const groups = sum(shape.operators.map(({ keyGroups }) => keyGroups))
  const reads = rate * state.reads + ticks * (TICK_READ_UNITS + groups)
  const results = resultsPerSecond(shape, load)
  const lifeMs = Math.max(0, ...shape.operators.map((operator) => operator.lifeMs + DELETED_MS))
  const storedGb = (rate * state.bytes * (lifeMs / 1_000)) / GB
  const cpuUs = measured?.cpuUs ?? CPU_US
  const gbSeconds =
    deployment.memoryGb * (batches * (INVOCATION_MS / 1e3) + (rate * cpuUs) / 1e6 + ticks * (TICK_MS / 1e3))
  const streams = shape.sources.filter(({ connector }) => connector === 'kinesis').length
  const streamShare = shape.sources.length === 0 ? 0 : streams / shape.sources.length
  const streamGb = (rate * streamShare * Math.ceil(load.recordBytes / UNIT_BYTES) * UNIT_BYTES * MONTH_SECONDS) / GB
  const month = (perSecond: number): number => perSecond * MONTH_SECONDS
  const lines = [
    { service: 'DynamoDB', what: 'state: write units', usd: month(writes) * PRICES.writeUnit },
    { service: 'DynamoDB', what: 'state: read units', usd: month(reads) * PRICES.readUnit },
    { service: 'DynamoDB', what: 'state: storage and recovery', usd: storedGb * (PRICES.tableGb + PRICES.recoveryGb) },
    { service: 'DynamoDB', what: 'results', usd: month(results) * PRICES.writeUnit },
    { service: 'Lambda', what: 'time of the functions', usd: month(gbSeconds) * PRICES.lambdaGbSecond },
    { service: 'Lambda', what: 'invocations', usd: month(batches + ticks) * PRICES.lambdaRequest },
    { service: 'Lambda', what: 'provisioned pollers', usd: deployment.pollerUnits * MONTH_HOURS * PRICES.pollerHour },
    {
      service: 'Kinesis',
      what: 'streams on demand, in and out',
      usd: streams * MONTH_HOURS * PRICES.streamHour + streamGb * (PRICES.streamGbIn + PRICES.streamGbOut),
    },
    {
      service: 'CloudWatch',
      what: 'metrics, logs, alarms, dashboard',
      usd:
        METRICS * PRICES.metric +
        deployment.alarms * PRICES.alarm +
        deployment.dashboards * PRICES.dashboard +
        ((month(batches + ticks) * LOG_BYTES) / GB) * PRICES.logGb,
    },
  ].filter(({ usd }) => usd > 0)
  const usd = sum(lines.map((line) => line.usd))
  return { lines, usd, usdPerMillion: (usd / month(rate)) * 1e6, isMeasured: measured !== undefined }
}

/** Records of a batch: as many as come within its window from one split, and as fit into Lambda's 6 MB as base64 in JSON. A shard carries 1,000 records or 1 MB a second. */
export function batchOf({ recordsPerSecond: rate, recordBytes }: Workload, deployment: Deployment): number {
  const { batchSize, windowSeconds } = deployment
  const splits = Math.max(deployment.splits, rate / SHARD_RECORDS, (rate * recordBytes) / SHARD_BYTES)
  const fitting = Math.floor(EVENT_BYTES / (recordBytes * BASE64 + ENVELOPE_BYTES))
  return Math.max(1, Math.min(batchSize, fitting, (rate / splits) * windowSeconds))
}

/** Units of a record by the plan alone: a batch checkpoints once, and writes a segment each range of keys that it has keys of. */
function plannedUnits(shape: Shape, { keys }: Workload, batch: number) {
  let units = CHECKPOINT_UNITS
  let bytes = 0
  for (const { lanes, fields } of shape.operators) {
    const distinct = distinctOf(keys, batch)
    const segments = Math.min(lanes, distinct)
    const each = (distinct * (ENTRY_BYTES + fields * FIELD_BYTES)) / segments
    units += segments * Math.max(1, Math.ceil(each / UNIT_BYTES))
    bytes += segments * Math.max(200, each)
  }
  return { writes: units / batch, reads: (BATCH_READ_UNITS + bytes / READ_UNIT_BYTES) / batch, bytes: bytes / batch }
}

/** A run's units, where batches are of another size: checkpoints go with batches, segments with the keys of a batch. */
function scaled(shape: Shape, load: Workload, batch: number, { batch: from, writeUnits, readUnits }: Measured) {
  const planned = (size: number) => plannedUnits(shape, load, size)
  const ratio = planned(batch).writes / planned(from).writes
  return {
    writes: writeUnits * ratio,
    reads: readUnits * ratio,
    bytes: Math.max(0, writeUnits * ratio - 1 / batch) * UNIT_BYTES,
  }
}

/** Different keys among so many records, where all come alike. */
function distinctOf(keys: number, records: number): number {
  return keys * (1 - (1 - 1 / keys) ** records)
}

function closes({ keyGroups, sliceMs }: Shape['operators'][number], rate: number): { readonly writes: number } {
  const slices = Math.min(1_000 / sliceMs, rate)
  return { writes: slices * (CLOSE_UNITS + CLOSE_UNITS_PER_GROUP * keyGroups) }
}

/** Write units of rows that become items of tables, a second. */
function resultsPerSecond(shape: Shape, { recordsPerSecond: rate, recordBytes, keys }: Workload): number {
  if (shape.passesToTable) return rate * Math.ceil((recordBytes + ITEM_BYTES) / UNIT_BYTES)
  return sum(
    shape.operators
      .filter(({ hasTable }) => hasTable)
      .map(({ windowEveryMs }) => {
        const perWindow = (rate * windowEveryMs) / 1_000
        return distinctOf(keys, Math.max(1, perWindow)) / Math.max(windowEveryMs / 1_000, 1 / rate)
      }),
  )
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
