import { join } from 'node:path'
import { Annotations, CfnOutput, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib'
import type { ITable } from 'aws-cdk-lib/aws-dynamodb'
import type { PolicyStatement } from 'aws-cdk-lib/aws-iam'
import { EventSourceMapping } from 'aws-cdk-lib/aws-lambda'
import { Construct } from 'constructs'
import { GROUPS_AT_ONCE, runPrefix } from '../../lib/base/index.js'
import { VARIABLES } from '../../lib/lambda/environment.js'
import { adviceOf, fingerprint, manifest, type Pipeline, type Plan, plan } from '../../lib/pipeline/index.js'
import { acknowledge } from './acknowledged.js'
import { AdvanceQueue } from './advance-queue.js'
import {
  checkEnvironment,
  checkSinks,
  checkSources,
  claimMapping,
  type SinkTarget,
  type Sources,
  sourcesVariable,
  takesRows,
} from './bindings.js'
import { claim } from './claims.js'
import { checkLock } from './lock.js'
import { networkOf, warnOfBuckets } from './network.js'
import { type AlarmOptions, PipelineAlarms } from './pipeline-alarms.js'
import { PipelineDashboard } from './pipeline-dashboard.js'
import { type FunctionOptions, PipelineFunction } from './pipeline-function.js'
import { PipelineMetrics } from './pipeline-metrics.js'
import { type Defaults, defaultsFor, type Expected, reportPrice } from './price.js'
import { checkProps } from './props.js'
import { refuse } from './refuse.js'
import { allowLetters, type BoundSink, bindSinks } from './sinks.js'
import { StateTable } from './state-table.js'
import { stateStatements } from './tables.js'
import { Tick } from './tick.js'

export interface StreamPipelineProps {
  /** The pipeline that its file exports. */
  readonly pipeline: Pipeline
  /**
   * The folder of the handlers: `ingest.ts`, `advance.ts` and `tick.ts`, each exporting `handler`.
   * @default 'functions'
   */
  readonly functions?: string
  /**
   * Files and folders that the code reads. They are copied next to the handler, each under its own name: with
   * `['data/zones.json']` the code reads `new URL('./zones.json', import.meta.url)`.
   * @default []
   */
  readonly assets?: readonly string[]
  /** The stream or topic of each source, by its logical name. */
  readonly sources: Sources
  /**
   * The tables of sinks, or a bucket for rejected records, by logical name. If it is not given, a `dynamodbTable` gets
   * a new table, and the dead letter a new bucket. File sinks have to be given.
   * @default {}
   */
  readonly sinks?: Readonly<Record<string, SinkTarget>>
  /** The state table, which several pipelines may share. @default - a new StateTable */
  readonly state?: ITable
  /**
   * What happens to the tables and the bucket that it creates when the stack is deleted. A bucket that holds dead
   * letters is always retained, because CloudFormation only deletes empty buckets.
   * @default RemovalPolicy.RETAIN
   */
  readonly removalPolicy?: RemovalPolicy
  readonly ingest?: FunctionOptions
  readonly advance?: FunctionOptions
  readonly tick?: FunctionOptions & { readonly every?: Duration }
  /**
   * Whether ingest uses a queue to pass on windows that it has no time to close. Without a queue, the next tick closes
   * them, up to a minute later. @default - true if an operator has more key groups than one invocation advances at a
   * time
   */
  readonly advanceQueue?: boolean
  /** The thresholds and actions of the alarms; false for no alarms. @default - alarms without actions */
  readonly alarms?: AlarmOptions | false
  /** @default true */
  readonly dashboard?: boolean
  /**
   * False pauses the pipeline: nothing is read, event time does not advance, and no state expires. Mappings keep their
   * positions.
   * @default true
   */
  readonly enabled?: boolean
  /**
   * The number of the run. A restore or a replay opens a new run.
   * @default 1
   */
  readonly run?: number
  /**
   * A file that holds the deployed graph. Commit it. The first synthesis creates it. From then on, synthesis refuses a
   * graph that the deployed state does not match, and reports the change. @default - only the running functions check
   * the graph
   */
  readonly lockFile?: string
  /**
   * The expected load. `cdk synth` then reports the cost per month. With a `latency`, the stack also gets the cheapest
   * settings for it (see `millrace cost --latency`), except for settings that it sets itself. The number of key groups
   * belongs to the pipeline and does not change.
   */
  readonly expected?: Expected
}

const TIMEOUT_S = { ingest: 60, advance: 60, tick: 300 } as const
const TIMEOUT_S_MAX = 900
/** Packages that are left out of the bundles if the pipeline does not need them. */
const CLIENTS = {
  kinesis: ['@aws-sdk/client-kinesis'],
  kafka: ['kafkajs'],
  secrets: ['@aws-sdk/client-secrets-manager'],
  queue: ['@aws-sdk/client-sqs'],
  bucket: ['@aws-sdk/client-s3'],
  // A file of Millrace, which needs the SDK's signer.
  iam: ['./msk-iam.js'],
} as const

/**
 * A deployed pipeline: its functions, mappings, state, tables and schedule. It reads the pipeline's plan, and refuses
 * settings that would break one of the invariants.
 * @example
 * new StreamPipeline(this, 'Revenue', {
 *   pipeline,
 *   sources: { orders: new KinesisSource(new Stream(this, 'Orders')) },
 * })
 */
export class StreamPipeline extends Construct {
  readonly ingest: PipelineFunction
  readonly advance: PipelineFunction
  readonly tick: PipelineFunction
  readonly state: ITable
  /** Tables by the sink's logical name. */
  readonly tables: Readonly<Record<string, ITable>>
  readonly mappings: Readonly<Record<string, EventSourceMapping>>
  readonly queue: AdvanceQueue | undefined
  private readonly props: StreamPipelineProps
  private readonly plan: Plan
  private readonly defaults: Defaults
  private readonly sinks: Readonly<Record<string, BoundSink>>

  constructor(scope: Construct, id: string, props: StreamPipelineProps) {
    super(scope, id)
    checkProps(this.node.path, props)
    const { pipeline, sources, run = 1 } = props
    this.props = props
    this.plan = plan(pipeline)
    for (const { code, text } of adviceOf(this.plan)) Annotations.of(this).addWarningV2(`millrace:${code}`, text)
    const writeLock = props.lockFile === undefined ? undefined : checkLock(props.lockFile, this.plan, run)
    checkSources(this, this.plan, sources)
    checkSinks(this.node.path, this.plan, props.sinks ?? {})
    this.defaults = defaultsFor(this, this.plan, props)
    const removalPolicy = props.removalPolicy ?? RemovalPolicy.RETAIN
    this.state = props.state ?? new StateTable(this, 'State', { removalPolicy }).table
    const folder = (sink: string): string => `${this.deployment}/${sink}/${run > 1 ? `run-${run}/` : ''}`
    this.claimState(run)
    this.sinks = bindSinks(this, { plan: this.plan, targets: props.sinks ?? {}, removalPolicy, folder })
    this.tables = Object.fromEntries(
      Object.entries(this.sinks).flatMap(([name, { table }]) => (table ? [[name, table]] : [])),
    )
    this.queue = this.needsQueue() ? new AdvanceQueue(this, 'Queue', { timeout: this.timeoutOf('advance') }) : undefined
    const environment = this.environment()
    checkEnvironment(this, environment)
    const bound = Object.entries(sources)
    const networks = bound.flatMap(([, source]) => source.network ?? [])
    const network = networkOf(this.node.path, networks)
    if (network !== undefined && this.hasBucket()) warnOfBuckets(this, network)
    const common = { environment, network, absent: this.absent(), assets: props.assets ?? [] }
    const inspect = bound.flatMap(([name, source]) => source.inspectStatements(this, name))
    const poll = bound.flatMap(([name, source]) => source.pollStatements(this.runOf(name), name))
    const written = Object.values(this.sinks).flatMap(({ table, statements }) => (table ? statements : []))
    const hasKeyedState = this.plan.operators.some(({ logic }) => logic !== undefined)
    const prefix = runPrefix(pipeline.name, props.run ?? 1)
    const stored = [...stateStatements(this, this.state, prefix, hasKeyedState), ...written]
    const make = (name: keyof typeof TIMEOUT_S, does: string, statements: readonly PolicyStatement[]) =>
      new PipelineFunction(this, this.idOf(name), {
        ...common,
        ...(this.defaults.memorySize !== undefined && { memorySize: this.defaults.memorySize }),
        ...props[name],
        entry: join(props.functions ?? 'functions', `${name}.ts`),
        timeout: this.timeoutOf(name),
        description: `${pipeline.name}: ${does}`,
        statements: [...stored, ...statements],
      })
    const ask = this.queue?.sendStatements() ?? []
    this.ingest = make('ingest', 'counts the records of batches', [...poll, ...ask])
    this.advance = make('advance', 'closes windows that ingest had no time to close', [
      ...inspect,
      ...ask,
      ...(this.queue?.pollStatements() ?? []),
    ])
    this.tick = make('tick', 'lists splits, and closes windows that no record closes', [...inspect, ...ask])
    for (const { role } of [this.ingest, this.advance, this.tick]) allowLetters(role, this.sinks)
    this.queue?.invokes(this.advance.function, props.enabled !== false).node.addDependency(this.advance.role)
    this.mappings = this.map()
    new Tick(this, 'Schedule', {
      function: this.tick.function,
      every: props.tick?.every ?? this.defaults.every ?? Duration.minutes(1),
      ...(props.enabled === false && { enabled: false }),
    })
    this.watch()
    reportPrice(this, this.plan, props, this.defaults)
    this.node.addMetadata('millrace:manifest', manifest(this.plan))
    const output = (id: string, value: string, description: string) => new CfnOutput(this, id, { value, description })
    output('StateTable', this.state.tableName, `millrace splits list PIPELINE --state dynamodb:…`)
    for (const [name, { place, table }] of Object.entries(this.sinks))
      if (table !== undefined && takesRows(this.plan, name))
        output(`Table-${name}`, place, `The table that "${pipeline.name}" writes the results of "${name}" into`)
      else
        output(`Letters-${name}`, place, `millrace dead-letters list --${table === undefined ? 'bucket' : 'table'} …`)
    output('Fingerprint', fingerprint(this.plan), `The graph of "${pipeline.name}": state of another graph is refused`)
    writeLock?.()
  }

  /** Refuses two pipelines with the same name and run in one table: their keys would be the same. */
  private claimState(run: number): void {
    const { name } = this.props.pipeline
    claim(this, {
      keys: [`${this.state.tableArn} of ${runPrefix(name, run)}`],
      option: 'state',
      value: `one table for two pipelines with the name "${name}" and the run ${run}`,
      rule: 'each would take the state of the other for its own.',
      fix: 'Give each a name or a table of its own.',
    })
  }

  /** The pipeline's name in logs and metrics. It includes the stack, because several stacks may deploy the pipeline. */
  get deployment(): string {
    return `${Stack.of(this).stackName}/${this.props.pipeline.name}`
  }

  /**
   * Each run has its own ingest function. A stream does not accept a second mapping to the same function, and the new
   * mapping is created before the old one is deleted.
   */
  private idOf(name: keyof typeof TIMEOUT_S): string {
    const { run = 1 } = this.props
    return name === 'ingest' && run > 1 ? `IngestRun${run}` : capitalised(name)
  }

  private environment(): Readonly<Record<string, string>> {
    const { sources, run = 1 } = this.props
    const places = Object.fromEntries(Object.entries(this.sinks).map(([name, { place }]) => [name, place]))
    return {
      [VARIABLES.state]: `dynamodb:${this.state.tableName}`,
      [VARIABLES.sources]: sourcesVariable(this, sources),
      [VARIABLES.sinks]: Stack.of(this).toJsonString(places),
      [VARIABLES.run]: String(run),
      [VARIABLES.deployment]: this.deployment,
      ...(this.queue && { [VARIABLES.queue]: this.queue.queue.queueUrl }),
      ...(Object.values(sources).some(
        ({ connector, takesPartialAnswers }) => connector === 'kafka' && takesPartialAnswers,
      ) && {
        [VARIABLES.kafkaPartialAnswers]: 'true',
      }),
    }
  }

  private needsQueue(): boolean {
    const { operators } = this.plan
    return this.props.advanceQueue ?? operators.some(({ keyGroups }) => keyGroups > GROUPS_AT_ONCE)
  }

  private absent(): string[] {
    const sources = Object.entries(this.props.sources)
    const kinds = new Set<string>(sources.map(([, { connector }]) => connector))
    if (this.queue !== undefined) kinds.add('queue')
    if (this.hasBucket()) kinds.add('bucket')
    const bindings = sources.map(([name, source]) => source.bindingOf(name))
    if (bindings.some((binding) => 'credentials' in binding || 'rootCa' in binding)) kinds.add('secrets')
    if (bindings.some((binding) => 'mechanism' in binding && binding.mechanism === 'aws-msk-iam')) kinds.add('iam')
    return Object.entries(CLIENTS).flatMap(([kind, packages]) => (kinds.has(kind) ? [] : packages))
  }

  private hasBucket(): boolean {
    return Object.values(this.sinks).some(({ table }) => table === undefined)
  }

  private timeoutOf(name: keyof typeof TIMEOUT_S): Duration {
    const timeout = this.props[name]?.timeout ?? Duration.seconds(TIMEOUT_S[name])
    const most =
      name === 'ingest'
        ? Math.min(...Object.values(this.props.sources).map((source) => source.timeoutSMax))
        : TIMEOUT_S_MAX
    if (!timeout.isUnresolved() && timeout.toSeconds() > most)
      refuse(
        `${this.node.path}/${capitalised(name)}`,
        'timeout',
        timeout,
        `${most === TIMEOUT_S_MAX ? 'Lambda' : 'A Kafka mapping'} waits for at most ${most / 60} minutes.`,
        'Give less: undone records are delivered again.',
      )
    return timeout
  }

  private watch(): void {
    const { ingest, advance, tick, state, props } = this
    const functions = { ingest: ingest.function, advance: advance.function, tick: tick.function }
    const metrics = new PipelineMetrics(this.deployment, functions, state)
    const connectors = new Set(Object.values(props.sources).map(({ connector }) => connector))
    const timeouts = {
      ingest: this.timeoutOf('ingest'),
      advance: this.timeoutOf('advance'),
      tick: this.timeoutOf('tick'),
    }
    if (props.alarms !== false)
      new PipelineAlarms(this, 'Alarms', {
        ...props.alarms,
        metrics,
        connectors,
        timeouts,
        hasOperators: this.plan.operators.length > 0,
        boundMs: Math.max(...this.plan.sources.map(({ watermark }) => watermark.boundMs)),
        isEnabled: props.enabled !== false,
      })
    if (props.dashboard !== false)
      new PipelineDashboard(this, 'Dashboard', { title: this.deployment, metrics, connectors })
  }

  /**
   * The scope of a source's mapping. A new run starts from scratch: its mapping reads the log from the start, with
   * another consumer group.
   */
  private runOf(name: string): Construct {
    const { run = 1 } = this.props
    if (run === 1) return this
    const id = `Run${run}-${name}`
    return (this.node.tryFindChild(id) as Construct | undefined) ?? new Construct(this, id)
  }

  /** One mapping per source. It depends on the role, because AWS checks the poller's permissions when it is created. */
  private map(): Readonly<Record<string, EventSourceMapping>> {
    const { sources, enabled } = this.props
    return Object.fromEntries(
      Object.entries(sources).map(([name, source]) => {
        const scope = this.runOf(name)
        const options = source.mappingOf(scope, name, this.defaults.mapping)
        claimMapping(scope, source.bindingOf(name), options)
        const mapping = new EventSourceMapping(scope, `Mapping-${name}`, {
          ...options,
          target: this.ingest.function,
          enabled: enabled !== false && options.enabled !== false,
        })
        mapping.node.addDependency(this.ingest.role)
        acknowledge(mapping, 'Serverless-LambdaEventSourceMappingDestination')
        return [name, mapping]
      }),
    )
  }
}

function capitalised(name: string): string {
  return name[0]!.toUpperCase() + name.slice(1)
}
