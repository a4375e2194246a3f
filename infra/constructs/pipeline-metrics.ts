import { Duration } from 'aws-cdk-lib'
import { MathExpression, Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch'
import type { ITable } from 'aws-cdk-lib/aws-dynamodb'
import type { IFunction } from 'aws-cdk-lib/aws-lambda'
import { PRICES } from '../../lib/cost/prices.js'

export type HandlerName = 'ingest' | 'advance' | 'tick'
export const HANDLERS = ['ingest', 'advance', 'tick'] as const satisfies readonly HandlerName[]

/** What can be seen of a pipeline: its own metrics, which each invocation writes as one log line, and AWS's of what it is made of. */
export class PipelineMetrics {
  private readonly pipeline: string
  private readonly functions: Readonly<Record<HandlerName, IFunction>>
  private readonly state: ITable
  private readonly period: Duration

  constructor(
    pipeline: string,
    functions: Readonly<Record<HandlerName, IFunction>>,
    state: ITable,
    period = Duration.minutes(5),
  ) {
    this.pipeline = pipeline
    this.functions = functions
    this.state = state
    this.period = period
  }

  /** One of a handler's own metrics (docs/operations.md lists them). */
  own(metricName: string, handler: HandlerName, statistic: string = Stats.SUM, label = metricName): Metric {
    return new Metric({
      namespace: 'Millrace',
      metricName,
      dimensionsMap: { Pipeline: this.pipeline, Handler: handler },
      statistic,
      period: this.period,
      label,
    })
  }

  /** The sum of one of the handlers' own metrics over all handlers that write it. */
  all(metricName: string, handlers: readonly HandlerName[] = HANDLERS): MathExpression {
    return new MathExpression({
      expression: handlers.map((handler) => `FILL(${idOf(metricName, handler)}, 0)`).join(' + '),
      usingMetrics: Object.fromEntries(
        handlers.map((handler) => [idOf(metricName, handler), this.own(metricName, handler)]),
      ),
      label: metricName,
      period: this.period,
    })
  }

  /** One of Lambda's metrics of a function. */
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

  /** One of DynamoDB's metrics of the state's table. */
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

  /** US dollars of DynamoDB that a million records cost, at list prices. */
  costPerMillion(): MathExpression {
    const records = this.own('Records', 'ingest')
    return new MathExpression({
      // CloudWatch reads the exponent of a number as a name.
      expression: `IF(records > 0, (writes * ${PRICES.writeUnit * 1e6} + reads * ${PRICES.readUnit * 1e6}) / records)`,
      usingMetrics: { records, writes: this.all('WriteUnits'), reads: this.all('ReadUnits') },
      label: 'US$ of DynamoDB a million records',
      period: this.period,
    })
  }
}

function idOf(metricName: string, handler: HandlerName): string {
  return `${metricName[0]!.toLowerCase()}${metricName.slice(1)}${handler[0]!.toUpperCase()}`
}
