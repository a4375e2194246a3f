import type { Bill } from './estimate.js'
import { MONTH_HOURS, PRICES } from './prices.js'
import type { Workload } from './workload.js'

/** What another system costs a month, at the least that it can be run with. */
export interface Alternative {
  readonly name: string
  readonly of: string
  readonly usd: number
}

/** Records a second that one processing unit of Flink, or one small instance, works through with room to spare. */
const FLINK_RATE = 20_000
const INSTANCE_RATE = 10_000
const FLINK_STORAGE_GB = 50
const BROKERS_MIN = 2
const INSTANCES_MIN = 2
/** What one of MSK's smallest brokers takes, and keeps: a day of what comes, twice. */
const BROKER_BYTES = 4_000_000
const KEPT_SECONDS = 86_400
const REPLICAS = 2
const BROKER_GB_MIN = 10

/**
 * Others at a load. Flink reads the same stream, which it is billed for too; Kafka Streams has its records in MSK instead, whose cluster counts unless the pipeline reads one that is there anyway.
 */
export function alternatives(load: Workload, streamUsd: number, hasCluster: boolean): readonly Alternative[] {
  const { recordsPerSecond: rate, recordBytes } = load
  const units = Math.max(1, Math.ceil(rate / FLINK_RATE))
  const instances = Math.max(INSTANCES_MIN, Math.ceil(rate / INSTANCE_RATE))
  const brokers = Math.max(BROKERS_MIN, Math.ceil((rate * recordBytes) / BROKER_BYTES))
  const gb = Math.max(brokers * BROKER_GB_MIN, (rate * recordBytes * KEPT_SECONDS * REPLICAS) / 1024 ** 3)
  const cluster = brokers * MONTH_HOURS * PRICES.brokerHour + gb * PRICES.brokerGb
  return [
    {
      name: 'Managed Flink',
      of: `${units} + 1 processing units, the same stream`,
      usd:
        (units + 1) * MONTH_HOURS * PRICES.flinkKpuHour + units * FLINK_STORAGE_GB * PRICES.flinkStorageGb + streamUsd,
    },
    {
      name: hasCluster ? 'Kafka Streams' : 'MSK and Kafka Streams',
      of: `${hasCluster ? '' : `${brokers} of MSK's smallest brokers, `}${instances} small instances`,
      usd: (hasCluster ? 0 : cluster) + instances * MONTH_HOURS * PRICES.instanceHour,
    },
  ]
}

const RATE_MIN = 0.001
const RATE_MAX = 1_000_000
const TURNS = 60

/** The rate, records a second, from which another system is cheaper, or undefined where there is none. */
export function breakEven(
  billAt: (rate: number) => Bill,
  otherAt: (rate: number, bill: Bill) => number,
): number | undefined {
  const isDearer = (rate: number): boolean => {
    const bill = billAt(rate)
    return bill.usd > otherAt(rate, bill)
  }
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
