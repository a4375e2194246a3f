import { Annotations, Duration } from 'aws-cdk-lib'
import {
  Alarm,
  ComparisonOperator,
  type IAlarmAction,
  type IMetric,
  Stats,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch'
import { Construct } from 'constructs'
import { docsUrl } from '../../lib/base/index.js'
import { HANDLERS, type HandlerName, type PipelineMetrics } from './pipeline-metrics.js'

export interface AlarmOptions {
  /** The actions of the alarms, such as an SNS topic. Default: none, alarms are only visible in CloudWatch. */
  readonly actions?: readonly IAlarmAction[]
  /** The highest age of a record that waits in a stream. Default 5 minutes. */
  readonly iteratorAgeMax?: Duration
  /** The most records that may wait in a topic. Default 100,000. */
  readonly offsetLagMax?: number
  /**
   * How far event time may be behind the clock. Default: the largest out-of-orderness bound of the sources plus 15
   * minutes.
   */
  readonly watermarkLagMax?: Duration
  /** The most records that may be rejected in five minutes. Default 0. */
  readonly rejectedMax?: number
  /** The most rows that may arrive too late for their window in five minutes. Default 0. */
  readonly expiredMax?: number
  /** The share of its timeout that a function may use. Default 0.8. */
  readonly durationShareMax?: number
}

export interface PipelineAlarmsProps extends AlarmOptions {
  readonly metrics: PipelineMetrics
  readonly connectors: ReadonlySet<'kinesis' | 'kafka'>
  readonly hasOperators: boolean
  readonly timeouts: Readonly<Record<HandlerName, Duration>>
  /** The largest out-of-orderness bound of the sources, ms. */
  readonly boundMs: number
  /** Whether the schedule runs. A paused schedule does not have the alarm for missing ticks. */
  readonly isEnabled: boolean
}

interface Watched {
  readonly metric: IMetric
  /** The alarm fires above this value; or below `below`, where missing data counts as too low. */
  readonly above?: number
  readonly below?: number
  readonly means: string
}

const PERIODS = 3
const WATERMARK_SLACK_MS = 15 * 60_000
/** Segments have a week to spare before they expire. The schedule extends their life after half of it. */
const OLD_STATE = Duration.days(5)
/** Retried batches in one period; a few failures are normal. */
const RETRIES_MAX = 10

const NO_ACTION = [
  'These alarms have no action, so nobody is notified.',
  'Add to the pipeline: alarms: { actions: [new SnsAction(topic)] }, with',
  ' "import { SnsAction } from \'aws-cdk-lib/aws-cloudwatch-actions\'" and a topic',
  `of aws-cdk-lib/aws-sns that has a subscription. ${docsUrl('deploy', 'runbook')}`,
].join(' ')

/** The alarms of a pipeline. Each has a section in docs/deploy.md that explains what to check and what to do. */
export class PipelineAlarms extends Construct {
  readonly alarms: Readonly<Record<string, Alarm>>

  constructor(scope: Construct, id: string, props: PipelineAlarmsProps) {
    super(scope, id)
    this.alarms = Object.fromEntries(
      Object.entries(watched(props)).map(([name, { metric, above, below = 0, means }]) => {
        const alarm = new Alarm(this, name, {
          alarmDescription: `${means} See ${docsUrl('deploy', name.toLowerCase())}`,
          metric,
          evaluationPeriods: PERIODS,
          ...(above === undefined
            ? {
                threshold: below,
                comparisonOperator: ComparisonOperator.LESS_THAN_THRESHOLD,
                treatMissingData: TreatMissingData.BREACHING,
              }
            : {
                threshold: above,
                comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
                // Metrics arrive late, and a single event must not be missed: one of the last periods is enough.
                datapointsToAlarm: 1,
                // An idle pipeline writes no metrics.
                treatMissingData: TreatMissingData.NOT_BREACHING,
              }),
        })
        alarm.addAlarmAction(...(props.actions ?? []))
        return [name, alarm]
      }),
    )
    if (props.actions === undefined || props.actions.length === 0)
      Annotations.of(this).addWarningV2('millrace:no-action', NO_ACTION)
  }
}

function watched(props: PipelineAlarmsProps): Readonly<Record<string, Watched>> {
  const { metrics, connectors, timeouts } = props
  const share = props.durationShareMax ?? 0.8
  const lag = props.watermarkLagMax ?? Duration.millis(props.boundMs + WATERMARK_SLACK_MS)
  return {
    StoppedSplits: {
      metric: metrics.own('StoppedNow', Stats.MAXIMUM),
      above: 0,
      means: 'A split has stopped: its log does not continue after its position.',
    },
    StoppedKeyGroups: {
      metric: metrics.own('StoppedKeyGroups'),
      above: 0,
      means: 'A key group has stopped: its state is damaged, lost or expired.',
    },
    // The tick closes windows that no record closes. No other metric shows that ticks are missing.
    ...(props.isEnabled && {
      NoTick: {
        metric: metrics.lambda('Invocations', 'tick'),
        below: 1,
        means: 'The schedule no longer invokes tick: idle splits hold results back.',
      },
    }),
    Retries: {
      metric: metrics.own('Retries'),
      above: RETRIES_MAX,
      means: 'Batches fail and are retried.',
    },
    ...(connectors.has('kinesis') && {
      IteratorAge: {
        metric: metrics.lambda('IteratorAge', 'ingest', Stats.MAXIMUM),
        above: (props.iteratorAgeMax ?? Duration.minutes(5)).toMilliseconds(),
        means: 'Records wait in a stream.',
      },
    }),
    ...(connectors.has('kafka') && {
      OffsetLag: {
        metric: metrics.lambda('OffsetLag', 'ingest', Stats.MAXIMUM),
        above: props.offsetLagMax ?? 100_000,
        means: 'Records wait in a topic.',
      },
    }),
    WatermarkLag: {
      metric: metrics.own('WatermarkLagMs', Stats.MAXIMUM),
      above: lag.toMilliseconds(),
      means: 'Event time is far behind the clock: results are late.',
    },
    Rejected: {
      metric: metrics.own('Rejected'),
      above: props.rejectedMax ?? 0,
      means: 'Records were rejected and went to the dead letter.',
    },
    ...(props.hasOperators && {
      Expired: {
        metric: metrics.own('Expired'),
        above: props.expiredMax ?? 0,
        means: 'Rows arrived too late for their window.',
      },
      OldState: {
        metric: metrics.own('OldestUnreadAgeMs', Stats.MAXIMUM),
        above: OLD_STATE.toMilliseconds(),
        means: 'The life of unread state is not extended, so it will be deleted.',
      },
    }),
    RefusedRows: {
      metric: metrics.own('RefusedRows'),
      above: 0,
      means: 'A sink refused some rows permanently; they went to the dead letter.',
    },
    UnansweredSources: {
      metric: metrics.own('UnansweredSources'),
      above: 0,
      means: 'A source does not answer whether its log is intact: records may have been deleted unread.',
    },
    ...Object.fromEntries(
      HANDLERS.flatMap((handler) => [
        [
          `Errors-${handler}`,
          { metric: metrics.lambda('Errors', handler), above: 0, means: `Invocations of ${handler} fail.` },
        ],
        [
          `Throttles-${handler}`,
          { metric: metrics.lambda('Throttles', handler), above: 0, means: `Invocations of ${handler} are throttled.` },
        ],
        [
          `Duration-${handler}`,
          {
            metric: metrics.lambda('Duration', handler, Stats.MAXIMUM),
            above: timeouts[handler].toMilliseconds() * share,
            means: `Invocations of ${handler} get close to their timeout.`,
          },
        ],
      ]),
    ),
    TableThrottles: {
      metric: metrics.table('WriteThrottleEvents'),
      above: 0,
      means: 'The state table throttles writes.',
    },
  }
}
