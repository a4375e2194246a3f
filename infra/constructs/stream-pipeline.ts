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
import { type Defaults, defaultsFor, type Expected, sayPrice } from './price.js'
import { checkProps } from './props.js'
import { refuse } from './refuse.js'
import { allowLetters, type BoundSink, bindSinks } from './sinks.js'
import { StateTable } from './state-table.js'
import { stateStatements } from './tables.js'
import { Tick } from './tick.js'

export interface StreamPipelineProps {
  /** The pipeline, as its file exports it. */
  readonly pipeline: Pipeline
  /**
   * The folder of the handlers: `ingest.ts`, `advance.ts` and `tick.ts`, each exporting `handler`.
   * @default 'functions'
   */
  readonly functions?: string
  /**
   * Files and folders that the code reads, copied beside the handler, each under its own name: of `['data/zones.json']`
   * the code reads `new URL('./zones.json', import.meta.url)`.
   * @default []
   */
  readonly assets?: readonly string[]
  /** What each source is, by its logical name. */
  readonly sources: Sources
  /**
   * Tables of sinks, or a bucket for what is rejected, by logical name. A `dynamodbTable` that is not named gets a
   * table of its own, the dead letter a bucket; files have to be named.
   * @default {}
   */
  readonly sinks?: Readonly<Record<string, SinkTarget>>
  /**
   * The state's table, which several pipelines may share.
   * @default - a StateTable of its own
   */
  readonly state?: ITable
  /**
   * What becomes of the tables that it makes, and of the bucket, when the stack goes. A bucket that holds dead letters
   * stays: CloudFormation deletes empty ones alone.
   * @default RemovalPolicy.RETAIN
   */
  readonly removalPolicy?: RemovalPolicy
  readonly ingest?: FunctionOptions
  readonly advance?: FunctionOptions
  readonly tick?: FunctionOptions & { readonly every?: Duration }
  /**
   * A queue by which ingest hands on the windows that it has no time to close; without one the next tick closes them,
   * up to a minute later.
   * @default - where an operator has more key groups than one invocation advances at a time
   */
  readonly advanceQueue?: boolean
  /**
   * Alarms' thresholds and whom they tell; false for none.
   * @default - alarms that only can be seen
   */
  readonly alarms?: AlarmOptions | false
  /** @default true */
  readonly dashboard?: boolean
  /**
   * False pauses: nothing is read, no time passes, and no state expires; mappings keep their positions.
   * @default true
   */
  readonly enabled?: boolean
  /**
   * A restore or a replay opens a new run.
   * @default 1
   */
  readonly run?: number
  /**
   * A file that holds the graph that is deployed, to be committed. Made by the first synthesis; from then on a graph
   * that the state would be refused under is refused here already, with what changed.
   * @default - only the running functions look
   */
  readonly lockFile?: string
  /**
   * What is to come: `cdk synth` then says what it will cost a month. With a `latency` the stack is also given the
   * cheapest settings for it (see `millrace cost --latency`); what it says itself stays. Key groups are the pipeline's,
   * and stay too.
   */
  readonly expected?: Expected
}

const TIMEOUT_S = { ingest: 60, advance: 60, tick: 300 } as const
const TIMEOUT_S_MAX = 900
/** What a function does not load where its pipeline has no such source. */
const CLIENTS = {
  kinesis: ['@aws-sdk/client-kinesis'],
  kafka: ['kafkajs'],
  secrets: ['@aws-sdk/client-secrets-manager'],
  queue: ['@aws-sdk/client-sqs'],
  bucket: ['@aws-sdk/client-s3'],
  // A file of ours, which needs the SDK's signer.
  iam: ['./msk-iam.js'],
} as const

/**
 * A pipeline as it runs: its functions, mappings, state, tables and schedule. Reads the pipeline's plan; what would
 * break one of its invariants is refused here.
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
    const stored = [...stateStatements(this, this.state, runPrefix(pipeline.name, props.run ?? 1)), ...written]
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
    this.advance = make('advance', 'closes windows that ingest had no time for', [
      ...inspect,
      ...ask,
      ...(this.queue?.pollStatements() ?? []),
    ])
    this.tick = make('tick', 'lists splits, and closes what no record closes', [...inspect, ...ask])
    for (const { role } of [this.ingest, this.advance, this.tick]) allowLetters(role, this.sinks)
    this.queue?.invokes(this.advance.function, props.enabled !== false).node.addDependency(this.advance.role)
    this.mappings = this.map()
    new Tick(this, 'Schedule', {
      function: this.tick.function,
      every: props.tick?.every ?? this.defaults.every ?? Duration.minutes(1),
      ...(props.enabled === false && { enabled: false }),
    })
    this.watch()
    sayPrice(this, this.plan, props, this.defaults)
    this.node.addMetadata('millrace:manifest', manifest(this.plan))
    const output = (id: string, value: string, description: string) => new CfnOutput(this, id, { value, description })
    output('StateTable', this.state.tableName, `millrace splits list PIPELINE --state dynamodb:…`)
    for (const [name, { place, table }] of Object.entries(this.sinks))
      if (table !== undefined && takesRows(this.plan, name))
        output(`Table-${name}`, place, `The table that "${pipeline.name}" writes the results of "${name}" into`)
      else
        output(`Letters-${name}`, place, `millrace dead-letters list --${table === undefined ? 'bucket' : 'table'} …`)
    output('Fingerprint', fingerprint(this.plan), `The graph of "${pipeline.name}": state of another one is refused`)
    writeLock?.()
  }

  /** Pipelines that share a table have keys of their own by their names. */
  private claimState(run: number): void {
    const { name } = this.props.pipeline
    claim(this, {
      keys: [`${this.state.tableArn} of ${runPrefix(name, run)}`],
      option: 'state',
      value: `one table of two pipelines of the name "${name}" and the run ${run}`,
      rule: 'each would take the state of the other for its own.',
      fix: 'Give each a name or a table of its own.',
    })
  }

  /** What logs and metrics call it: an account may have it in several stacks. */
  get deployment(): string {
    return `${Stack.of(this).stackName}/${this.props.pipeline.name}`
  }

  /**
   * Ingest is another function in each run: a stream takes no second mapping of one function, and the new one is made
   * before the old one goes.
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
        `${most === TIMEOUT_S_MAX ? 'Lambda' : 'A Kafka mapping'} waits for ${most / 60} minutes at most.`,
        'Give less: what is undone comes again.',
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
   * Where a source's mapping is. A new run begins anew: its mapping reads the log from its start, as another group of
   * consumers.
   */
  private runOf(name: string): Construct {
    const { run = 1 } = this.props
    if (run === 1) return this
    const id = `Run${run}-${name}`
    return (this.node.tryFindChild(id) as Construct | undefined) ?? new Construct(this, id)
  }

  /** One mapping a source. It is made after the role may do what its poller does, or it would not be made at all. */
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
