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

/** The options of each function of a pipeline. */
export interface FunctionOptions {
  /**
   * MB, 128 to 10,240. At 1,769 MB a function has one whole CPU. More CPUs do not help a single thread.
   * @default 1769
   */
  readonly memorySize?: number
  /** @default - 60 seconds for ingest and advance, 5 minutes for tick */
  readonly timeout?: Duration
  /**
   * The most concurrent executions, reserved from the account's limit. No invariant requires it.
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
  /** Packages that Millrace never loads in this function. */
  readonly absent: readonly string[]
  /** Files and folders that are copied next to the handler. */
  readonly assets: readonly string[]
}

/** A function of a pipeline: bundled without Docker, on ARM, with its own role and log group. */
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
      // The invokers retry: the schedule a minute later, a mapping until the batch is done.
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

  /** The bundle, or a placeholder if this stack does not need bundling (`cdk list`, a test of the template). */
  private code({ entry, absent, assets }: PipelineFunctionProps): Code {
    if (!Stack.of(this).bundlingRequired)
      return Code.fromInline('exports.handler = () => { throw new Error("not bundled") }')
    if (!existsSync(entry))
      throw new ConfigError(
        'no-handler',
        `${this.node.path}: its file ${entry} does not exist. Give functions: the folder of ingest.ts, advance.ts and tick.ts, relative to the directory in which the CDK runs.`,
      )
    return Code.fromAsset(dirname(entry), {
      assetHashType: AssetHashType.OUTPUT,
      bundling: {
        // The image is never used, because the local bundling below always succeeds. The command distinguishes the
        // bundles of one folder.
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
   * Loads the bundle once, and warns of files or modules that may be missing at run time. The warnings are attached to
   * the pipeline, because all functions contain its code.
   */
  private look(entry: string, bundle: Bundle, hasAssets: boolean): void {
    const warnings = Annotations.of(this.node.scope ?? this)
    for (const doubt of doubts(bundle.metafile.inputs, hasAssets)) warnings.addWarningV2('millrace:files', doubt)
    const unknown = checkLoads(entry, bundle)
    if (unknown !== undefined) warnings.addWarningV2('millrace:load', unknown)
  }
}
