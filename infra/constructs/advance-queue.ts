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
   * How long a request stays hidden while it is at work, six timeouts at least.
   * @default - six timeouts
   */
  readonly visibilityTimeout?: Duration
  /**
   * The customer's key that encrypts it.
   * @default - SQS's own
   */
  readonly encryptionKey?: IKey
}

const TIMEOUTS = 6
const VISIBILITY_S_MAX = 43_200
const RETENTION = Duration.hours(1)

/**
 * The queue by which ingest asks for key groups that it has no time to advance: FIFO, a group of messages a key group,
 * so that one of each is at work at a time. A request that fails for an hour is dropped: the schedule has done it long
 * before.
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
        'What a request at work is hidden for is made by it.',
        'Give a duration that is known.',
      )
    const least = Duration.seconds(props.timeout.toSeconds() * TIMEOUTS)
    const visibilityTimeout = props.visibilityTimeout ?? least
    if (visibilityTimeout.toSeconds() < least.toSeconds())
      refuse(
        this.node.path,
        'visibilityTimeout',
        visibilityTimeout,
        `A mapping of SQS retries within it: less than ${TIMEOUTS} timeouts of the function, ${least.toHumanString()}, and requests that are at work come again.`,
        'Give more, or leave it out.',
      )
    if (visibilityTimeout.toSeconds() > VISIBILITY_S_MAX)
      refuse(
        this.node.path,
        'visibilityTimeout',
        visibilityTimeout,
        'SQS hides a message for 12 hours at most.',
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

  /** What a function may do that asks. */
  sendStatements(): PolicyStatement[] {
    return [
      new PolicyStatement({ actions: ['sqs:SendMessage'], resources: [this.queue.queueArn] }),
      ...keyStatements(this, this.queue.encryptionMasterKey, 'sqs', ['kms:Decrypt', 'kms:GenerateDataKey']),
    ]
  }

  /** What the role of the function that it invokes may do. */
  pollStatements(): PolicyStatement[] {
    return [
      new PolicyStatement({
        actions: ['sqs:DeleteMessage', 'sqs:GetQueueAttributes', 'sqs:ReceiveMessage'],
        resources: [this.queue.queueArn],
      }),
      ...keyStatements(this, this.queue.encryptionMasterKey, 'sqs', ['kms:Decrypt']),
    ]
  }

  /** One request an invocation: a key group's work may take all of its time. */
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
