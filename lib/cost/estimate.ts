import { batchOf, DEPLOYMENT, type Deployment, intervalOf, invocationMs, plannedCpuUs, splitsOf } from './deployment.js'
import { MONTH_HOURS, MONTH_SECONDS, PRICES } from './prices.js'
import type { Shape } from './shape.js'
import { onDemandUsd, provisionedUsd } from './stream.js'
import { closingUnits, distinctOf, plannedUnits, type RecordUnits, UNIT_BYTES } from './units.js'
import { alarmsOf, metricsUsd } from './watching.js'
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

export interface BillLine {
  readonly service: string
  readonly what: string
  readonly usd: number
}

/** The bill of a month, US dollars by service. */
export interface Bill {
  readonly lines: readonly BillLine[]
  readonly usd: number
  readonly usdPerMillion: number
  /** Where its write units come from: a run, or the plan alone. */
  readonly isMeasured: boolean
}

/** A tick where nothing happens: the splits, the watermark, each key group's cursor. */
const TICK_READ_UNITS = 4
/** Of a tick: mostly waiting, for the sources and the store. */
const TICK_MS = 150
/** DynamoDB deletes what is past its time to live within two days. */
const DELETED_MS = 2 * 86_400_000
/** The line of metrics that an invocation writes. */
const LOG_BYTES = 500
/** Attributes of an item besides its row. */
const ITEM_BYTES = 150
const GB = 1024 ** 3
const MB_PER_GB = 1_024

/** The bill of a month at list prices. What a run has measured takes the place of what the plan alone can say. */
export function estimate(shape: Shape, load: Workload, deployment: Deployment = DEPLOYMENT, measured?: Measured): Bill {
  const { recordsPerSecond: rate } = load
  const batch = batchOf(shape, load, deployment)
  const batches = rate / batch
  const state = unitsOf(shape, load, deployment, measured)
  // A run's units have its closing in them.
  const writes = rate * state.writes + (measured === undefined ? closingUnits(shape, batches) : 0)
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
    { service: 'Lambda', what: 'time of the functions', usd: month(gbSeconds) * PRICES.lambdaGbSecond },
    { service: 'Lambda', what: 'invocations', usd: month(batches + ticks) * PRICES.lambdaRequest },
    { service: 'Lambda', what: 'provisioned pollers', usd: deployment.pollerUnits * MONTH_HOURS * PRICES.pollerHour },
    deployment.shards === undefined
      ? { service: 'Kinesis', what: 'streams on demand, in and out', usd: onDemandUsd(shape, load) }
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
 * Units of a record. Where batches are of another size than the run's, checkpoints go with batches, and segments with
 * the keys of a batch.
 */
function unitsOf(shape: Shape, load: Workload, deployment: Deployment, measured: Measured | undefined): RecordUnits {
  const batch = batchOf(shape, load, deployment)
  // A batch that is full goes before its window is over.
  const seconds = Math.min(intervalOf(shape, deployment), (batch * splitsOf(load, deployment)) / load.recordsPerSecond)
  const planned = plannedUnits(shape, load.keys, batch, seconds)
  if (measured === undefined) return planned
  const ratio = planned.writes / plannedUnits(shape, load.keys, measured.batch, seconds).writes
  return {
    writes: measured.writeUnits * ratio,
    reads: measured.readUnits * ratio,
    bytes: Math.max(0, measured.writeUnits * ratio - 1 / batch) * UNIT_BYTES,
  }
}

/** What of a bill is the log that the records wait in, and not their processing. */
export function logUsd({ lines }: Bill): number {
  return usdOf(lines, ({ service }) => service === 'Kinesis')
}

/** What of a bill whoever writes the same results pays. */
export function resultsUsd({ lines }: Bill): number {
  return usdOf(lines, ({ what }) => what === 'results')
}

function usdOf(lines: readonly BillLine[], isCounted: (line: BillLine) => boolean): number {
  return sum(lines.filter(isCounted).map(({ usd }) => usd))
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
