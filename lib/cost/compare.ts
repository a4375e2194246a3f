import type { Bill } from './estimate.js'
import { MONTH_HOURS, PRICES } from './prices.js'

/** What another system costs a month, at the least that it can be run with. */
export interface Alternative {
  readonly name: string
  readonly of: string
  readonly usd: number
}

/** Records a second that one processing unit of Flink works through with room to spare: a few us each, and checkpoints. */
const FLINK_RATE = 20_000
const FLINK_STORAGE_GB = 50
const INSTANCE_RATE = 10_000
const BROKERS = 2
const INSTANCES = 2
const BROKER_STORAGE_GB = 50

/** Others at a rate. Flink reads the same stream, which it is billed for too; Kafka Streams has its records in MSK instead. */
export function alternatives(rate: number, streamUsd: number): readonly Alternative[] {
  const units = Math.max(1, Math.ceil(rate / FLINK_RATE))
  const instances = Math.max(INSTANCES, Math.ceil(rate / INSTANCE_RATE))
  return [
    {
      name: 'Managed Flink',
      of: `${units} + 1 processing units, the same stream`,
      usd:
        (units + 1) * MONTH_HOURS * PRICES.flinkKpuHour + units * FLINK_STORAGE_GB * PRICES.flinkStorageGb + streamUsd,
    },
    {
      name: 'MSK and Kafka Streams',
      of: `${BROKERS} of MSK's smallest brokers, ${instances} small instances`,
      usd:
        BROKERS * (MONTH_HOURS * PRICES.brokerHour + BROKER_STORAGE_GB * PRICES.brokerGb) +
        instances * MONTH_HOURS * PRICES.instanceHour,
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
