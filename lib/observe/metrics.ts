import type { Logger, Metrics, MetricUnit } from '../ports/index.js'

interface Metric {
  value: number
  readonly unit: MetricUnit
}

/** Sums and peaks of one invocation, in memory. A flush passes them to `onFlush` and starts over. */
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
 * The names that become CloudWatch metrics, with the pipeline as the only dimension. Each metric costs $0.30 a month,
 * prorated to the hours in which it has a value. Most of them have an alarm, and a zero is not published. All other
 * values are in the same log lines, where Logs Insights finds them.
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
 * Writes one log line per invocation in CloudWatch's embedded metric format. The published values become metrics
 * without an API call.
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

/** Logs one line for each invocation, with everything that it counted. */
export function loggedMetrics(logger: Logger): Metrics {
  return new InvocationMetrics((metrics, dimensions) =>
    logger.info('an invocation ended', {
      ...dimensions,
      ...Object.fromEntries([...metrics].map(([name, { value }]) => [name, value])),
    }),
  )
}
