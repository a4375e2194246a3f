import { Duration } from 'aws-cdk-lib'
import { MathExpression, Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch'
import type { ITable } from 'aws-cdk-lib/aws-dynamodb'
import type { IFunction } from 'aws-cdk-lib/aws-lambda'
import { PRICES } from '../../lib/cost/prices.js'

export type HandlerName = 'ingest' | 'advance' | 'tick'
export const HANDLERS = ['ingest', 'advance', 'tick'] as const satisfies readonly HandlerName[]

/**
 * The metrics of a pipeline: its own, which each invocation writes in one log line, and those of AWS for its resources.
 */
export class PipelineMetrics {
  private readonly pipeline: string
  private readonly functions: Readonly<Record<HandlerName, IFunction>>
  private readonly state: ITable
  private readonly period: Duration

  constructor(
    pipeline: string,
    functions: Readonly<Record<HandlerName, IFunction>>,
    state: ITable,
    period: Duration = Duration.minutes(5),
  ) {
    this.pipeline = pipeline
    this.functions = functions
    this.state = state
    this.period = period
  }

  /** One of the pipeline's own metrics (docs/operations.md lists them), over all its functions. */
  own(metricName: string, statistic: string = Stats.SUM, label = metricName): Metric {
    return new Metric({
      namespace: 'Millrace',
      metricName,
      dimensionsMap: { Pipeline: this.pipeline },
      statistic,
      period: this.period,
      label,
    })
  }

  /** One of Lambda's metrics for a function. */
  lambda(metricName: string, handler: HandlerName, statistic: string = Stats.SUM): Metric {
    return new Metric({
      namespace: 'AWS/Lambda',
      metricName,
      dimensionsMap: { FunctionName: this.functions[handler].functionName },
      statistic,
      period: this.period,
      label: `${handler} ${metricName}`,
    })
  }

  /** One of DynamoDB's metrics for the state table. */
  table(metricName: string): Metric {
    return new Metric({
      namespace: 'AWS/DynamoDB',
      metricName,
      dimensionsMap: { TableName: this.state.tableName },
      statistic: Stats.SUM,
      period: this.period,
      label: metricName,
    })
  }

  /** The cost of the state table per million records, in US dollars at list prices, for all pipelines that share it. */
  costPerMillion(): MathExpression {
    const [records, writes, reads] = [
      this.own('Records'),
      this.table('ConsumedWriteCapacityUnits'),
      this.table('ConsumedReadCapacityUnits'),
    ]
    return new MathExpression({
      // CloudWatch would parse the exponent of a number as a metric's name.
      expression: `IF(records > 0, (writes * ${PRICES.writeUnit * 1e6} + reads * ${PRICES.readUnit * 1e6}) / records)`,
      usingMetrics: { records, writes, reads },
      label: 'US$ for the state table per million records',
      period: this.period,
    })
  }
}
