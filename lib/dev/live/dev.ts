import { setTimeout as sleep } from 'node:timers/promises'
import {
  ConfigError,
  checkOptions,
  MillraceError,
  messageOf,
  type OptionNames,
  RetryableError,
} from '../../base/index.js'
import { loggedMetrics, randomIds, silentLogger, systemClock } from '../../observe/index.js'
import { type Pipeline, plan } from '../../pipeline/index.js'
import type { AdvanceRequest, Logger, Sink, SinkNode, StateStore } from '../../ports/index.js'
import { kafkaConnection } from '../../sources/kafka/binding.js'
import type { DynamoDBStoreOptions } from '../../state/dynamodb/index.js'
import { statusOf } from '../../testing/status.js'
import { Faults } from '../chaos.js'
import { Containers } from '../containers.js'
import { flowOf } from '../flow.js'
import { lettersOf, rejectedRows } from '../rejected.js'
import type { Progress, RunSummary } from '../run.js'
import { openState, parseState } from '../state-choice.js'
import { Workspace } from '../workspace.js'
import { pollKafka } from './kafka-poller.js'
import { pollKinesis } from './kinesis-poller.js'
import { positionOf } from './positions.js'
import { type LiveBindings, type LiveSource, liveSources, originOf } from './sources.js'

export interface DevOptions extends LiveBindings {
  /** `dynamodb:TABLE`, which processes may share, or `lmdb:DIRECTORY`. Default `lmdb:.millrace/NAME/live/state`. */
  readonly state?: string
  /** The connection to the table, if state is in one. */
  readonly dynamodb?: DynamoDBStoreOptions
  /** The consumer group, for a pipeline with one Kafka source. Default `millrace-PIPELINE-SOURCE`. */
  readonly group?: string
  /** Maximum records per batch, 1 to 10,000. Default 1,000. */
  readonly batch?: number
  /** How long a batch that is not full waits for more records, ms. Default 100. */
  readonly windowMs?: number
  /** Time between two ticks, ms. Default 5,000; Lambda's schedule uses a minute. */
  readonly tickMs?: number
  /** Timeout of an invocation, ms. Default 30,000. */
  readonly timeoutMs?: number
  /** Where file sinks write. Default `.millrace/NAME/live/TABLE`, or `.millrace/NAME/live/out`. */
  readonly out?: string
  readonly logger?: Logger
  /** Called about every two seconds, and at the end. */
  readonly onProgress?: (progress: Progress) => void
  /** Called once all services are reachable and polling begins. */
  readonly onReady?: () => void
  /** Stops in order: batches in flight are finished and checkpointed. */
  readonly signal: AbortSignal
}

const OPTIONS: OptionNames<DevOptions> = {
  names: true,
  kafka: true,
  kinesis: true,
  state: true,
  dynamodb: true,
  group: true,
  batch: true,
  windowMs: true,
  tickMs: true,
  timeoutMs: true,
  out: true,
  logger: true,
  onProgress: true,
  onReady: true,
  signal: true,
}
const DEFAULT_BATCH = 1_000
const DEFAULT_WINDOW_MS = 100
const DEFAULT_TICK_MS = 5_000
const DEFAULT_TIMEOUT_MS = 30_000
const PROGRESS_MS = 2_000
/** Each try includes all attempts of the store itself. */
const THROTTLED_TRIES = 20

/**
 * Runs a pipeline on live Kafka topics and Kinesis streams until it is told to stop, with the handlers that Lambda runs
 * and with pollers that behave as its mappings do. Any number of processes may share one table. If a process is killed
 * at any moment and restarted, it resumes where it was.
 * @throws {ConfigError} if something cannot be reached or does not exist, before any record is read
 */
export async function dev(pipeline: Pipeline, options: DevOptions): Promise<RunSummary> {
  checkOptions<DevOptions>('dev()', options, OPTIONS)
  const sources = liveSources(pipeline, options)
  checkBatch(options.batch)
  checkGroup(options.group, sources)
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS
  // Well below the timeout of an invocation, so that the invocation ends with a checkpoint and not with a timeout.
  const retries = { attemptsMax: 10, totalMs: timeoutMs / 3 }
  const dynamodb = { retries, requestTimeoutMs: Math.min(3_000, timeoutMs / 4), ...options.dynamodb }
  // Separate from runs on files: their positions and results are different.
  const home = `.millrace/${pipeline.name}/live`
  const choice = parseState(options.state ?? `lmdb:${home}/state`)
  const out = options.out ?? `${home}/${choice.kind === 'dynamodb' ? choice.table.replace(/[^\w.-]/g, '-') : 'out'}`
  const store = await openState(choice, dynamodb)
  try {
    return await new LiveRun(pipeline, { ...options, timeoutMs, out }, sources, store).run()
  } finally {
    for (const { inspector } of sources) await inspector.close?.()
    await store.close()
  }
}

function checkBatch(batch: number | undefined): void {
  if (batch === undefined || (Number.isSafeInteger(batch) && batch >= 1 && batch <= 10_000)) return
  throw new ConfigError('bad-batch', `--batch must be a whole number from 1 to 10000; it is ${batch}.`)
}

/** Offsets of a group are stored by topic, but all its members have to read the same topics. */
function checkGroup(group: string | undefined, sources: readonly LiveSource[]): void {
  if (group === '') throw new ConfigError('bad-group', '--group must be the name of a consumer group; it is empty.')
  if (group === undefined || sources.filter(({ kind }) => kind === 'kafka').length < 2) return
  throw new ConfigError(
    'one-group',
    `--group names one consumer group, but this pipeline has several Kafka sources, each with a group of its own. Omit --group.`,
  )
}

class LiveRun {
  private readonly pipeline: Pipeline
  private readonly options: DevOptions
  private readonly sources: readonly LiveSource[]
  private readonly store: StateStore
  private readonly workspace: Workspace
  private readonly containers: Containers
  private readonly logger: Logger
  private readonly sinks = new Map<string, Promise<Sink>>()
  /** Rows that this process has written, by sink. */
  private readonly written = new Map<string, number>()
  private readonly underWay = new Set<Promise<unknown>>()
  private readonly started = performance.now()
  private delivered = 0

  constructor(pipeline: Pipeline, options: DevOptions, sources: readonly LiveSource[], store: StateStore) {
    this.pipeline = pipeline
    this.options = options
    this.sources = sources
    this.store = store
    this.logger = options.logger ?? silentLogger
    this.workspace = new Workspace(options.out!)
    const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS
    this.containers = new Containers(pipeline, () => this.bindings(timeoutMs), new Faults(undefined), timeoutMs)
  }

  async run(): Promise<RunSummary> {
    const cpu = process.cpuUsage()
    // A service that cannot be reached is reported before any record is read: first the state, then each source.
    await this.unthrottled(() => statusOf(this.pipeline, this.store))
    for (const { inspector } of this.sources) await this.unthrottled(() => inspector.list())
    for (const node of plan(this.pipeline).sinks) {
      const sink = await this.sink(node)
      await this.unthrottled(async () => await sink.check?.())
    }
    this.options.onReady?.()
    await this.drive()
    const status = await this.unthrottled(() => statusOf(this.pipeline, this.store))
    const sinks = await this.collect()
    const spent = process.cpuUsage(cpu)
    return {
      pipeline: this.pipeline.name,
      complete: false,
      alreadyComplete: false,
      resumed: false,
      delivered: this.delivered,
      seconds: (performance.now() - this.started) / 1000,
      cpuSeconds: (spent.user + spent.system) / 1e6,
      busySeconds: this.containers.busyMs / 1000,
      invocations: this.containers.invocations,
      status,
      sinks,
      flow: await this.unthrottled(() => flowOf(this.pipeline, this.store, status)),
      rejected: await rejectedRows(lettersOf(this.pipeline, sinks), []),
      usage: this.store.usage(),
      faults: {},
    }
  }

  /** Throttling is retried; any other failure is thrown. */
  private async unthrottled<R>(work: () => Promise<R>): Promise<R> {
    for (let tries = 1; ; tries++) {
      try {
        return await work()
      } catch (error) {
        if (!(error instanceof RetryableError) || error.code !== 'throttled' || tries === THROTTLED_TRIES) throw error
        this.logger.warn('throttled during startup or shutdown', { error: messageOf(error) })
      }
    }
  }

  private async drive(): Promise<void> {
    // A permanent failure in one place stops the whole process in order.
    const stop = new AbortController()
    const onSignal = (): void => stop.abort()
    this.options.signal.addEventListener('abort', onSignal, { once: true })
    if (this.options.signal.aborted) stop.abort()
    const loops = [
      ...this.sources.map((source) => this.poll(source, stop.signal)),
      this.every(this.options.tickMs ?? DEFAULT_TICK_MS, stop.signal, () => this.tick()),
      this.every(PROGRESS_MS, stop.signal, () => this.report()),
    ]
    try {
      await Promise.all(loops)
    } finally {
      stop.abort()
      this.options.signal.removeEventListener('abort', onSignal)
      await Promise.allSettled(loops)
      await Promise.allSettled(this.underWay)
      for (const sink of this.sinks.values()) await sink.then((opened) => opened.close()).catch(() => undefined)
    }
    await this.report()
  }

  private async poll(source: LiveSource, signal: AbortSignal): Promise<void> {
    const { batch = DEFAULT_BATCH, windowMs = DEFAULT_WINDOW_MS, group } = this.options
    const shared = {
      invoke: (name: 'ingest', event: unknown) => this.containers.invoke(name, event),
      positionOf: (split: string) => positionOf(this.pipeline, this.store, source.name, split),
      batch,
      batchingWindowMs: windowMs,
      signal,
      logger: this.logger,
      onDelivered: (records: number) => {
        this.delivered += records
      },
    }
    if (source.kind === 'kinesis') {
      const { stream, endpoint, region } = source
      return await pollKinesis({
        ...shared,
        stream,
        ...(endpoint !== undefined && { endpoint }),
        ...(region !== undefined && { region }),
      })
    }
    const connection = await kafkaConnection(source.binding)
    const { topic } = source.binding
    await pollKafka({ ...shared, topic, connection, group: group ?? `millrace-${this.pipeline.name}-${source.name}` })
  }

  private async every(ms: number, signal: AbortSignal, work: () => Promise<void>): Promise<void> {
    while (!signal.aborted) {
      await work()
      await sleep(ms, undefined, { signal }).catch(() => undefined)
    }
  }

  /** A transient failure is retried by the next tick. An error that a retry cannot fix ends the run. */
  private async tick(): Promise<void> {
    try {
      await this.containers.invoke('tick', {})
    } catch (error) {
      if (error instanceof MillraceError && !(error instanceof RetryableError)) throw error
      this.logger.warn('a tick failed', { error: messageOf(error) })
    }
  }

  private async report(): Promise<void> {
    const { onProgress } = this.options
    if (onProgress === undefined) return
    try {
      const status = await statusOf(this.pipeline, this.store)
      onProgress({
        delivered: this.delivered,
        perSecond: this.delivered / ((performance.now() - this.started) / 1000),
        status,
      })
    } catch (error) {
      this.logger.warn('the state cannot be read for a report', { error: messageOf(error) })
    }
  }

  private bindings(timeoutMs: number) {
    return {
      state: this.store,
      sink: (node: SinkNode<any>) => this.sink(node),
      inspectors: Object.fromEntries(this.sources.map(({ name, inspector }) => [name, inspector])),
      origins: Object.fromEntries(this.sources.map((source) => [originOf(source), source.name])),
      clock: systemClock,
      ids: randomIds,
      logger: this.logger,
      metrics: loggedMetrics(this.logger),
      queue: { advance: async (request: AdvanceRequest) => this.advance(request) },
      timeoutMs,
    }
  }

  /** Runs in the background, because the invocation that asks for it has no time left. */
  private advance(request: AdvanceRequest): void {
    const work = this.containers.invoke('advance', request).catch((error) => {
      this.logger.warn('an advance failed; the next tick retries it', { error: messageOf(error), ...request })
    })
    this.underWay.add(work)
    void work.finally(() => this.underWay.delete(work))
  }

  /** One sink for all environments. File sinks write below --out, whatever folder the pipeline names. */
  private sink(node: SinkNode<any>): Promise<Sink> {
    let sink = this.sinks.get(node.name)
    if (sink === undefined) {
      const resource = this.options.names?.[node.name]
      sink = isFile(node)
        ? import('../../sinks/file/adapter.js').then(({ fileSink }) => fileSink(this.workspace.parts(node.name)))
        : node.open({ pipeline: this.pipeline.name, run: 1, ...(resource !== undefined && { resource }) })
      sink = sink.then((opened) => this.counted(node.name, opened))
      this.sinks.set(node.name, sink)
      sink.catch(() => this.sinks.delete(node.name))
    }
    return sink
  }

  private counted(name: string, sink: Sink): Sink {
    return {
      ...(sink.check && { check: () => sink.check!() }),
      close: () => sink.close(),
      write: async (batches) => {
        const refused = await sink.write(batches)
        const rows = batches.reduce((sum, batch) => sum + batch.rows.length, 0) - (refused?.length ?? 0)
        this.written.set(name, (this.written.get(name) ?? 0) + rows)
        return refused
      },
    }
  }

  /** Writes one readable file for each file sink, from the existing parts. */
  private async collect() {
    const { collectInto } = await import('../../sinks/file/parts.js')
    const collected = []
    for (const node of plan(this.pipeline).sinks) {
      if (!isFile(node)) {
        const name = this.options.names?.[node.name] ?? node.name
        collected.push({
          name: node.name,
          file: `the ${node.connector} ${name}, written by this process`,
          rows: this.written.get(node.name) ?? 0,
        })
        continue
      }
      const file = this.workspace.file(node.name)
      collected.push({ name: node.name, file, rows: await collectInto(this.workspace.parts(node.name), file) })
    }
    return collected
  }
}

/** File sinks, and the default dead letter sink. */
const isFile = ({ connector }: SinkNode<any>): boolean => connector === 'ndjson' || connector === 'dead-letter'
