import { type Bill, logUsd, resultsUsd } from './estimate.js'
import { MONTH_HOURS, PRICES } from './prices.js'
import type { Shape } from './shape.js'
import { streamShare } from './stream.js'
import type { Workload } from './workload.js'

/** What another system costs per month, with the smallest deployment that can handle the load. */
export interface Alternative {
  readonly name: string
  readonly of: string
  /** Processing the records, and writing the same results. */
  readonly processingUsd: number
  /** The log that stores the records. A Kafka cluster that the pipeline reads is not included for any system. */
  readonly logUsd: number
  readonly usd: number
}

/** Records per second that one processing unit of Flink, or one small instance, can handle comfortably. */
const FLINK_RATE = 20_000
const INSTANCE_RATE = 10_000
const FLINK_STORAGE_GB = 50
const BROKERS_MIN = 2
const INSTANCES_MIN = 2
/**
 * Bytes per second that one of MSK's smallest brokers can handle. The log keeps one day of records, with two replicas.
 */
const BROKER_BYTES = 4_000_000
const KEPT_SECONDS = 86_400
const REPLICAS = 2
const BROKER_GB_MIN = 10

/**
 * The cost of other systems at a load, with the same log if they can read it. Flink reads both streams and topics.
 * Kafka Streams reads only topics, so the records of streams are stored in MSK instead, whose cluster replaces the
 * stream.
 */
export function alternatives(shape: Shape, load: Workload, bill: Bill): readonly Alternative[] {
  const { recordsPerSecond: rate, recordBytes } = load
  const units = Math.max(1, Math.ceil(rate / FLINK_RATE))
  const instances = Math.max(INSTANCES_MIN, Math.ceil(rate / INSTANCE_RATE))
  const moved = rate * streamShare(shape) * recordBytes
  const brokers = Math.max(BROKERS_MIN, Math.ceil(moved / BROKER_BYTES))
  const gb = Math.max(brokers * BROKER_GB_MIN, (moved * KEPT_SECONDS * REPLICAS) / 1024 ** 3)
  const hasStreams = streamShare(shape) > 0
  const results = resultsUsd(bill)
  const flink = (units + 1) * MONTH_HOURS * PRICES.flinkKpuHour + units * FLINK_STORAGE_GB * PRICES.flinkStorageGb
  const of = (name: string, text: string, processing: number, log: number): Alternative => ({
    name,
    of: text,
    processingUsd: processing + results,
    logUsd: log,
    usd: processing + results + log,
  })
  return [
    of('Managed Flink', `${units} + 1 units${hasStreams ? ', the same stream' : ''}`, flink, logUsd(bill)),
    of(
      'Kafka Streams',
      `${instances} small instances${hasStreams ? `, ${brokers} MSK brokers for the stream` : ''}`,
      instances * MONTH_HOURS * PRICES.instanceHour,
      hasStreams ? brokers * MONTH_HOURS * PRICES.brokerHour + gb * PRICES.brokerGb : 0,
    ),
  ]
}

const RATE_MIN = 0.001
const RATE_MAX = 1_000_000
const TURNS = 60

/** The rate in records per second from which another system is cheaper; undefined if there is none. */
export function breakEven(isDearer: (rate: number) => boolean): number | undefined {
  if (isDearer(RATE_MIN)) return RATE_MIN
  if (!isDearer(RATE_MAX)) return undefined
  let [low, high] = [RATE_MIN, RATE_MAX]
  for (let turn = 0; turn < TURNS; turn++) {
    const middle = Math.sqrt(low * high)
    if (isDearer(middle)) high = middle
    else low = middle
  }
  return high
}
