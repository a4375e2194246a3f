import { Annotations, RemovalPolicy, Stack, type StackProps } from 'aws-cdk-lib'
import { Stream, StreamMode } from 'aws-cdk-lib/aws-kinesis'
import { Secret } from 'aws-cdk-lib/aws-secretsmanager'
import type { Construct } from 'constructs'
import flights from '../examples/flights/pipeline.js'
import { DeadLetters, KinesisSource, SelfManagedKafkaSource, StreamPipeline } from './constructs/index.js'

export interface FlightsStackProps extends StackProps {
  /** Whether the data outlives the stack. If not, it is deleted with the stack. */
  readonly isForGood: boolean
  /** `host:port` of some brokers of the Kafka cluster. */
  readonly brokers: readonly string[]
  /** The ARN of a secret with `username` and `password` of that cluster. */
  readonly secretArn: string
}

/** The deployed example: a new stream, a topic of an existing cluster, and a table for each result. */
export class FlightsStack extends Stack {
  constructor(scope: Construct, id: string, props: FlightsStackProps) {
    super(scope, id, props)
    const { isForGood, brokers, secretArn } = props
    const removalPolicy = isForGood ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY
    const departures = new Stream(this, 'Departures', { streamMode: StreamMode.ON_DEMAND, removalPolicy })
    const secret = Secret.fromSecretCompleteArn(this, 'KafkaLogin', secretArn)
    new StreamPipeline(this, 'Pipeline', {
      pipeline: flights,
      sources: {
        'departures-a-l': new KinesisSource(departures),
        'departures-m-z': new SelfManagedKafkaSource({
          bootstrapServers: brokers,
          credentials: { kind: 'scram-sha-512', secret },
        }),
      },
      sinks: { hourly: 'table', late: 'table', rejected: new DeadLetters(this, 'Rejected', { removalPolicy }) },
      expected: { rate: '500/s', size: '100B', keys: 300 },
      removalPolicy,
    })
    if (brokers.some((broker) => broker.includes('.example.com')))
      Annotations.of(this).addWarningV2(
        'millrace:kafka',
        'No Kafka cluster is given. Pass -c brokers=host:port,… and -c secretArn=…, or set them in cdk.json.',
      )
  }
}
