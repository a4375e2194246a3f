import { Names, Token } from 'aws-cdk-lib'
import { PolicyStatement } from 'aws-cdk-lib/aws-iam'
import { CfnStream, type IStream, type IStreamConsumer } from 'aws-cdk-lib/aws-kinesis'
import type { EventSourceMappingOptions, IFunction } from 'aws-cdk-lib/aws-lambda'
import type { Construct } from 'constructs'
import { checkOptions, type OptionNames } from '../../lib/base/index.js'
import type { SourceBinding } from '../../lib/lambda/index.js'
import { keyStatements } from './keys.js'
import { checkResource } from './kinds.js'
import {
  checkMapping,
  checkRegion,
  MAPPING_OPTIONS,
  type MappingDefaults,
  type MappingOptions,
  REPEATED,
  settledMapping,
} from './mapping-rules.js'
import type { PipelineSource } from './source.js'

export interface KinesisSourceProps extends MappingOptions {
  /**
   * A registered consumer: enhanced fan-out, with its own 2 MB/s per shard and less latency, at extra cost.
   * @default - the stream's shared throughput
   */
  readonly consumer?: IStreamConsumer
}

const OPTIONS: OptionNames<KinesisSourceProps> = { ...MAPPING_OPTIONS, consumer: true }

/**
 * A Kinesis stream, new or existing. Batches of a shard are delivered in order, one at a time, retried indefinitely,
 * and bisected if they fail.
 * @example new KinesisSource(new Stream(this, 'Orders', { streamMode: StreamMode.ON_DEMAND }), { batchSize: 2_000 })
 */
export class KinesisSource implements PipelineSource {
  readonly connector = 'kinesis'
  readonly takesPartialAnswers = true
  readonly timeoutSMax = 900
  readonly stream: IStream
  private readonly props: KinesisSourceProps
  private readonly where: string

  constructor(stream: IStream, props: KinesisSourceProps = {}) {
    const fix = 'Give Stream.fromStreamArn(scope, id, arn), for example.'
    checkResource('KinesisSource', 'stream', stream ?? null, 'streamArn', fix)
    this.where = `KinesisSource of ${stream.node.path}`
    checkOptions(this.where, props, OPTIONS)
    checkMapping(this.where, props)
    const consumer = 'Give StreamConsumer.fromStreamConsumerArn(scope, id, arn), for example.'
    checkResource(this.where, 'consumer', props.consumer, 'streamConsumerArn', consumer)
    this.stream = stream
    this.props = props
  }

  bindingOf(): SourceBinding {
    return { stream: this.stream.streamArn }
  }

  inspectStatements(scope: Construct): PolicyStatement[] {
    return [
      new PolicyStatement({
        actions: [
          'kinesis:DescribeStreamSummary',
          'kinesis:GetRecords',
          'kinesis:GetShardIterator',
          'kinesis:ListShards',
        ],
        resources: [this.stream.streamArn],
      }),
      ...keyStatements(scope, this.stream.encryptionKey, 'kinesis', ['kms:Decrypt']),
    ]
  }

  pollStatements(scope: Construct): PolicyStatement[] {
    const { consumer } = this.props
    return [
      ...this.inspectStatements(scope),
      new PolicyStatement({ actions: ['kinesis:DescribeStream'], resources: [this.stream.streamArn] }),
      ...(consumer === undefined
        ? []
        : [
            new PolicyStatement({
              actions: ['kinesis:DescribeStreamConsumer', 'kinesis:SubscribeToShard'],
              resources: [consumer.streamConsumerArn],
            }),
          ]),
    ]
  }

  get shards(): number | undefined {
    const made = this.stream.node.defaultChild
    if (!(made instanceof CfnStream) || typeof made.shardCount !== 'number') return undefined
    return Token.isUnresolved(made.shardCount) ? undefined : made.shardCount
  }

  mappingOf(scope: Construct, _name?: string, defaults?: MappingDefaults): EventSourceMappingOptions {
    const { props } = this
    checkRegion(scope, this.where, 'stream', this.stream.streamArn, this.stream.env?.region)
    checkRegion(scope, this.where, 'consumer', props.consumer?.streamConsumerArn)
    return {
      eventSourceArn: props.consumer?.streamConsumerArn ?? this.stream.streamArn,
      ...settledMapping(props, defaults),
      parallelizationFactor: 1,
      ...REPEATED,
    }
  }

  /** Adds the source as an event source of a function outside of a pipeline. */
  bind(target: IFunction): void {
    for (const statement of this.pollStatements(target)) target.addToRolePolicy(statement)
    target.addEventSourceMapping(`Kinesis${Names.nodeUniqueId(this.stream.node)}`, this.mappingOf(target))
  }
}
