import { Duration } from 'aws-cdk-lib'
import { Dashboard, GraphWidget, type IMetric, Stats, TextWidget } from 'aws-cdk-lib/aws-cloudwatch'
import { Construct } from 'constructs'
import { HANDLERS, type PipelineMetrics } from './pipeline-metrics.js'

export interface PipelineDashboardProps {
  readonly title: string
  readonly metrics: PipelineMetrics
  readonly connectors: ReadonlySet<'kinesis' | 'kafka'>
}

/** The dashboard of a pipeline: records, results, lag, failures and cost. */
export class PipelineDashboard extends Construct {
  readonly dashboard: Dashboard

  constructor(scope: Construct, id: string, { title, metrics, connectors }: PipelineDashboardProps) {
    super(scope, id)
    const graph = (name: string, left: IMetric[], right: IMetric[] = []): GraphWidget =>
      new GraphWidget({ title: name, left, right, width: 8, height: 6 })
    const perHandler = (metric: string, statistic: string = Stats.SUM): IMetric[] =>
      HANDLERS.map((handler) => metrics.lambda(metric, handler, statistic))
    this.dashboard = new Dashboard(this, 'Dashboard', { defaultInterval: Duration.hours(12) })
    this.dashboard.addWidgets(new TextWidget({ markdown: `# ${title}`, width: 24, height: 1 }))
    this.dashboard.addWidgets(
      graph('Records', [metrics.own('Records')]),
      graph('Late, expired, rejected', [
        metrics.own('Late'),
        metrics.own('Expired'),
        metrics.own('Rejected'),
        metrics.own('RefusedRows'),
      ]),
      graph('Rows out', [metrics.own('SinkRows')]),
    )
    this.dashboard.addWidgets(
      graph(
        'Behind',
        [
          ...(connectors.has('kinesis') ? [metrics.lambda('IteratorAge', 'ingest', Stats.MAXIMUM)] : []),
          metrics.own('WatermarkLagMs', Stats.MAXIMUM),
        ],
        connectors.has('kafka') ? [metrics.lambda('OffsetLag', 'ingest', Stats.MAXIMUM)] : [],
      ),
      graph(
        'Failures',
        [...perHandler('Errors'), ...perHandler('Throttles')],
        [metrics.own('Retries'), metrics.own('StoppedNow', Stats.MAXIMUM)],
      ),
      graph('Duration', perHandler('Duration', Stats.p(99))),
    )
    this.dashboard.addWidgets(
      graph(
        'State table',
        [metrics.table('ConsumedWriteCapacityUnits'), metrics.table('ConsumedReadCapacityUnits')],
        [metrics.table('WriteThrottleEvents'), metrics.table('ReadThrottleEvents')],
      ),
      graph('Invocations', perHandler('Invocations')),
      graph('Cost', [metrics.costPerMillion()]),
    )
  }
}
