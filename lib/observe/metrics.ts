import type { Logger, Metrics, MetricUnit } from '../ports/index.js'

interface Metric {
  value: number
  readonly unit: MetricUnit
}

/** Sums and peaks of one invocation, in memory. `onFlush` gets them, and they start anew. */
export class InvocationMetrics implements Metrics {
  private metrics = new Map<string, Metric>()
  private readonly onFlush: (metrics: ReadonlyMap<string, Metric>, dimensions: Readonly<Record<string, string>>) => void

  constructor(
    onFlush: (
      metrics: ReadonlyMap<string, Readonly<Metric>>,
      dimensions: Readonly<Record<string, string>>,
    ) => void = () => undefined,
  ) {
    this.onFlush = onFlush
  }

  add(name: string, value: number, unit: MetricUnit): void {
    const metric = this.metrics.get(name)
    if (metric === undefined) this.metrics.set(name, { value, unit })
    else metric.value += value
  }

  peak(name: string, value: number, unit: MetricUnit): void {
    const metric = this.metrics.get(name)
    if (metric === undefined) this.metrics.set(name, { value, unit })
    else metric.value = Math.max(metric.value, value)
  }

  flush(dimensions: Readonly<Record<string, string>>): void {
    const metrics = this.metrics
    this.metrics = new Map()
    this.onFlush(metrics, dimensions)
  }
}

/**
 * What becomes metrics of CloudWatch, by the pipeline alone: each costs $0.30 a month for the hours in which it has a
 * value. Alarms look at most of them, and zero is no value to them. The others are in the same log lines, where Logs
 * Insights finds them.
 */
export const PUBLISHED: ReadonlySet<string> = new Set([
  'Records',
  'SinkRows',
  'Late',
  'WatermarkLagMs',
  'Rejected',
  'Expired',
  'RefusedRows',
  'Retries',
  'UnansweredSources',
  'StoppedNow',
  'StoppedKeyGroups',
  'OldestUnreadAgeMs',
  'HeldTimestamps',
  'UnlikelyTimestamps',
  'OutsideWindows',
  'StoppedSplits',
  'UnfinishedTicks',
])

/**
 * One log line an invocation in CloudWatch's embedded metric format: what is published becomes metrics without an API
 * call.
 */
export function emfMetrics(
  now: () => number,
  write: (line: string) => void = (line) => process.stdout.write(`${line}\n`),
): Metrics {
  return new InvocationMetrics((metrics, { Pipeline, ...more }) => {
    if (metrics.size === 0) return
    const values = Object.fromEntries([...metrics].map(([name, metric]) => [name, metric.value]))
    const published = [...metrics].filter(([name, { value }]) => value !== 0 && PUBLISHED.has(name))
    const directive = {
      Namespace: 'Millrace',
      Dimensions: [['Pipeline']],
      Metrics: published.map(([name, { unit }]) => ({ Name: name, Unit: unit })),
    }
    const _aws = { Timestamp: now(), CloudWatchMetrics: [directive] }
    write(JSON.stringify({ ...(published.length > 0 && { _aws }), Pipeline, ...more, ...values }))
  })
}

/** A line of the log for each invocation, with all that it counted. */
export function loggedMetrics(logger: Logger): Metrics {
  return new InvocationMetrics((metrics, dimensions) =>
    logger.info('an invocation ended', {
      ...dimensions,
      ...Object.fromEntries([...metrics].map(([name, { value }]) => [name, value])),
    }),
  )
}
