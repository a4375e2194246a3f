import { batchOf, DEPLOYMENT, type Deployment, intervalOf, invocationMs, plannedCpuUs, splitsOf } from './deployment.js'
import { distinctOf, UNIT_BYTES } from './distinct.js'
import { MONTH_HOURS, MONTH_SECONDS, PRICES } from './prices.js'
import type { Shape } from './shape.js'
import { onDemandUsd, provisionedUsd } from './stream.js'
import { closingUnits, plannedUnits, type RecordUnits } from './units.js'
import { alarmsOf, metricsUsd } from './watching.js'
import type { Workload } from './workload.js'

/** What a run measured, per record. */
export interface Measured {
  /** Average records per batch. */
  readonly batch: number
  readonly writeUnits: number
  readonly readUnits: number
  /** CPU time of the handlers, us. */
  readonly cpuUs: number
}

export interface BillLine {
  readonly service: string
  readonly what: string
  readonly usd: number
}

/** The bill for a month, in US dollars by service. */
export interface Bill {
  readonly lines: readonly BillLine[]
  readonly usd: number
  readonly usdPerMillion: number
  /** Whether its write units were measured in a run, or estimated from the plan alone. */
  readonly isMeasured: boolean
}

/** Reads of a tick that has nothing to do: the splits, the watermark, and the cursor of each key group. */
const TICK_READ_UNITS = 4
/** Duration of a tick, mostly waiting for the sources and the store. */
const TICK_MS = 150
/** DynamoDB deletes an item within two days after its time to live. */
const DELETED_MS = 2 * 86_400_000
/** Size of the metrics line that an invocation logs. */
const LOG_BYTES = 500
/** Size of an item's attributes besides its row. */
const ITEM_BYTES = 150
const GB = 1024 ** 3
const MB_PER_GB = 1_024

/** The bill for a month at list prices. Measured values of a run replace the estimates from the plan. */
export function estimate(shape: Shape, load: Workload, deployment: Deployment = DEPLOYMENT, measured?: Measured): Bill {
  const { recordsPerSecond: rate } = load
  const batch = batchOf(shape, load, deployment)
  const batches = rate / batch
  const state = unitsOf(shape, load, deployment, measured)
  // The units of a run include those for closing windows.
  const writes = rate * state.writes + (measured === undefined ? closingUnits(shape, load, batches) : 0)
  const ticks = deployment.ticksPerMinute / 60
  const groups = sum(shape.operators.map(({ keyGroups }) => keyGroups))
  const reads = rate * state.reads + ticks * (TICK_READ_UNITS + groups)
  const lifeMs = Math.max(0, ...shape.operators.map((operator) => operator.lifeMs + DELETED_MS))
  const storedGb = (rate * state.bytes * (lifeMs / 1_000)) / GB
  const ms = batches * invocationMs(deployment, batch, measured?.cpuUs ?? plannedCpuUs(shape)) + ticks * TICK_MS
  const gbSeconds = (ms / 1_000) * (deployment.memoryMb / MB_PER_GB)
  const month = (perSecond: number): number => perSecond * MONTH_SECONDS
  const lines = [
    { service: 'DynamoDB', what: 'state: write units', usd: month(writes) * PRICES.writeUnit },
    { service: 'DynamoDB', what: 'state: read units', usd: month(reads) * PRICES.readUnit },
    { service: 'DynamoDB', what: 'state: storage and recovery', usd: storedGb * (PRICES.tableGb + PRICES.recoveryGb) },
    { service: 'DynamoDB', what: 'results', usd: month(resultsPerSecond(shape, load)) * PRICES.writeUnit },
    { service: 'Lambda', what: 'duration of the functions', usd: month(gbSeconds) * PRICES.lambdaGbSecond },
    { service: 'Lambda', what: 'invocations', usd: month(batches + ticks) * PRICES.lambdaRequest },
    { service: 'Lambda', what: 'provisioned pollers', usd: deployment.pollerUnits * MONTH_HOURS * PRICES.pollerHour },
    deployment.shards === undefined
      ? { service: 'Kinesis', what: 'on-demand streams, in and out', usd: onDemandUsd(shape, load) }
      : { service: 'Kinesis', what: 'provisioned shards', usd: provisionedUsd(shape, load, deployment.shards) },
    { service: 'CloudWatch', what: 'metrics', usd: metricsUsd(rate) },
    { service: 'CloudWatch', what: 'alarms', usd: deployment.alarms ? alarmsOf(shape) * PRICES.alarm : 0 },
    { service: 'CloudWatch', what: 'dashboard', usd: deployment.dashboard ? PRICES.dashboard : 0 },
    { service: 'CloudWatch', what: 'logs', usd: ((month(batches + ticks) * LOG_BYTES) / GB) * PRICES.logGb },
  ].filter(({ usd }) => usd > 0)
  const usd = sum(lines.map((line) => line.usd))
  return { lines, usd, usdPerMillion: (usd / month(rate)) * 1e6, isMeasured: measured !== undefined }
}

/**
 * Units per record. If the batch size differs from the run's, units of checkpoints scale with the number of batches,
 * and units of segments with the number of distinct keys per batch.
 */
function unitsOf(shape: Shape, load: Workload, deployment: Deployment, measured: Measured | undefined): RecordUnits {
  const batch = batchOf(shape, load, deployment)
  // A full batch is delivered before its window is over.
  const seconds = Math.min(intervalOf(shape, deployment), (batch * splitsOf(load, deployment)) / load.recordsPerSecond)
  const planned = plannedUnits(shape, load, batch, seconds)
  if (measured === undefined) return planned
  const ratio = planned.writes / plannedUnits(shape, load, measured.batch, seconds).writes
  return {
    writes: measured.writeUnits * ratio,
    reads: measured.readUnits * ratio,
    bytes: Math.max(0, measured.writeUnits * ratio - 1 / batch) * UNIT_BYTES,
  }
}

/** The part of a bill for the log that stores the records, as opposed to their processing. */
export function logUsd({ lines }: Bill): number {
  return usdOf(lines, ({ service }) => service === 'Kinesis')
}

/** The part of a bill for writing the results, which every system has. */
export function resultsUsd({ lines }: Bill): number {
  return usdOf(lines, ({ what }) => what === 'results')
}

function usdOf(lines: readonly BillLine[], isCounted: (line: BillLine) => boolean): number {
  return sum(lines.filter(isCounted).map(({ usd }) => usd))
}

/** Write units per second for rows that become items of tables. */
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
