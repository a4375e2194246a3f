import { App, Stack } from 'aws-cdk-lib'
import { Template } from 'aws-cdk-lib/assertions'
import { SecurityGroup, Vpc } from 'aws-cdk-lib/aws-ec2'
import { Stream } from 'aws-cdk-lib/aws-kinesis'
import { Key } from 'aws-cdk-lib/aws-kms'
import { Bucket } from 'aws-cdk-lib/aws-s3'
import { Secret } from 'aws-cdk-lib/aws-secretsmanager'
import type { Construct } from 'constructs'
import {
  DeadLetters,
  type DeadLettersProps,
  KinesisSource,
  type KinesisSourceProps,
  MskSource,
  type MskSourceProps,
  SelfManagedKafkaSource,
  type SelfManagedKafkaSourceProps,
  StreamPipeline,
  type StreamPipelineProps,
} from '../../infra/constructs/index.js'
import {
  count,
  dynamodbTable,
  kafkaSource,
  kinesisSource,
  outOfOrder,
  pipeline,
  tumbling,
  value,
} from '../../lib/index.js'

export interface Order {
  readonly id: string
  readonly at: number
}

const options = { timestamp: (order: Order) => order.at, watermark: outOfOrder('30s') }
export const SECRET = 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:AmazonMSK_orders-AbCdEf'
export const KEY = 'arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-3333-4444-555555555555'
export const CLUSTER = 'arn:aws:kafka:eu-west-1:123456789012:cluster/orders/11111111-2222-3333-4444-555555555555-1'

/** One source and a table of counts. */
export const ofKinesis = pipeline('orders', (p) =>
  p
    .from(kinesisSource('orders', options))
    .keyBy((order) => order.id)
    .window(tumbling('1m'))
    .aggregate('counts', { orders: count() })
    .to(dynamodbTable('counts')),
)
/** One source and a process function, whose state is kept by key. */
export const withKeyedState = pipeline('orders', (p) =>
  p
    .from(kinesisSource('orders', options))
    .keyBy((order) => order.id)
    .process(
      'seen',
      { state: { orders: value(0) }, every: '1m' },
      { onRow: (ctx) => [{ orders: ctx.state.orders.get() }] },
    )
    .to(dynamodbTable('counts')),
)
export const ofKafka = pipeline('orders', (p) =>
  p
    .from(kafkaSource('orders', options))
    .keyBy((order) => order.id)
    .window(tumbling('1m'))
    .aggregate('counts', { orders: count() })
    .to(dynamodbTable('counts')),
)

/** A stack that is not bundled: a test looks at its template. */
export function stack(): Stack {
  const app = new App({ context: { 'aws:cdk:bundling-stacks': [] }, treeMetadata: false })
  return new Stack(app, 'stack', { env: { account: '123456789012', region: 'eu-west-1' } })
}

export function kinesis(
  scope: Stack,
  source: KinesisSourceProps = {},
  props: Partial<StreamPipelineProps> = {},
): Template {
  const stream = new Stream(scope, 'Orders')
  new StreamPipeline(scope, 'Pipeline', {
    pipeline: ofKinesis,
    sources: { orders: new KinesisSource(stream, source) },
    ...props,
  })
  return Template.fromStack(scope)
}

/** A stream, with a bucket for what is rejected. */
export function letters(scope: Stack, props: DeadLettersProps = {}): Template {
  return kinesis(scope, {}, { sinks: { 'dead-letter': new DeadLetters(scope, 'Letters', props) } })
}

/** The same, of a bucket that another stack of the app has. */
export function sharedLetters(scope: Stack): Template {
  const other = new Stack(scope.node.root as App, 'other', { env: { account: scope.account, region: scope.region } })
  return letters(scope, { bucket: new Bucket(other, 'Shared') })
}

export function network(scope: Construct) {
  const vpc = new Vpc(scope, 'Vpc', { maxAzs: 2 })
  return { vpc, securityGroups: [new SecurityGroup(scope, 'Clients', { vpc })] }
}

export function msk(scope: Stack, source: Partial<MskSourceProps> = {}): Template {
  const encryptionKey = Key.fromKeyArn(scope, 'Key', KEY)
  const secret = Secret.fromSecretAttributes(scope, 'Login', { secretCompleteArn: SECRET, encryptionKey })
  const bound = new MskSource({
    clusterArn: CLUSTER,
    bootstrapServers: [`b-1.orders.example.com:${source.credentials?.kind === 'iam' ? 9098 : 9096}`],
    network: network(scope),
    credentials: { kind: 'scram', secret },
    ...source,
  })
  new StreamPipeline(scope, 'Pipeline', { pipeline: ofKafka, sources: { orders: bound } })
  return Template.fromStack(scope)
}

export function selfManaged(
  scope: Stack,
  source: Partial<SelfManagedKafkaSourceProps> = {},
  props: Partial<StreamPipelineProps> = {},
): Template {
  const secret = Secret.fromSecretCompleteArn(scope, 'Login', SECRET)
  const bound = new SelfManagedKafkaSource({
    bootstrapServers: ['kafka.example.com:9096'],
    credentials: { kind: 'scram-sha-512', secret },
    ...source,
  })
  new StreamPipeline(scope, 'Pipeline', { pipeline: ofKafka, sources: { orders: bound }, ...props })
  return Template.fromStack(scope)
}
