import { Fn, Names, Token } from 'aws-cdk-lib'
import { PolicyStatement } from 'aws-cdk-lib/aws-iam'
import type { EventSourceMappingOptions, IFunction, SourceAccessConfiguration } from 'aws-cdk-lib/aws-lambda'
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager'
import type { Construct } from 'constructs'
import { ConfigError, checkOptions, type OptionNames } from '../../lib/base/index.js'
import type { SourceBinding } from '../../lib/lambda/index.js'
import {
  addressesOf,
  checkBrokers,
  checkKafkaMapping,
  KAFKA_MAPPING_OPTIONS,
  type KafkaMappingOptions,
} from './kafka-rules.js'
import { keyStatements } from './keys.js'
import { checkResource, checkWord } from './kinds.js'
import { checkRegion, type MappingDefaults, REPEATED, settledMapping } from './mapping-rules.js'
import { refuse } from './refuse.js'
import type { Network, PipelineSource } from './source.js'

export interface KafkaSourceProps extends KafkaMappingOptions {
  /**
   * `host:port` of some brokers: what the functions ask for the topic's partitions. An array, or text joined by commas,
   * as AWS gives it.
   */
  readonly bootstrapServers: readonly string[] | string
  /**
   * The topic.
   * @default - the source's logical name
   */
  readonly topic?: string
  /**
   * The group of consumers of the mapping. One that existed before goes on where it was, whatever startingPosition
   * says.
   * @default - named after the pipeline's place in the stack, its run and the source
   */
  readonly consumerGroupId?: string
}

/** All names of `KafkaSourceProps`. */
export const KAFKA_OPTIONS: OptionNames<KafkaSourceProps> = {
  ...KAFKA_MAPPING_OPTIONS,
  bootstrapServers: true,
  topic: true,
  consumerGroupId: true,
}

/** Kafka mappings take 200; what is before and between is short. */
const GROUP_LENGTH_MAX = 180

/** What all Kafka sources have in common; how one logs in is its own. */
export abstract class KafkaSource implements PipelineSource {
  readonly connector = 'kafka'
  /** Lambda waits for a function of a Kafka mapping for 14 minutes, not 15. */
  readonly timeoutSMax = 840
  abstract readonly network: Network | undefined
  protected readonly props: KafkaSourceProps
  /** How messages call it. */
  protected readonly where: string
  protected abstract readonly secrets: readonly ISecret[]

  /** `ports`: those at which the brokers take the login that is given, where it has some of its own. */
  constructor(where: string, props: KafkaSourceProps, ports?: readonly number[]) {
    this.where = where
    checkKafkaMapping(where, props)
    checkBrokers(where, props.bootstrapServers, ports)
    this.props = props
  }

  get takesPartialAnswers(): boolean {
    return this.props.provisionedPollers !== undefined
  }

  abstract bindingOf(name: string): SourceBinding
  protected abstract accessConfigurations(): SourceAccessConfiguration[]
  /** Where the mapping finds its brokers: an ARN, or their addresses. */
  protected abstract origin(): Partial<EventSourceMappingOptions>
  protected abstract clusterStatements(): PolicyStatement[]

  /**
   * Topic and brokers; references of secrets come from who knows them. A list that is not known yet is text: JSON of a
   * list would take a function of the CDK's.
   */
  protected connectionOf(name: string): { readonly topic: string; readonly brokers: readonly string[] | string } {
    const { addresses } = this
    return { topic: this.topicOf(name), brokers: Token.isUnresolved(addresses) ? Fn.join(',', addresses) : addresses }
  }

  protected get addresses(): string[] {
    return addressesOf(this.props.bootstrapServers)
  }

  protected topicOf(name: string): string {
    return this.props.topic ?? name
  }

  /**
   * Unique among all mappings: two of one group would share a topic's partitions, and each miss the other's records.
   */
  protected groupOf(scope: Construct, name: string): string {
    if (this.props.consumerGroupId !== undefined) return this.props.consumerGroupId
    const id = Names.uniqueResourceName(scope, { maxLength: GROUP_LENGTH_MAX - name.length, separator: '-' })
    return `millrace-${id}-${name}`
  }

  inspectStatements(scope: Construct, _name: string): PolicyStatement[] {
    return this.secrets.flatMap((secret) => [
      new PolicyStatement({
        actions: ['secretsmanager:GetSecretValue'],
        // A secret that is known by its name alone has six characters more that nobody knows.
        resources: [secret.secretFullArn ?? `${secret.secretArn}-??????`],
      }),
      ...keyStatements(scope, secret.encryptionKey, 'secretsmanager', ['kms:Decrypt']),
    ])
  }

  pollStatements(scope: Construct, name: string): PolicyStatement[] {
    return [...this.inspectStatements(scope, name), ...this.clusterStatements()]
  }

  mappingOf(scope: Construct, name: string, defaults?: MappingDefaults): EventSourceMappingOptions {
    const { props } = this
    for (const { secretArn } of this.secrets) checkRegion(scope, this.where, 'secret', secretArn)
    const accessConfigurations = this.accessConfigurations()
    return {
      ...this.origin(),
      kafkaTopic: this.topicOf(name),
      kafkaConsumerGroupId: this.groupOf(scope, name),
      ...settledMapping(props, defaults),
      ...(accessConfigurations.length > 0 && { sourceAccessConfigurations: accessConfigurations }),
      // Only provisioned pollers take retries, bisecting and partial answers; without them any failure repeats the
      // batch until it is done.
      ...(props.provisionedPollers !== undefined && {
        provisionedPollerConfig: props.provisionedPollers,
        ...REPEATED,
      }),
    }
  }

  /** An event source of a function that is not a pipeline's. */
  bind(target: IFunction): void {
    const { topic } = this.props
    if (topic === undefined)
      throw new ConfigError('unbound-source', 'A Kafka source that is bound by itself needs its topic: give { topic }.')
    for (const statement of this.pollStatements(target, topic)) target.addToRolePolicy(statement)
    // The name of a construct is known before the stack is deployed.
    const id = Token.isUnresolved(topic) ? '' : topic
    target.addEventSourceMapping(`Kafka${Names.nodeUniqueId(target.node)}${id}`, this.mappingOf(target, topic))
  }
}

/** A login that nobody knows, or lacks its secret, would be none at all. */
export function checkLogin(
  where: string,
  credentials: { readonly kind: string; readonly secret?: ISecret } | undefined,
  kinds: readonly string[],
): void {
  if (credentials === undefined) return
  checkOptions(`${where}: credentials`, credentials, { kind: true, secret: true })
  checkWord(where, 'credentials.kind', credentials.kind, kinds)
  const fix = 'Give Secret.fromSecretCompleteArn(scope, id, arn), for example.'
  checkResource(where, 'credentials.secret', credentials.secret, 'secretArn', fix)
  if (credentials.kind === 'iam' || credentials.secret !== undefined) return
  refuse(where, 'credentials.secret', 'not given', `A login of the kind ${credentials.kind} is in one.`, 'Give it.')
}

/** SASL/SCRAM as MSK has it is that of SHA-512: either word is taken for both kinds of cluster. */
export const SCRAM = ['scram', 'scram-sha-512'] as const

/** Brokers let in whom their security groups name: without one nobody would get there. */
export function checkNetwork(where: string, network: Network | undefined): void {
  checkOptions(`${where}: network`, network, { vpc: true, vpcSubnets: true, securityGroups: true })
  const fix = 'Give one that is made in the app, or Vpc.fromLookup(scope, id, { vpcId }).'
  if (network !== undefined) checkResource(where, 'network.vpc', network.vpc ?? null, 'vpcId', fix)
  if ((network?.securityGroups ?? []).length > 0) return
  refuse(
    where,
    network === undefined ? 'network' : 'network.securityGroups',
    'not given',
    'Brokers in a VPC are reached by whom their security groups let in: the functions, and a mapping of a cluster of your own.',
    network === undefined ? 'Give { vpc, securityGroups }.' : 'Give one that the brokers let in.',
  )
}

/**
 * The actions on network interfaces that a mapping's poller, or a function in a VPC, needs. EC2 knows no resources for
 * them.
 */
export function networkStatement(actions: readonly string[] = []): PolicyStatement {
  return new PolicyStatement({
    actions: [
      'ec2:CreateNetworkInterface',
      'ec2:DeleteNetworkInterface',
      'ec2:DescribeNetworkInterfaces',
      ...actions,
    ].sort(),
    resources: ['*'],
  })
}

/** What a poller looks at besides, to be in the network of its brokers. */
export const POLLER_NETWORK_ACTIONS = ['ec2:DescribeSecurityGroups', 'ec2:DescribeSubnets', 'ec2:DescribeVpcs'] as const
