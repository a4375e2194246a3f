import { Annotations, Duration, Token } from 'aws-cdk-lib'
import type { Construct } from 'constructs'
import { milliseconds } from '../../lib/base/index.js'
import {
  type CostReport,
  costReport,
  type Deployment,
  deploymentFor,
  KEYS_EXPECTED,
  MEMORY_MB,
  parseRate,
  parseSize,
  type Settings,
  shapeOf,
  type Workload,
} from '../../lib/cost/index.js'
import type { Plan } from '../../lib/pipeline/index.js'
import type { Sources } from './bindings.js'
import type { MappingDefaults } from './mapping-rules.js'
import type { FunctionOptions } from './pipeline-function.js'

/** The expected load, in the notation of `millrace cost`. */
export interface Expected {
  /** The rate of records of all sources together: `500/s`, `2k/m`. */
  readonly rate: string
  /** The size of a record: `300B`, `2KB`. */
  readonly size: string
  /**
   * The number of different keys within a window.
   * @default 1000
   */
  readonly keys?: number
  /**
   * How soon results are expected after the record that completes them, such as `'10s'`. The stack gets the cheapest
   * settings for that latency, except for settings that it sets itself.
   * @default - the settings are not changed
   */
  readonly latency?: string
}

/** The props of a pipeline's stack that affect its cost. */
interface Priced {
  readonly sources: Sources
  readonly expected?: Expected
  readonly ingest?: FunctionOptions
  readonly tick?: { readonly every?: Duration }
  readonly alarms?: unknown
  readonly dashboard?: boolean
}

/** The defaults for settings that a stack leaves out. */
export interface Defaults {
  readonly mapping: MappingDefaults
  readonly memorySize?: number
  readonly every?: Duration
}

/** A poller handles 5 MB/s, a billed unit 20 MB/s. */
const POLLERS_A_UNIT = 4

/** The cheapest settings for the expected latency; empty if no latency is expected. */
export function defaultsFor(scope: Construct, plan: Plan, props: Priced): Defaults {
  const { expected, ingest, tick } = props
  if (expected?.latency === undefined) return { mapping: {} }
  const fixed: (keyof Settings)[] = [
    ...(ingest?.memorySize === undefined ? [] : (['memoryMb'] as const)),
    ...(tick?.every === undefined ? [] : (['ticksPerMinute'] as const)),
  ]
  const { settings } = costReport(shapeOf(plan), loadOf(expected), {
    deployment: deploymentOf(scope, plan, props, { mapping: {} }),
    latencyMs: latencyMsOf(scope, expected.latency),
    fixed,
  })
  return {
    mapping: { batchSize: settings.batchSize, maxBatchingWindow: Duration.seconds(settings.windowSeconds) },
    memorySize: settings.memoryMb,
    every: Duration.minutes(Math.round(1 / settings.ticksPerMinute)),
  }
}

/** Reports during synthesis what a pipeline will cost per month with its actual settings. */
export function reportPrice(scope: Construct, plan: Plan, props: Priced, defaults: Defaults): void {
  const { expected } = props
  if (expected === undefined) return
  const report = costReport(shapeOf(plan), loadOf(expected), { deployment: deploymentOf(scope, plan, props, defaults) })
  Annotations.of(scope).addInfoV2('millrace:cost', priceText(report, expected))
  const { latencySeconds } = report
  if (expected.latency !== undefined && latencySeconds * 1_000 > latencyMsOf(scope, expected.latency))
    Annotations.of(scope).addWarningV2(
      'millrace:latency',
      [
        `Results take up to ${latencySeconds.toFixed(1)} s after the record that completes them, but`,
        `expected.latency is ${expected.latency}. The stack itself sets ${settingsText(report.settings)}.`,
        'Leave out maxBatchingWindow, memorySize and every, or expect a higher latency.',
      ].join(' '),
    )
}

function priceText(
  { bill, alternatives, processingUsd, logUsd, settings, latencySeconds }: CostReport,
  expected: Expected,
) {
  const services = [...new Set(bill.lines.map(({ service }) => service))].map((name) => {
    const usd = bill.lines.filter(({ service }) => service === name).reduce((sum, line) => sum + line.usd, 0)
    return `${name} ${dollars(usd)}`
  })
  const others = alternatives.map((of) => `${of.name} ${dollars(of.processingUsd)} and ${dollars(of.logUsd)}`)
  return [
    `About ${dollars(bill.usd)} per month at ${expected.rate} of ${expected.size}: ${services.join(', ')};`,
    `${dollars(bill.usdPerMillion)} per million records.`,
    `Results within ${latencySeconds.toFixed(1)} s: ${settingsText(settings)}.`,
    `Processing ${dollars(processingUsd)} and its log ${dollars(logUsd)}; others: ${others.join(', ')}.`,
    'These are list prices; "millrace cost" prints each item, and can use what a run has measured.',
  ].join(' ')
}

function settingsText({ windowSeconds, batchSize, memoryMb, ticksPerMinute }: Settings): string {
  const batch = `a batching window of ${windowSeconds} s, at most ${batchSize} records per batch`
  return `${batch}, ${memoryMb} MB, a tick every ${Math.round(60 / ticksPerMinute)} s`
}

const dollars = (usd: number): string => `$${usd.toFixed(usd < 10 ? 2 : 0)}`

function loadOf({ rate, size, keys = KEYS_EXPECTED }: Expected): Workload {
  return { recordsPerSecond: parseRate(rate), recordBytes: parseSize(size), keys }
}

function latencyMsOf(scope: Construct, latency: string): number {
  return milliseconds(latency, `${scope.node.path}: expected.latency`, 1)
}

/** The priced parts of a stack, in the form that the cost report needs. */
function deploymentOf(scope: Construct, plan: Plan, props: Priced, defaults: Defaults): Deployment {
  const { sources, alarms, dashboard, ingest, tick } = props
  const mappings = Object.entries(sources).map(([name, source]) => source.mappingOf(scope, name, defaults.mapping))
  const pollers = mappings.flatMap(({ provisionedPollerConfig }) => provisionedPollerConfig ?? [])
  const streams = Object.values(sources).filter(({ connector }) => connector === 'kinesis')
  const shards = streams.reduce<number | undefined>(
    (sum, source) => (sum === undefined || source.shards === undefined ? undefined : sum + source.shards),
    0,
  )
  const memory = ingest?.memorySize ?? defaults.memorySize
  return {
    ...deploymentFor(shapeOf(plan), streams.length === 0 ? undefined : shards),
    batchSize: Math.min(...mappings.map(({ batchSize = 1 }) => batchSize)),
    windowSeconds: Math.max(...mappings.map(({ maxBatchingWindow }) => secondsOf(maxBatchingWindow))),
    ticksPerMinute: 1 / ((tick?.every ?? defaults.every)?.toMinutes() ?? 1),
    pollerUnits: pollers.reduce((sum, { minimumPollers = 1 }) => sum + Math.ceil(minimumPollers / POLLERS_A_UNIT), 0),
    alarms: alarms !== false,
    dashboard: dashboard !== false,
    memoryMb: memory === undefined || Token.isUnresolved(memory) ? MEMORY_MB : memory,
  }
}

function secondsOf(window: Duration | undefined): number {
  return window === undefined || window.isUnresolved() ? 0 : window.toSeconds({ integral: false })
}
