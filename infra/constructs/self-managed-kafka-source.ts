import type { PolicyStatement } from 'aws-cdk-lib/aws-iam'
import {
  type EventSourceMappingOptions,
  type SourceAccessConfiguration,
  SourceAccessConfigurationType,
} from 'aws-cdk-lib/aws-lambda'
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager'
import { checkOptions, type OptionNames } from '../../lib/base/index.js'
import type { SourceBinding } from '../../lib/lambda/index.js'
import {
  checkLogin,
  checkNetwork,
  KAFKA_OPTIONS,
  KafkaSource,
  type KafkaSourceProps,
  networkStatement,
  POLLER_NETWORK_ACTIONS,
} from './kafka-source.js'
import { checkResource } from './kinds.js'
import { refuse } from './refuse.js'
import type { Network } from './source.js'

export interface SelfManagedKafkaSourceProps extends KafkaSourceProps {
  /**
   * The network of the brokers, with security groups that can reach them.
   * @default - the brokers are reached over the internet, which requires credentials
   */
  readonly network?: Network
  /**
   * How to log in: a secret with `username` and `password` (`scram` is SHA-512), or with `certificate` and `privateKey`
   * (mutual TLS). The secret is only given by its ARN.
   * @default - the brokers accept connections without a login
   */
  readonly credentials?: {
    readonly kind: 'plain' | 'scram' | 'scram-sha-256' | 'scram-sha-512' | 'certificate'
    readonly secret: ISecret
  }
  /** A secret with the `certificate` of the authority that signed the brokers' certificates. */
  readonly rootCa?: ISecret
}

const OPTIONS: OptionNames<SelfManagedKafkaSourceProps> = {
  ...KAFKA_OPTIONS,
  network: true,
  credentials: true,
  rootCa: true,
}

/**
 * A topic of a self-managed Kafka cluster, or of another vendor's.
 * @example new SelfManagedKafkaSource({ bootstrapServers: ['kafka.example.com:9096'], credentials: { kind: 'scram-sha-512', secret } })
 */
export class SelfManagedKafkaSource extends KafkaSource {
  readonly network: Network | undefined
  protected readonly secrets: readonly ISecret[]
  private readonly own: SelfManagedKafkaSourceProps

  constructor(props: SelfManagedKafkaSourceProps) {
    const { topic, bootstrapServers } = props
    const where = `SelfManagedKafkaSource of ${topic ?? [bootstrapServers].flat()[0] ?? 'no broker'}`
    checkOptions(where, props, OPTIONS)
    checkLogin(where, props.credentials, Object.keys(LOGINS))
    super(where, props)
    const fix = 'Give Secret.fromSecretCompleteArn(scope, id, arn), for example.'
    checkResource(where, 'rootCa', props.rootCa, 'secretArn', fix)
    if (props.network === undefined && props.credentials === undefined)
      refuse(
        where,
        'credentials',
        'not given',
        'A cluster that is reached over the internet requires credentials.',
        'Give credentials, or the network of the brokers.',
      )
    if (props.network !== undefined) checkNetwork(where, props.network)
    this.own = props
    this.network = props.network
    this.secrets = [props.credentials?.secret, props.rootCa].filter((secret) => secret !== undefined)
  }

  bindingOf(name: string): SourceBinding {
    const { credentials, rootCa } = this.own
    return {
      ...this.connectionOf(name),
      ...(credentials !== undefined && { credentials: credentials.secret.secretArn, tls: true }),
      ...(credentials !== undefined &&
        credentials.kind !== 'certificate' && {
          mechanism: credentials.kind === 'scram' ? 'scram-sha-512' : credentials.kind,
        }),
      ...(rootCa !== undefined && { rootCa: rootCa.secretArn }),
    }
  }

  protected accessConfigurations(): SourceAccessConfiguration[] {
    const { credentials, rootCa, network } = this.own
    const { VPC_SUBNET, VPC_SECURITY_GROUP, SERVER_ROOT_CA_CERTIFICATE } = SourceAccessConfigurationType
    const subnets = network?.vpc.selectSubnets(network.vpcSubnets).subnetIds ?? []
    return [
      ...subnets.map((id) => ({ type: VPC_SUBNET, uri: `subnet:${id}` })),
      ...(network?.securityGroups ?? []).map(({ securityGroupId }) => ({
        type: VPC_SECURITY_GROUP,
        uri: `security_group:${securityGroupId}`,
      })),
      ...(credentials === undefined ? [] : [{ type: LOGINS[credentials.kind], uri: credentials.secret.secretArn }]),
      ...(rootCa === undefined ? [] : [{ type: SERVER_ROOT_CA_CERTIFICATE, uri: rootCa.secretArn }]),
    ]
  }

  protected origin(): Partial<EventSourceMappingOptions> {
    return { kafkaBootstrapServers: this.addresses }
  }

  protected clusterStatements(): PolicyStatement[] {
    return this.network === undefined ? [] : [networkStatement(POLLER_NETWORK_ACTIONS)]
  }
}

const LOGINS = {
  plain: SourceAccessConfigurationType.BASIC_AUTH,
  scram: SourceAccessConfigurationType.SASL_SCRAM_512_AUTH,
  'scram-sha-256': SourceAccessConfigurationType.SASL_SCRAM_256_AUTH,
  'scram-sha-512': SourceAccessConfigurationType.SASL_SCRAM_512_AUTH,
  certificate: SourceAccessConfigurationType.CLIENT_CERTIFICATE_TLS_AUTH,
} as const
