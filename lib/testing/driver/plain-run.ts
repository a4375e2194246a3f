import { MillraceError, messageOf } from '../../base/index.js'
import { type Bindings, ingest, tick } from '../../handlers/index.js'
import { type Pipeline, type Plan, plan } from '../../pipeline/index.js'
import type { Logger, SourceInspector } from '../../ports/index.js'
import { splitName } from '../../runtime/keys.js'
import { MemoryTable, memoryStore } from '../../state/memory/index.js'
import { RecordTrace } from '../explain/record-trace.js'
import { eventOf, judge } from '../sim/event.js'
import { type Connector, positionOf, SimLog } from '../sim/log.js'
import { type SplitStatusRow, type Status, statusOf } from '../status.js'
import type { Command, SentRecord } from './commands.js'
import { SinkRows } from './sink-rows.js'

const BATCH_RECORDS = 1_000
const TRIES_MAX = 3
const TIMEOUT_MS = 600_000
const MINUTE_MS = 60_000
/** In a long advance of time, each step is at most this share of the time that has passed. */
const STEP_SHARE = 1 / 20
const TICKS_MAX = 200

interface DriverSourceState {
  readonly connector: Connector
  readonly logs: SimLog[]
  isEnded: boolean
}

/**
 * A pipeline that runs commands one after another on the real handlers, over a store in memory and a clock that only
 * `advance` moves. Records are delivered at once. It has no timers.
 */
export class PlainRun {
  readonly plan: Plan
  readonly store = memoryStore(new MemoryTable())
  readonly sinks: SinkRows
  readonly trace: RecordTrace | undefined
  nowMs: number
  private readonly pipeline: Pipeline
  private readonly startMs: number
  private readonly followed: SentRecord | undefined
  private readonly sources: ReadonlyMap<string, DriverSourceState>
  private readonly handlers: { readonly ingest: ReturnType<typeof ingest>; readonly tick: ReturnType<typeof tick> }
  private readonly failures: string[] = []

  /** `followed`: a record to trace. It is delivered alone. */
  constructor(pipeline: Pipeline, startMs: number, followed?: SentRecord) {
    this.plan = plan(pipeline)
    this.sources = new Map(
      this.plan.sources.map(({ name, connector }) => [
        name,
        { connector: connector as Connector, logs: [], isEnded: false },
      ]),
    )
    this.startMs = startMs
    this.nowMs = startMs
    this.followed = followed
    if (followed !== undefined) {
      const { source, split, index } = followed
      const position = positionOf(this.sources.get(source)!.connector, { offset: index, arrivalMs: 0, payload: null })
      this.trace = new RecordTrace(pipeline, { source, split, position })
    }
    this.pipeline = this.trace?.pipeline ?? pipeline
    this.sinks = new SinkRows((sink, rows) => this.trace?.written(sink, rows))
    const bindings = this.bindings()
    this.handlers = { ingest: ingest(this.pipeline, bindings), tick: tick(this.pipeline, bindings) }
  }

  /** @throws {MillraceError} `driver-failed` if the pipeline reports an error in a log line, or makes no progress */
  async run(command: Command): Promise<void> {
    await this.execute(command)
    this.sinks.settle()
    const [first] = this.failures
    if (first !== undefined) throw new MillraceError('driver-failed', first)
  }

  status(): Promise<Status> {
    return statusOf(this.pipeline, this.store)
  }

  /** The splits of a source, as far as they are registered. */
  async splitsOf(source: string): Promise<readonly SplitStatusRow[]> {
    const stage = this.plan.stages.find(({ inputs }) =>
      inputs.some(({ kind, name }) => kind === 'source' && name === source),
    )
    const { stages } = await this.status()
    return stages[stage!.index]!.splits.filter(({ split }) => split.startsWith(`${source}/`))
  }

  /** A split of a source; undefined before it is registered. */
  async split(source: string, split: string): Promise<SplitStatusRow | undefined> {
    const name = splitName(source, split)
    return (await this.splitsOf(source)).find((row) => row.split === name)
  }

  private async execute(command: Command): Promise<void> {
    switch (command.kind) {
      case 'split': {
        const { source, split } = command
        const { logs, connector } = this.sources.get(source)!
        logs.push(new SimLog({ source, split, records: [] }, connector, this.startMs))
        return
      }
      case 'send': {
        const log = this.sources.get(command.source)!.logs.find(({ plan: { split } }) => split === command.split)!
        log.append(command.records)
        await this.deliver(log)
        return
      }
      case 'advance':
        await this.advance(command.ms)
        return
      case 'end':
        this.sources.get(command.source)!.isEnded = true
        await this.rest()
    }
  }

  private async deliver(log: SimLog): Promise<void> {
    for (let tries = 0; log.next < log.records.length; ) {
      const from = log.next
      const isAlone = this.isFollowed(log, from)
      const to = isAlone ? from + 1 : this.endOfBatch(log, from)
      if (isAlone) this.trace!.before = await this.split(log.plan.source, log.plan.split)
      const range = { log, from, to }
      const judgement = judge([range], await this.handlers.ingest(eventOf([range])))
      if (isAlone) this.trace!.after = await this.split(log.plan.source, log.plan.split)
      log.next = judgement.kind === 'resume' ? judgement.at[0]! : from
      tries = log.next > from ? 0 : tries + 1
      if (tries === TRIES_MAX)
        throw new MillraceError(
          'driver-failed',
          `The pipeline makes no progress at record ${from} of ${log.name}: ${this.failures[0] ?? 'it reports no error'}`,
        )
    }
  }

  private isFollowed({ plan: { source, split } }: SimLog, index: number): boolean {
    const { followed } = this
    return followed !== undefined && followed.source === source && followed.split === split && followed.index === index
  }

  private endOfBatch(log: SimLog, from: number): number {
    let to = from + 1
    const end = Math.min(log.records.length, from + BATCH_RECORDS)
    while (to < end && !this.isFollowed(log, to)) to++
    return to
  }

  /** Moves the clock, with a tick each minute and at the end. */
  private async advance(ms: number): Promise<void> {
    const until = this.nowMs + ms
    for (let passed = 0; this.nowMs < until; ) {
      const step = Math.min(until - this.nowMs, Math.max(MINUTE_MS, Math.floor(passed * STEP_SHARE)))
      passed += step
      this.nowMs += step
      await this.handlers.tick({})
    }
  }

  /** Runs ticks until they change nothing more. */
  private async rest(): Promise<void> {
    for (let ticks = 0; ticks < TICKS_MAX; ticks++) {
      const before = this.store.usage().writeUnits
      await this.handlers.tick({})
      if (this.store.usage().writeUnits === before) return
    }
    throw new MillraceError('driver-failed', `The pipeline is not at rest after ${TICKS_MAX} ticks.`)
  }

  private bindings(): Bindings {
    let ids = 0
    return {
      state: this.store,
      sink: async ({ name }) => this.sinks.open(name),
      inspectors: Object.fromEntries([...this.sources].map(([name, source]) => [name, inspectorOf(source)])),
      clock: { now: () => this.nowMs },
      ids: { next: () => `d${++ids}` },
      logger: this.logger(),
      metrics: { add: () => undefined, peak: () => undefined, flush: () => undefined },
      timeoutMs: TIMEOUT_MS,
      kafkaPartialAnswers: true,
    }
  }

  /** On AWS, an error in the log is an alarm. In a test it fails the test. */
  private logger(): Logger {
    return {
      info: () => undefined,
      warn: () => undefined,
      error: (message, fields) => {
        const { error, detail, reason } = fields ?? {}
        const why = error ?? detail ?? reason
        this.failures.push(why === undefined ? message : `${message}: ${messageOf(why)}`)
      },
    }
  }
}

/** A source that knows everything: its records are delivered as soon as they are sent. */
function inspectorOf(source: DriverSourceState): SourceInspector {
  return {
    get bounded() {
      return source.isEnded
    },
    list: async () => source.logs.map(({ plan: { split } }) => ({ split, closed: source.isEnded })),
    peek: async (split, after) => {
      const log = source.logs.find(({ plan }) => plan.split === split)
      if (log === undefined) return 'unknown'
      return log.after(after) < log.records.length ? 'waiting' : 'nothing'
    },
  }
}
