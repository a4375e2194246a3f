import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import { Annotations, AssetHashType, DockerImage, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib'
import { type PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import {
  ApplicationLogLevel,
  Architecture,
  Code,
  Function as LambdaFunction,
  LoggingFormat,
  Runtime,
  SystemLogLevel,
} from 'aws-cdk-lib/aws-lambda'
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs'
import { Construct } from 'constructs'
import { ConfigError } from '../../lib/base/index.js'
import { MEMORY_MB } from '../../lib/cost/index.js'
import { acknowledge } from './acknowledged.js'
import { type Bundle, bundleHandler } from './bundle.js'
import { networkStatement } from './kafka-source.js'
import { checkLoads } from './load-check.js'
import type { Network } from './source.js'
import { merged } from './statements.js'
import { doubts } from './user-code.js'

/** What all functions of a pipeline may be given. */
export interface FunctionOptions {
  /**
   * MB, 128 to 10,240. At 1,769 a function has one whole CPU, and more than one does not help one thread.
   * @default 1769
   */
  readonly memorySize?: number
  /** @default - 60 seconds for ingest and advance, 5 minutes for tick */
  readonly timeout?: Duration
  /**
   * The most that run at once, taken out of the account's. No invariant needs it.
   * @default - as many as the account allows
   */
  readonly reservedConcurrentExecutions?: number
  /** @default RetentionDays.ONE_MONTH */
  readonly logRetention?: RetentionDays
}

export interface PipelineFunctionProps extends FunctionOptions {
  /** The file whose export `handler` is the handler. */
  readonly entry: string
  readonly timeout: Duration
  readonly description: string
  readonly environment: Readonly<Record<string, string>>
  readonly statements: readonly PolicyStatement[]
  readonly network: Network | undefined
  /** Packages that Millrace never loads in it. */
  readonly absent: readonly string[]
  /** What is copied beside the handler. */
  readonly assets: readonly string[]
}

/** A function of a pipeline: bundled without Docker, on ARM, with a role and a group of logs of its own. */
export class PipelineFunction extends Construct {
  readonly function: LambdaFunction
  readonly role: Role
  readonly logGroup: LogGroup

  constructor(scope: Construct, id: string, props: PipelineFunctionProps) {
    super(scope, id)
    const { network } = props
    this.logGroup = new LogGroup(this, 'Logs', {
      retention: props.logRetention ?? RetentionDays.ONE_MONTH,
      removalPolicy: RemovalPolicy.DESTROY,
    })
    this.role = new Role(this, 'Role', {
      assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
      description: props.description,
    })
    this.logGroup.grantWrite(this.role)
    if (network !== undefined)
      this.role.addToPolicy(
        networkStatement(['ec2:AssignPrivateIpAddresses', 'ec2:UnassignPrivateIpAddresses', 'ec2:DescribeSubnets']),
      )
    for (const statement of merged(props.statements)) this.role.addToPolicy(statement)
    this.function = new LambdaFunction(this, 'Function', {
      description: props.description,
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      handler: 'index.handler',
      code: this.code(props),
      role: this.role,
      memorySize: props.memorySize ?? MEMORY_MB,
      timeout: props.timeout,
      // Whoever invokes it does so again: the schedule a minute later, a mapping until it is done.
      retryAttempts: 0,
      maxEventAge: Duration.minutes(1),
      environment: { ...props.environment },
      logGroup: this.logGroup,
      loggingFormat: LoggingFormat.JSON,
      applicationLogLevelV2: ApplicationLogLevel.INFO,
      systemLogLevelV2: SystemLogLevel.WARN,
      ...(props.reservedConcurrentExecutions !== undefined && {
        reservedConcurrentExecutions: props.reservedConcurrentExecutions,
      }),
      ...(network !== undefined && {
        vpc: network.vpc,
        ...(network.vpcSubnets && { vpcSubnets: network.vpcSubnets }),
        ...(network.securityGroups && { securityGroups: [...network.securityGroups] }),
      }),
    })
    acknowledge(this, 'Serverless-LambdaDLQ', 'Serverless-LambdaAsyncFailureDestination', 'Serverless-LambdaTracing')
    acknowledge(this.role, 'AwsSolutions-IAM5[Resource::*]')
  }

  /** The bundle; where this stack is not to be bundled (`cdk list`, a test of the template) a stand-in. */
  private code({ entry, absent, assets }: PipelineFunctionProps): Code {
    if (!Stack.of(this).bundlingRequired)
      return Code.fromInline('exports.handler = () => { throw new Error("not bundled") }')
    if (!existsSync(entry))
      throw new ConfigError(
        'no-handler',
        `${this.node.path}: its file ${entry} is not there. Give functions: the folder of ingest.ts, advance.ts and tick.ts, from where the CDK runs.`,
      )
    return Code.fromAsset(dirname(entry), {
      assetHashType: AssetHashType.OUTPUT,
      bundling: {
        // Never asked for: what follows does it all. The command tells bundles of one folder apart.
        image: DockerImage.fromRegistry('none'),
        command: ['esbuild', entry, ...absent, ...assets],
        local: {
          tryBundle: (directory) => {
            this.look(entry, bundleHandler(entry, { absent, assets }, directory), assets.length > 0)
            return true
          },
        },
      },
    })
  }

  /**
   * Loads the bundle once, and says what may be missing once it runs. Of the whole pipeline: all functions have its
   * code.
   */
  private look(entry: string, bundle: Bundle, hasAssets: boolean): void {
    const warnings = Annotations.of(this.node.scope ?? this)
    for (const doubt of doubts(bundle.metafile.inputs, hasAssets)) warnings.addWarningV2('millrace:files', doubt)
    const unknown = checkLoads(entry, bundle)
    if (unknown !== undefined) warnings.addWarningV2('millrace:load', unknown)
  }
}
