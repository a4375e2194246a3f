import { Duration } from 'aws-cdk-lib'
import { PolicyStatement } from 'aws-cdk-lib/aws-iam'
import type { IKey } from 'aws-cdk-lib/aws-kms'
import { EventSourceMapping, type IFunction } from 'aws-cdk-lib/aws-lambda'
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs'
import { Construct } from 'constructs'
import { checkOptions } from '../../lib/base/index.js'
import { acknowledge } from './acknowledged.js'
import { keyStatements } from './keys.js'
import { refuse } from './refuse.js'

export interface AdvanceQueueProps {
  /** The timeout of the function that it invokes. */
  readonly timeout: Duration
  /**
   * How long a request stays hidden while it is processed, at least six timeouts.
   * @default - six timeouts
   */
  readonly visibilityTimeout?: Duration
  /**
   * The customer managed key that encrypts the queue.
   * @default - a key of SQS
   */
  readonly encryptionKey?: IKey
}

const TIMEOUTS = 6
const VISIBILITY_S_MAX = 43_200
const RETENTION = Duration.hours(1)

/**
 * The queue through which ingest requests the advance of key groups that it has no time for. It is a FIFO queue with
 * one message group per key group, so that each key group is processed by one invocation at a time. A request that
 * keeps failing is dropped after an hour; by then, the schedule has done the work.
 */
export class AdvanceQueue extends Construct {
  readonly queue: Queue

  constructor(scope: Construct, id: string, props: AdvanceQueueProps) {
    super(scope, id)
    checkOptions(this.node.path, props, { timeout: true, visibilityTimeout: true, encryptionKey: true })
    if (props.timeout.isUnresolved() || props.visibilityTimeout?.isUnresolved())
      refuse(
        this.node.path,
        'timeout',
        'not known before the stack is deployed',
        'The visibility timeout of the queue is derived from it.',
        'Give a duration that is known.',
      )
    const least = Duration.seconds(props.timeout.toSeconds() * TIMEOUTS)
    const visibilityTimeout = props.visibilityTimeout ?? least
    if (visibilityTimeout.toSeconds() < least.toSeconds())
      refuse(
        this.node.path,
        'visibilityTimeout',
        visibilityTimeout,
        `An SQS mapping retries within it: with less than ${TIMEOUTS} timeouts of the function, ${least.toHumanString()}, requests are delivered again while they are processed.`,
        'Give more, or leave it out.',
      )
    if (visibilityTimeout.toSeconds() > VISIBILITY_S_MAX)
      refuse(
        this.node.path,
        'visibilityTimeout',
        visibilityTimeout,
        'SQS hides a message for at most 12 hours.',
        'Give less, or leave it out.',
      )
    this.queue = new Queue(this, 'Queue', {
      fifo: true,
      visibilityTimeout,
      retentionPeriod: RETENTION,
      enforceSSL: true,
      ...(props.encryptionKey === undefined
        ? { encryption: QueueEncryption.SQS_MANAGED }
        : { encryption: QueueEncryption.KMS, encryptionMasterKey: props.encryptionKey }),
    })
    acknowledge(this.queue, 'AwsSolutions-SQS3', 'Serverless-SQSRedrivePolicy')
  }

  /** The permissions of a function that sends requests. */
  sendStatements(): PolicyStatement[] {
    return [
      new PolicyStatement({ actions: ['sqs:SendMessage'], resources: [this.queue.queueArn] }),
      ...keyStatements(this, this.queue.encryptionMasterKey, 'sqs', ['kms:Decrypt', 'kms:GenerateDataKey']),
    ]
  }

  /** The permissions of the function that the queue invokes. */
  pollStatements(): PolicyStatement[] {
    return [
      new PolicyStatement({
        actions: ['sqs:DeleteMessage', 'sqs:GetQueueAttributes', 'sqs:ReceiveMessage'],
        resources: [this.queue.queueArn],
      }),
      ...keyStatements(this, this.queue.encryptionMasterKey, 'sqs', ['kms:Decrypt']),
    ]
  }

  /** One request per invocation, because one key group may need the whole time of an invocation. */
  invokes(target: IFunction, enabled = true): EventSourceMapping {
    const mapping = new EventSourceMapping(this, 'Mapping', {
      target,
      eventSourceArn: this.queue.queueArn,
      batchSize: 1,
      enabled,
    })
    acknowledge(mapping, 'Serverless-LambdaEventSourceMappingDestination')
    return mapping
  }
}
