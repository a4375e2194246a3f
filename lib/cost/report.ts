import { type Alternative, alternatives, breakEven } from './compare.js'
import { type Bill, DEPLOYMENT, type Deployment, estimate, type Measured } from './estimate.js'
import { PRICES } from './prices.js'
import type { Shape } from './shape.js'
import type { Workload } from './workload.js'

/** A pipeline's bill beside those of others, with the rate from which each of them is cheaper. */
export interface CostReport {
  readonly pricesAsOf: string
  readonly region: string
  readonly load: Workload
  readonly bill: Bill
  readonly alternatives: readonly (Alternative & { readonly cheaperFrom: number | undefined })[]
}

/** What a pipeline costs at a load, and what others would. */
export function costReport(
  shape: Shape,
  load: Workload,
  deployment: Deployment = DEPLOYMENT,
  measured?: Measured,
): CostReport {
  const billAt = (rate: number): Bill => estimate(shape, { ...load, recordsPerSecond: rate }, deployment, measured)
  const bill = billAt(load.recordsPerSecond)
  const hasCluster = shape.sources.every(({ connector }) => connector === 'kafka')
  const others = (rate: number, of: Bill): readonly Alternative[] =>
    alternatives({ ...load, recordsPerSecond: rate }, streamUsd(of), hasCluster)
  return {
    pricesAsOf: PRICES.asOf,
    region: PRICES.region,
    load,
    bill,
    alternatives: others(load.recordsPerSecond, bill).map((alternative, i) => ({
      ...alternative,
      cheaperFrom: breakEven(billAt, (rate, of) => others(rate, of)[i]!.usd),
    })),
  }
}

function streamUsd({ lines }: Bill): number {
  return lines.filter(({ service }) => service === 'Kinesis').reduce((sum, { usd }) => sum + usd, 0)
}
