import type { ISecurityGroup, IVpc, SubnetSelection } from 'aws-cdk-lib/aws-ec2'
import type { PolicyStatement } from 'aws-cdk-lib/aws-iam'
import type { EventSourceMappingOptions, IEventSource } from 'aws-cdk-lib/aws-lambda'
import type { Construct } from 'constructs'
import type { SourceBinding } from '../../lib/lambda/index.js'
import type { MappingDefaults } from './mapping-rules.js'

/** Where functions have to be to reach a source. */
export interface Network {
  readonly vpc: IVpc
  readonly vpcSubnets?: SubnetSelection
  readonly securityGroups?: readonly ISecurityGroup[]
}

/**
 * A source of a pipeline as it is outside: a mapping with the settings that the invariants need, and what the functions
 * must know and may do to ask it for its splits. Also an event source by itself: `fn.addEventSource(new
 * KinesisSource(stream))`.
 */
export interface PipelineSource extends IEventSource {
  /** As the pipeline's source has it. */
  readonly connector: 'kinesis' | 'kafka'
  /** What it is bound to, where its logical name is `name`. Plain data of the function's environment. */
  bindingOf(name: string): SourceBinding
  /** What its mapping's poller may do, with the function's role. `scope` and `name` are those of the mapping. */
  pollStatements(scope: Construct, name: string): PolicyStatement[]
  /** What a function may do that asks it for its splits (invariants 5, 6). */
  inspectStatements(scope: Construct, name: string): PolicyStatement[]
  /**
   * The mapping of the source `name`. A group of consumers is called by both: `scope` is the pipeline, or its run.
   * What the source itself says wins over `defaults`.
   */
  mappingOf(scope: Construct, name: string, defaults?: MappingDefaults): EventSourceMappingOptions
  /** Shards of a stream that has a fixed number of them, as far as it is known. */
  readonly shards?: number | undefined
  /** Whether its mapping takes partial answers. */
  readonly takesPartialAnswers: boolean
  readonly network?: Network | undefined
  /** The longest timeout of a function that its mapping invokes, seconds. */
  readonly timeoutSMax: number
}
