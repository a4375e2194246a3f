import { Annotations, type Duration } from 'aws-cdk-lib'
import type { Construct } from 'constructs'
import {
  costReport,
  DEPLOYMENT,
  type Deployment,
  KEYS_EXPECTED,
  MEMORY_MB,
  parseRate,
  parseSize,
  shapeOf,
} from '../../lib/cost/index.js'
import type { Plan } from '../../lib/pipeline/index.js'
import type { Sources } from './bindings.js'
import type { FunctionOptions } from './pipeline-function.js'

/** What is to come, as `millrace cost` has it: `500/s`, `300B`, and different keys within a window (default 1,000). */
export interface Expected {
  readonly rate: string
  readonly size: string
  readonly keys?: number
}

/** A poller has 5 MB/s, a unit of them 20. */
const POLLERS_A_UNIT = 4

/** Says what a pipeline will cost a month, as it is synthesized. */
export function sayPrice(scope: Construct, plan: Plan, expected: Expected, deployment: Deployment): void {
  const load = {
    recordsPerSecond: parseRate(expected.rate),
    recordBytes: parseSize(expected.size),
    keys: expected.keys ?? KEYS_EXPECTED,
  }
  const { bill, alternatives } = costReport(shapeOf(plan), load, deployment)
  const dollars = (usd: number): string => `$${usd.toFixed(usd < 10 ? 2 : 0)}`
  const services = [...new Set(bill.lines.map(({ service }) => service))].map((name) => {
    const usd = bill.lines.filter(({ service }) => service === name).reduce((sum, line) => sum + line.usd, 0)
    return `${name} ${dollars(usd)}`
  })
  const others = alternatives.map(({ name, usd }) => `${name} ${dollars(usd)}`)
  Annotations.of(scope).addInfoV2(
    'millrace:cost',
    `About ${dollars(bill.usd)} a month at ${expected.rate} of ${expected.size}: ${services.join(', ')}; ${dollars(bill.usdPerMillion)} a million records. Others: ${others.join(', ')}. List prices; "millrace cost" says of what, and by what a run has measured.`,
  )
}

/** What of a pipeline's stack costs. */
interface Priced {
  readonly sources: Sources
  readonly ingest?: FunctionOptions
  readonly tick?: { readonly every?: Duration }
  readonly alarms?: unknown
  readonly dashboard?: boolean
}

/** The part of a stack that has a price, as a bill takes it. */
export function deploymentOf(scope: Construct, props: Priced): Deployment {
  const { sources, alarms, dashboard, ingest, tick } = props
  const mappings = Object.entries(sources).map(([name, source]) => source.mappingOf(scope, name))
  const pollers = mappings.flatMap(({ provisionedPollerConfig }) => provisionedPollerConfig ?? [])
  return {
    batchSize: Math.min(...mappings.map(({ batchSize = 1 }) => batchSize)),
    windowSeconds: Math.max(...mappings.map(({ maxBatchingWindow }) => maxBatchingWindow?.toSeconds() ?? 0)),
    splits: Math.max(DEPLOYMENT.splits, mappings.length),
    ticksPerMinute: 1 / (tick?.every?.toMinutes() ?? 1),
    pollerUnits: pollers.reduce((sum, { minimumPollers = 1 }) => sum + Math.ceil(minimumPollers / POLLERS_A_UNIT), 0),
    alarms: alarms === false ? 0 : DEPLOYMENT.alarms,
    dashboards: dashboard === false ? 0 : 1,
    memoryGb: (ingest?.memorySize ?? MEMORY_MB) / 1024,
  }
}
