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

/** CloudWatch's embedded metric format: one log line an invocation becomes metrics without an API call. At most 100 metrics a line. */
export function emfMetrics(
  now: () => number,
  write: (line: string) => void = (line) => process.stdout.write(`${line}\n`),
): Metrics {
  return new InvocationMetrics((metrics, dimensions) => {
    if (metrics.size === 0) return
    const values = Object.fromEntries([...metrics].map(([name, metric]) => [name, metric.value]))
    const directive = {
      Namespace: 'Millrace',
      Dimensions: [Object.keys(dimensions)],
      Metrics: [...metrics].slice(0, 100).map(([name, metric]) => ({ Name: name, Unit: metric.unit })),
    }
    write(JSON.stringify({ _aws: { Timestamp: now(), CloudWatchMetrics: [directive] }, ...dimensions, ...values }))
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
