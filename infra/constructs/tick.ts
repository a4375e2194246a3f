import { Duration, Stack } from 'aws-cdk-lib'
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import type { IFunction } from 'aws-cdk-lib/aws-lambda'
import { CfnSchedule } from 'aws-cdk-lib/aws-scheduler'
import { Construct } from 'constructs'
import { checkOptions } from '../../lib/base/index.js'
import { checkFlag } from './mapping-rules.js'
import { refuse } from './refuse.js'

export interface TickProps {
  readonly function: IFunction
  /**
   * Whole minutes, 1 to 5. The tick handles what no record triggers: a split that became idle, a window that closes by
   * the clock, an advance that was lost.
   * @default 1 minute
   */
  readonly every?: Duration
  /** False pauses the tick: once an hour it then only keeps state from expiring. */
  readonly enabled?: boolean
}

/** The EventBridge Scheduler schedule that invokes tick, once a minute. A missed invocation is not repeated. */
export class Tick extends Construct {
  constructor(scope: Construct, id: string, props: TickProps) {
    super(scope, id)
    checkOptions(this.node.path, props, { function: true, every: true, enabled: true })
    checkFlag(this.node.path, 'enabled', props.enabled)
    const every = props.every ?? Duration.minutes(1)
    const minutes = every.isUnresolved() ? Number.NaN : every.toMinutes({ integral: false })
    if (!Number.isInteger(minutes) || minutes < 1 || minutes > 5)
      refuse(
        this.node.path,
        'every',
        every.isUnresolved() ? 'not known before the stack is deployed' : every,
        'A split only counts as missing after checks some minutes apart (invariant 6), so a tick runs every 1 to 5 whole minutes.',
        'Give a duration in between.',
      )
    const isPaused = props.enabled === false
    // The service may only assume the role for schedules of this account.
    const assumedBy = new ServicePrincipal('scheduler.amazonaws.com', {
      conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(this).account } },
    })
    const role = new Role(this, 'Role', { assumedBy })
    role.addToPolicy(
      new PolicyStatement({ actions: ['lambda:InvokeFunction'], resources: [props.function.functionArn] }),
    )
    new CfnSchedule(this, 'Schedule', {
      description: isPaused
        ? 'Invokes tick of a paused pipeline: keeps its state from expiring'
        : 'Invokes tick: lists splits, lets idle splits leave, advances watermarks',
      scheduleExpression: isPaused ? 'rate(1 hour)' : minutes === 1 ? 'rate(1 minute)' : `rate(${minutes} minutes)`,
      flexibleTimeWindow: { mode: 'OFF' },
      state: 'ENABLED',
      target: {
        arn: props.function.functionArn,
        roleArn: role.roleArn,
        input: isPaused ? JSON.stringify({ only: 'keep' }) : '{}',
        // The next invocation follows soon enough.
        retryPolicy: { maximumRetryAttempts: 0, maximumEventAgeInSeconds: 60 },
      },
    })
  }
}
