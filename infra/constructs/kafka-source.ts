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
   * `host:port` of some brokers, from which the functions read the topic's partitions. An array, or text joined by
   * commas, as AWS returns it.
   */
  readonly bootstrapServers: readonly string[] | string
  /** The name of the topic. @default - the source's logical name */
  readonly topic?: string
  /**
   * The consumer group of the mapping. An existing group continues from its committed offsets, regardless of
   * startingPosition.
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

/** Kafka mappings accept 200 characters; the rest is for the prefix and separators. */
const GROUP_LENGTH_MAX = 180

/** The common part of all Kafka sources; each kind has its own way to log in. */
export abstract class KafkaSource implements PipelineSource {
  readonly connector = 'kafka'
  /** A function of a Kafka mapping may run for 14 minutes, not 15. */
  readonly timeoutSMax = 840
  abstract readonly network: Network | undefined
  protected readonly props: KafkaSourceProps
  /** The name of the source in messages. */
  protected readonly where: string
  protected abstract readonly secrets: readonly ISecret[]

  /** `ports` are the ports at which the brokers accept the given kind of login, if it has its own. */
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
  /** The cluster of the mapping: an ARN, or the addresses of brokers. */
  protected abstract origin(): Partial<EventSourceMappingOptions>
  protected abstract clusterStatements(): PolicyStatement[]

  /**
   * The topic and the brokers; subclasses add references to secrets. A list token becomes text, because serializing it
   * as a JSON list would need a custom resource.
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
   * The consumer group, unique among all mappings: two mappings of one group would share a topic's partitions, and each
   * would miss the other's records.
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
        // The ARN of a secret that is only known by its name ends in six more, unknown characters.
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
      // Only provisioned pollers support retries, bisecting and partial batch responses. Without them, any failure
      // repeats the batch until it is done.
      ...(props.provisionedPollers !== undefined && {
        provisionedPollerConfig: props.provisionedPollers,
        ...REPEATED,
      }),
    }
  }

  /** Adds the source as an event source of a function outside of a pipeline. */
  bind(target: IFunction): void {
    const { topic } = this.props
    if (topic === undefined)
      throw new ConfigError(
        'unbound-source',
        'A Kafka source that is bound outside of a pipeline needs a topic. Give { topic }.',
      )
    for (const statement of this.pollStatements(target, topic)) target.addToRolePolicy(statement)
    // A construct's id has to be known before deployment.
    const id = Token.isUnresolved(topic) ? '' : topic
    target.addEventSourceMapping(`Kafka${Names.nodeUniqueId(target.node)}${id}`, this.mappingOf(target, topic))
  }
}

/** Refuses a login of an unknown kind, or one without its secret: it would have no effect. */
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
  refuse(
    where,
    'credentials.secret',
    'not given',
    `A login of the kind ${credentials.kind} needs a secret.`,
    'Give one.',
  )
}

/** MSK supports SASL/SCRAM with SHA-512. Both names are accepted for both kinds of cluster. */
export const SCRAM = ['scram', 'scram-sha-512'] as const

/** Brokers only accept connections that their security groups allow, so at least one security group is required. */
export function checkNetwork(where: string, network: Network | undefined): void {
  checkOptions(`${where}: network`, network, { vpc: true, vpcSubnets: true, securityGroups: true })
  const fix = 'Give a VPC that is defined in the app, or Vpc.fromLookup(scope, id, { vpcId }).'
  if (network !== undefined) checkResource(where, 'network.vpc', network.vpc ?? null, 'vpcId', fix)
  if ((network?.securityGroups ?? []).length > 0) return
  refuse(
    where,
    network === undefined ? 'network' : 'network.securityGroups',
    'not given',
    'Brokers in a VPC only accept connections that their security groups allow. The functions use the given security groups, and so does a mapping of a self-managed cluster.',
    network === undefined ? 'Give { vpc, securityGroups }.' : 'Give a security group that the brokers allow.',
  )
}

/**
 * The actions on network interfaces that a mapping's poller, or a function in a VPC, needs. EC2 does not support
 * resource-level permissions for them.
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

/** The further actions that a poller needs in the network of its brokers. */
export const POLLER_NETWORK_ACTIONS = ['ec2:DescribeSecurityGroups', 'ec2:DescribeSubnets', 'ec2:DescribeVpcs'] as const
