import type { ISecurityGroup, IVpc, SubnetSelection } from 'aws-cdk-lib/aws-ec2'
import type { PolicyStatement } from 'aws-cdk-lib/aws-iam'
import type { EventSourceMappingOptions, IEventSource } from 'aws-cdk-lib/aws-lambda'
import type { Construct } from 'constructs'
import type { SourceBinding } from '../../lib/lambda/index.js'
import type { MappingDefaults } from './mapping-rules.js'

/** The network that functions have to be in to reach a source. */
export interface Network {
  readonly vpc: IVpc
  readonly vpcSubnets?: SubnetSelection
  readonly securityGroups?: readonly ISecurityGroup[]
}

/**
 * The binding of a pipeline's source to a stream or topic: a mapping with the settings that the invariants require, and
 * the configuration and permissions with which the functions list its splits. It can also be used as an event source
 * alone: `fn.addEventSource(new KinesisSource(stream))`.
 */
export interface PipelineSource extends IEventSource {
  /** The connector of the pipeline's source. */
  readonly connector: 'kinesis' | 'kafka'
  /** The binding of the source with the logical name `name`: plain data for the functions' environment. */
  bindingOf(name: string): SourceBinding
  /** The permissions of the mapping's poller, which uses the function's role. `scope` and `name` are the mapping's. */
  pollStatements(scope: Construct, name: string): PolicyStatement[]
  /** The permissions of a function that lists its splits (invariants 5, 6). */
  inspectStatements(scope: Construct, name: string): PolicyStatement[]
  /**
   * The mapping of the source `name`. `scope` is the pipeline, or its run; a consumer group is named after both. The
   * source's own options override `defaults`.
   */
  mappingOf(scope: Construct, name: string, defaults?: MappingDefaults): EventSourceMappingOptions
  /** The number of shards of a provisioned stream, if it is known. */
  readonly shards?: number | undefined
  /** Whether its mapping accepts partial batch responses. */
  readonly takesPartialAnswers: boolean
  readonly network?: Network | undefined
  /** The longest timeout of a function that its mapping invokes, seconds. */
  readonly timeoutSMax: number
}
