import { setTimeout as sleep } from 'node:timers/promises'
import { MillraceError } from '../base/index.js'
import { loggedMetrics, randomIds, silentLogger, systemClock } from '../observe/index.js'
import { type Pipeline, plan } from '../pipeline/index.js'
import type { Logger, Sink, SinkNode, StateStore, StoreUsage } from '../ports/index.js'
import { checkGraph } from '../runtime/host.js'
import { groupKey, runPrefix } from '../runtime/keys.js'
import { type Status, statusOf } from '../testing/status.js'
import { Faults, type Process } from './chaos.js'
import { codeFiles } from './code-files.js'
import { Containers } from './containers.js'
import { flowOf, type StepFlow } from './flow.js'
import { numberingOf } from './input/numbering.js'
import { progressOf } from './input/progress.js'
import { StreamInput } from './input/stream-input.js'
import { type PollerOptions, pollStream, pollTopic } from './poller/poller.js'
import { lettersOf, type RejectedRows, rejectedRows } from './rejected.js'
import { type RunOptions, type Settled, settle } from './run-options.js'
import { forget, openState } from './state-choice.js'
import { runInputs, Workspace } from './workspace.js'

export type { Progress, RunOptions } from './run-options.js'

export interface RunSummary {
  readonly pipeline: string
  readonly complete: boolean
  /** Whether nothing was left to do: an earlier run had completed everything. */
  readonly alreadyComplete: boolean
  /** Files of the pipeline that have changed since these results were begun; absent if there are none. */
  readonly changed?: readonly string[]
  /** Whether it resumed an earlier run: its units then cover only part of what the counters cover. */
  readonly resumed: boolean
  readonly delivered: number
  readonly seconds: number
  readonly cpuSeconds: number
  readonly busySeconds: number
  readonly invocations: number
  readonly status: Status
  /** Rows by sink, and the file that contains them. */
  readonly sinks: readonly { readonly name: string; readonly file: string; readonly rows: number }[]
  /** The rows that went through each step. */
  readonly flow: readonly StepFlow[]
  /** The contents of the dead letter and late outputs, by reason. */
  readonly rejected: readonly RejectedRows[]
  readonly usage: StoreUsage
  readonly faults: Readonly<Record<string, number>>
}

/**
 * How many records before its checkpoint a resumed split receives again: a mapping's own position is behind the
 * handler's.
 */
const RESUME_OVERLAP = 10
const TIMEOUT_MS = 60_000
/** Short, so that key groups claimed by killed environments are soon free again. */
const CHAOS_TIMEOUT_MS = 3_000
const TICK_MS = 1_000
const PROGRESS_MS = 250
/** Time between two ticks at the end of a run, until all windows are closed. */
const LAST_TICK_MS = 50
const LAST_TICKS_MAX = 1200

/**
 * Runs a pipeline on files, with the handlers that Lambda runs and the event JSON that Lambda sends, until all input is
 * processed. If it is killed at any moment and started again, it resumes where it was.
 * @example await run(pipeline, { inputs: { orders: ['orders.ndjson'] } })
 */
export async function run(pipeline: Pipeline, options: RunOptions): Promise<RunSummary> {
  const settled = settle(pipeline, options)
  const workspace = new Workspace(settled.out)
  workspace.acquire()
  let store: StateStore | undefined
  try {
    if (options.fresh) forget(settled.state)
    store = await openState(settled.state, options.dynamodb)
    return await new LocalRun(pipeline, options, settled, workspace, store).run()
  } finally {
    await store?.close()
    workspace.release()
  }
}

class LocalRun {
  private readonly pipeline: Pipeline
  private readonly options: RunOptions
  private readonly settled: Settled
  private readonly workspace: Workspace
  private readonly store: StateStore
  private readonly faults: Faults
  private readonly sinks = new Map<string, Promise<Sink>>()
  private readonly started = performance.now()
  private readonly timeoutMs: number
  private delivered = 0
  private readonly logger: Logger
  private lastError: string | undefined

  constructor(pipeline: Pipeline, options: RunOptions, settled: Settled, workspace: Workspace, store: StateStore) {
    this.pipeline = pipeline
    this.options = options
    this.settled = settled
    this.workspace = workspace
    this.store = store
    this.faults = new Faults(options.chaos)
    const logger = options.logger ?? silentLogger
    this.logger = {
      ...logger,
      error: (message, fields) => {
        if (fields?.error !== undefined) this.lastError = String(fields.error)
        logger.error(message, fields)
      },
    }
    this.timeoutMs = this.faults.active ? CHAOS_TIMEOUT_MS : TIMEOUT_MS
  }

  async run(): Promise<RunSummary> {
    const { pipeline, options, settled, store } = this
    const cpu = process.cpuUsage()
    await checkGraph(store, plan(pipeline), 1)
    const before = await statusOf(pipeline, store)
    const resumes = before.stages.some((stage) => stage.splits.length > 0)
    this.workspace.check(runInputs(pipeline.name, settled.splits, options.inputs), resumes)
    const changed = options.code === undefined ? [] : this.workspace.changedSince(codeFiles(options.code), resumes)
    if (changed.length > 0) options.onStale?.({ changed, complete: before.complete })
    const inputs = this.openInputs(before)
    const containers = new Containers(
      pipeline,
      (process) => this.bindings(process, inputs),
      this.faults,
      this.timeoutMs,
    )
    if (resumes) await this.releaseClaims()
    if (!before.complete) await this.drive(inputs, containers)
    const status = await statusOf(pipeline, store)
    const sinks = await this.collect()
    const flow = await flowOf(pipeline, store, status)
    const rejected = await rejectedRows(lettersOf(pipeline, sinks), inputs)
    const spent = process.cpuUsage(cpu)
    return {
      pipeline: pipeline.name,
      complete: status.complete,
      alreadyComplete: before.complete,
      ...(changed.length > 0 && { changed }),
      resumed: resumes,
      delivered: this.delivered,
      seconds: (performance.now() - this.started) / 1000,
      cpuSeconds: (spent.user + spent.system) / 1e6,
      busySeconds: containers.busyMs / 1000,
      invocations: containers.invocations,
      status,
      sinks,
      flow,
      rejected,
      usage: store.usage(),
      faults: this.faults.counts,
    }
  }

  /**
   * Each source resumes after the checkpoints of its splits, as a mapping would, except that a few records are
   * repeated.
   */
  private openInputs(status: Status): StreamInput[] {
    const { pipeline, options, settled } = this
    const positions = positionsOf(status)
    return plan(pipeline).sources.map((source) => {
      const numbering = numberingOf(source)
      return new StreamInput(source, options.inputs[source.name]!, settled.splits, (split) => {
        const position = positions.get(`${source.name}/${split}`)
        return position === undefined ? 0 : Math.max(0, numbering.index(position) + 1 - RESUME_OVERLAP)
      })
    })
  }

  /** A run is the only one on its state, and the previous one has ended: its claims need not wait for their timeout. */
  private async releaseClaims(): Promise<void> {
    const made = plan(this.pipeline)
    for (const operator of made.operators) {
      for (let keyGroup = 0; keyGroup < operator.keyGroups; keyGroup++) {
        await this.store.update({
          key: groupKey(runPrefix(this.pipeline.name, 1), operator.name, keyGroup),
          set: { until: 0 },
          when: [],
        })
      }
    }
  }

  private bindings(process: Process, inputs: readonly StreamInput[]) {
    return {
      state: process.store(this.faults, this.store),
      sink: (node: SinkNode<any>) => this.sink(node).then((sink) => process.sink(this.faults, sink)),
      inspectors: Object.fromEntries(inputs.map((input) => [input.source.name, input])),
      clock: systemClock,
      ids: randomIds,
      logger: this.logger,
      metrics: loggedMetrics(this.logger),
      timeoutMs: this.timeoutMs,
    }
  }

  /** One sink for all environments: sinks that are services on AWS are files here. */
  private sink(node: SinkNode<any>): Promise<Sink> {
    let sink = this.sinks.get(node.name)
    if (sink === undefined) {
      sink = node.local
        ? node.open({ pipeline: this.pipeline.name, run: 1 })
        : import('../sinks/file/adapter.js').then((adapter) => adapter.fileSink(this.workspace.parts(node.name)))
      this.sinks.set(node.name, sink)
    }
    return sink
  }

  private async drive(inputs: readonly StreamInput[], containers: Containers): Promise<void> {
    const { options, logger } = this
    let over = false
    const pause = new AbortController()
    const stop = (): void => {
      over = true
      pause.abort()
      for (const input of inputs) input.stop()
      containers.stop()
    }
    if (options.signal?.aborted) return
    options.signal?.addEventListener('abort', stop, { once: true })
    let reporting: Promise<void> | undefined
    const timer = setInterval(() => {
      reporting ??= this.report(inputs).finally(() => {
        reporting = undefined
      })
      reporting.catch(() => undefined)
    }, PROGRESS_MS)
    const ticking = (async () => {
      while (!over) {
        await sleep(TICK_MS, undefined, { signal: pause.signal }).catch(() => undefined)
        if (!over) await this.tick(containers)
      }
    })()
    ticking.catch(() => undefined)
    const polling = inputs.flatMap((input) => {
      const poller: PollerOptions = {
        input,
        containers,
        logger,
        clock: systemClock,
        batch: this.settled.batch,
        faults: this.faults,
        onDelivered: (records) => {
          this.delivered += records
        },
        lastError: () => this.lastError,
      }
      const pollers =
        input.source.connector === 'kafka' ? [pollTopic(poller)] : input.logs.map((log) => pollStream(poller, log))
      return [input.read(), ...pollers]
    })
    try {
      await Promise.all(polling)
      const stopped = over
      over = true
      pause.abort()
      await ticking
      if (!stopped) await this.finish(containers)
    } finally {
      // No environment may still be at work when the store closes and the folder is released.
      stop()
      clearInterval(timer)
      options.signal?.removeEventListener('abort', stop)
      await Promise.allSettled([...polling, ticking, reporting])
    }
    await this.report(inputs)
  }

  /** Does what the schedule would do within minutes: ends the splits and closes the remaining windows. */
  private async finish(containers: Containers): Promise<void> {
    for (let ticks = 0; ticks < LAST_TICKS_MAX; ticks++) {
      await this.tick(containers)
      if (this.options.signal?.aborted || (await statusOf(this.pipeline, this.store)).complete) return
      if (ticks > 1) await sleep(LAST_TICK_MS)
    }
    throw new MillraceError(
      'stuck',
      `All input is delivered, but some window has not closed after ${LAST_TICKS_MAX} ticks. This is a bug; please report it with your pipeline.`,
    )
  }

  private async tick(containers: Containers): Promise<void> {
    try {
      await containers.invoke('tick', {})
    } catch (error) {
      if (!this.faults.active) throw error
    }
  }

  private async report(inputs: readonly StreamInput[]): Promise<void> {
    const { onProgress } = this.options
    if (onProgress === undefined) return
    const seconds = (performance.now() - this.started) / 1000
    const status = await statusOf(this.pipeline, this.store)
    onProgress({
      delivered: this.delivered,
      perSecond: this.delivered / seconds,
      status,
      ...progressOf(inputs, positionsOf(status)),
    })
  }

  /** Writes one readable file for each sink, from its parts. */
  private async collect() {
    const { collectInto } = await import('../sinks/file/parts.js')
    const collected = []
    for (const node of plan(this.pipeline).sinks) {
      if (node.local) continue
      const file = this.workspace.file(node.name)
      collected.push({ name: node.name, file, rows: await collectInto(this.workspace.parts(node.name), file) })
    }
    return collected
  }
}

/** The position that each split has checkpointed. */
const positionsOf = ({ stages }: Status): ReadonlyMap<string, string> =>
  new Map(stages.flatMap((stage) => stage.splits.map((split) => [split.split, split.position])))
