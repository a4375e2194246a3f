import { Fn, Token } from 'aws-cdk-lib'
import { PolicyStatement } from 'aws-cdk-lib/aws-iam'
import {
  type EventSourceMappingOptions,
  type SourceAccessConfiguration,
  SourceAccessConfigurationType,
} from 'aws-cdk-lib/aws-lambda'
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager'
import type { Construct } from 'constructs'
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
  SCRAM,
} from './kafka-source.js'
import { checkFlag, checkRegion, type MappingDefaults } from './mapping-rules.js'
import { refuse } from './refuse.js'
import type { Network } from './source.js'

export type MskCredentials =
  | { readonly kind: 'iam' }
  | { readonly kind: 'scram' | 'scram-sha-512' | 'certificate'; readonly secret: ISecret }

export interface MskSourceProps extends KafkaSourceProps {
  readonly clusterArn: string
  /** The network of the brokers. The mapping's pollers are in it anyway; the functions are placed in it. */
  readonly network: Network
  /**
   * `iam` for MSK's IAM access control with the functions' own roles; or a secret with `username` and `password`
   * (SASL/SCRAM, whose name begins with AmazonMSK_), or with `certificate` and `privateKey` (mutual TLS).
   * @default - the cluster accepts connections without a login
   */
  readonly credentials?: MskCredentials
  /**
   * Whether to connect to the brokers with TLS. This is MSK's default, on ports 9094, 9096 and 9098.
   * @default true
   */
  readonly tls?: boolean
}

const OPTIONS: OptionNames<MskSourceProps> = {
  ...KAFKA_OPTIONS,
  clusterArn: true,
  network: true,
  credentials: true,
  tls: true,
}
const CLUSTER = /^arn:[^:]+:kafka:[^:]*:[^:]*:(cluster|vpc-connection)\/.+$/
/** The ports of each kind of login: within the VPC, and from outside. */
const PORTS = {
  iam: [9098, 9198],
  scram: [9096, 9196],
  'scram-sha-512': [9096, 9196],
  certificate: [9094, 9194],
} as const

/**
 * A topic of a cluster of Amazon MSK.
 * @example new MskSource({ clusterArn, bootstrapServers: ['b-1.orders.abc.c2.kafka.eu-west-1.amazonaws.com:9098'], network, credentials: { kind: 'iam' } })
 */
export class MskSource extends KafkaSource {
  readonly network: Network
  protected readonly secrets: readonly ISecret[]
  private readonly msk: MskSourceProps

  constructor(props: MskSourceProps) {
    const where = `MskSource of ${props.topic ?? props.clusterArn}`
    const { credentials } = props
    checkOptions(where, props, OPTIONS)
    checkLogin(where, credentials, Object.keys(PORTS))
    super(where, props, credentials && PORTS[credentials.kind])
    if (!Token.isUnresolved(props.clusterArn) && !CLUSTER.test(props.clusterArn))
      refuse(
        where,
        'clusterArn',
        props.clusterArn,
        'An MSK cluster is given by its ARN, arn:aws:kafka:REGION:ACCOUNT:cluster/NAME/UUID.',
        'Give the ARN that "aws kafka list-clusters-v2" prints.',
      )
    checkFlag(where, 'tls', props.tls)
    const secret = credentials !== undefined && 'secret' in credentials ? credentials.secret : undefined
    if (isScram(credentials) && secret?.encryptionKey === undefined)
      refuse(
        where,
        'credentials.secret.encryptionKey',
        'not known',
        'MSK only accepts secrets that are encrypted with a customer managed key, and reading such a secret needs that key.',
        'Give Secret.fromSecretAttributes(scope, id, { secretCompleteArn, encryptionKey }).',
      )
    if (credentials !== undefined && props.tls === false)
      refuse(
        where,
        'tls',
        false,
        `MSK does not accept a login without TLS, and credentials of the kind ${credentials.kind} are given.`,
        "Leave tls out, and give the brokers' addresses with port 9098 for iam, 9096 for scram, 9094 for certificate.",
      )
    checkNetwork(where, props.network)
    this.msk = props
    this.network = props.network
    this.secrets = secret === undefined ? [] : [secret]
  }

  bindingOf(name: string): SourceBinding {
    const { credentials } = this.msk
    const { clusterArn: cluster, tls } = this.msk
    const connection = { ...this.connectionOf(name), cluster, ...(tls !== false && { tls: true }) }
    if (credentials === undefined) return connection
    if (credentials.kind === 'iam') return { ...connection, mechanism: 'aws-msk-iam' }
    return {
      ...connection,
      credentials: credentials.secret.secretArn,
      ...(isScram(credentials) && { mechanism: 'scram-sha-512' as const }),
    }
  }

  override mappingOf(scope: Construct, name: string, defaults?: MappingDefaults): EventSourceMappingOptions {
    checkRegion(scope, this.where, 'clusterArn', this.msk.clusterArn)
    return super.mappingOf(scope, name, defaults)
  }

  override inspectStatements(scope: Construct, name: string): PolicyStatement[] {
    return [
      ...super.inspectStatements(scope, name),
      ...this.iam(['kafka-cluster:Connect'], () => this.msk.clusterArn),
      ...this.iam(
        ['kafka-cluster:DescribeTopic', 'kafka-cluster:DescribeTopicDynamicConfiguration', 'kafka-cluster:ReadData'],
        () => this.arnOf('topic', this.topicOf(name)),
      ),
    ]
  }

  override pollStatements(scope: Construct, name: string): PolicyStatement[] {
    return [
      ...super.pollStatements(scope, name),
      ...this.iam(['kafka-cluster:DescribeClusterDynamicConfiguration'], () => this.msk.clusterArn),
      ...this.iam(['kafka-cluster:AlterGroup', 'kafka-cluster:DescribeGroup'], () =>
        this.arnOf('group', this.groupOf(scope, name)),
      ),
    ]
  }

  protected accessConfigurations(): SourceAccessConfiguration[] {
    const { credentials } = this.msk
    // A mapping of a cluster with IAM access control uses IAM if no secret is given.
    if (credentials === undefined || credentials.kind === 'iam') return []
    const { SASL_SCRAM_512_AUTH, CLIENT_CERTIFICATE_TLS_AUTH } = SourceAccessConfigurationType
    const type = isScram(credentials) ? SASL_SCRAM_512_AUTH : CLIENT_CERTIFICATE_TLS_AUTH
    return [{ type, uri: credentials.secret.secretArn }]
  }

  protected origin(): Partial<EventSourceMappingOptions> {
    return { eventSourceArn: this.msk.clusterArn }
  }

  protected clusterStatements(): PolicyStatement[] {
    return [
      new PolicyStatement({
        actions: [
          'kafka:DescribeCluster',
          'kafka:DescribeClusterV2',
          'kafka:GetBootstrapBrokers',
          ...(isScram(this.msk.credentials) ? ['kafka:ListScramSecrets'] : []),
        ],
        resources: [this.msk.clusterArn],
      }),
      networkStatement(POLLER_NETWORK_ACTIONS),
    ]
  }

  /** The actions of the cluster that IAM access control requires. */
  private iam(actions: string[], resource: () => string): PolicyStatement[] {
    return this.msk.credentials?.kind === 'iam' ? [new PolicyStatement({ actions, resources: [resource()] })] : []
  }

  /** The ARN of a topic or a group of the cluster in IAM: `arn:…:topic/CLUSTER/UUID/NAME`. */
  private arnOf(kind: 'topic' | 'group', name: string): string {
    const parts = Fn.split(':cluster/', this.msk.clusterArn, 2)
    return `${Fn.select(0, parts)}:${kind}/${Fn.select(1, parts)}/${name}`
  }
}

const isScram = (credentials: MskCredentials | undefined): boolean =>
  credentials !== undefined && (SCRAM as readonly string[]).includes(credentials.kind)
