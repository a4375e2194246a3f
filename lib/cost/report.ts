import { type Alternative, alternatives, breakEven } from './compare.js'
import { type Deployment, deploymentFor } from './deployment.js'
import { type Bill, type BillLine, estimate, logUsd, type Measured } from './estimate.js'
import { type Latency, latencyOf } from './latency.js'
import { PRICES } from './prices.js'
import { type Advice, cheapest, type Settings, type Step } from './settings.js'
import type { Shape } from './shape.js'
import type { Workload } from './workload.js'

/** A pipeline's bill compared with other systems, and the rate from which each of them is cheaper. */
export interface CostReport {
  readonly pricesAsOf: string
  readonly region: string
  readonly load: Workload
  readonly lines: readonly BillLine[]
  readonly bill: Bill
  readonly processingUsd: number
  readonly logUsd: number
  readonly settings: Settings
  readonly latency: Latency
  readonly latencySeconds: number
  /** One step per changed setting, if a latency was asked for. */
  readonly steps: readonly Step[]
  readonly advice: readonly Advice[]
  /** `cheaperFrom` compares only processing, including results and excluding the log on both sides. */
  readonly alternatives: readonly (Alternative & { readonly cheaperFrom: number | undefined })[]
}

export interface CostOptions {
  readonly deployment?: Deployment
  readonly measured?: Measured | undefined
  /** Finds the cheapest settings for this latency. */
  readonly latencyMs?: number | undefined
  /** Settings that must not be changed. */
  readonly fixed?: readonly (keyof Settings)[]
}

/** The cost of a pipeline at a load, compared with other systems. */
export function costReport(shape: Shape, load: Workload, options: CostOptions = {}): CostReport {
  const { deployment: from = deploymentFor(shape), measured, latencyMs, fixed } = options
  const choice =
    latencyMs === undefined ? undefined : cheapest(shape, load, from, latencyMs, { measured, ...(fixed && { fixed }) })
  const deployment = choice?.deployment ?? from
  const { batchSize, windowSeconds, memoryMb, ticksPerMinute } = deployment
  const billAt = (rate: number): Bill => estimate(shape, { ...load, recordsPerSecond: rate }, deployment, measured)
  const bill = billAt(load.recordsPerSecond)
  const latency = latencyOf(shape, load, deployment, measured?.cpuUs)
  const others = (rate: number, of: Bill): readonly Alternative[] =>
    alternatives(shape, { ...load, recordsPerSecond: rate }, of)
  return {
    pricesAsOf: PRICES.asOf,
    region: PRICES.region,
    load,
    lines: bill.lines,
    bill,
    processingUsd: bill.usd - logUsd(bill),
    logUsd: logUsd(bill),
    settings: { batchSize, windowSeconds, memoryMb, ticksPerMinute },
    latency,
    latencySeconds: latency.seconds,
    steps: choice?.steps ?? [],
    advice: choice?.advice ?? [],
    alternatives: others(load.recordsPerSecond, bill).map((alternative, i) => ({
      ...alternative,
      cheaperFrom: breakEven((rate) => {
        const of = billAt(rate)
        return of.usd - logUsd(of) > others(rate, of)[i]!.processingUsd
      }),
    })),
  }
}
