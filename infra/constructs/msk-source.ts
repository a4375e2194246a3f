import { PolicyStatement } from 'aws-cdk-lib/aws-iam'
import {
  type EventSourceMappingOptions,
  type SourceAccessConfiguration,
  SourceAccessConfigurationType,
} from 'aws-cdk-lib/aws-lambda'
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager'
import type { SourceBinding } from '../../lib/lambda/index.js'
import {
  checkNetwork,
  KafkaSource,
  type KafkaSourceProps,
  networkStatement,
  POLLER_NETWORK_ACTIONS,
} from './kafka-source.js'
import { refuse } from './mapping-rules.js'
import type { Network } from './source.js'

export interface MskSourceProps extends KafkaSourceProps {
  readonly clusterArn: string
  /** The network of the brokers: the mapping's pollers are in it by themselves, the functions are put there. */
  readonly network: Network
  /**
   * A secret with `username` and `password` (SASL/SCRAM, whose name begins with AmazonMSK_), or with `certificate` and `privateKey` (mutual TLS).
   * @default - the cluster takes whoever reaches it
   */
  readonly credentials?: { readonly kind: 'scram' | 'certificate'; readonly secret: ISecret }
  /**
   * Whether brokers are reached by TLS: MSK's default, ports 9094 and 9096.
   * @default true
   */
  readonly tls?: boolean
}

/**
 * A topic of a cluster of Amazon MSK.
 * @example new MskSource({ clusterArn, bootstrapServers: ['b-1.orders.abc.kafka.eu-west-1.amazonaws.com:9096'], network: { vpc }, credentials: { kind: 'scram', secret } })
 */
export class MskSource extends KafkaSource {
  readonly network: Network
  protected readonly secrets: readonly ISecret[]
  private readonly msk: MskSourceProps

  constructor(props: MskSourceProps) {
    const where = `MskSource of ${props.topic ?? props.clusterArn}`
    super(where, props)
    if (props.credentials?.kind === 'scram' && props.credentials.secret.encryptionKey === undefined)
      refuse(
        where,
        'credentials.secret.encryptionKey',
        'not known',
        "MSK takes logins from secrets of a customer's key alone, and whoever reads one needs that key.",
        'Give Secret.fromSecretAttributes(scope, id, { secretCompleteArn, encryptionKey }).',
      )
    checkNetwork(where, props.network)
    this.msk = props
    this.network = props.network
    this.secrets = props.credentials === undefined ? [] : [props.credentials.secret]
  }

  bindingOf(name: string): SourceBinding {
    const { credentials } = this.msk
    return {
      ...this.connectionOf(name),
      // MSK logs nobody in over plain text.
      ...((credentials !== undefined || this.msk.tls !== false) && { tls: true }),
      ...(credentials !== undefined && { credentials: credentials.secret.secretArn }),
      ...(credentials?.kind === 'scram' && { mechanism: 'scram-sha-512' as const }),
    }
  }

  protected accessConfigurations(): SourceAccessConfiguration[] {
    const { credentials } = this.msk
    if (credentials === undefined) return []
    const { SASL_SCRAM_512_AUTH, CLIENT_CERTIFICATE_TLS_AUTH } = SourceAccessConfigurationType
    const type = credentials.kind === 'scram' ? SASL_SCRAM_512_AUTH : CLIENT_CERTIFICATE_TLS_AUTH
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
          'kafka:ListScramSecrets',
        ],
        resources: [this.msk.clusterArn],
      }),
      networkStatement(POLLER_NETWORK_ACTIONS),
    ]
  }
}
