import { RecordRejection, TIME_MAX, TIME_MIN } from '../../base/index.js'
import type { Bindings } from '../../handlers/index.js'
import { InvocationMetrics } from '../../observe/index.js'
import { type Pipeline, type Plan, plan } from '../../pipeline/index.js'
import type { Logger } from '../../ports/index.js'
import { readCursor } from '../../runtime/cursor.js'
import { groupKey, runPrefix, watermarkKey } from '../../runtime/keys.js'
import { LIMITS } from '../../runtime/limits.js'
import { readWatermark } from '../../runtime/watermark-item.js'
import { Disasters } from './disasters.js'
import { isExpected } from './expected.js'
import type { Swarm } from './faults.js'
import { simInspector } from './inspector.js'
import { Invariants } from './invariants.js'
import { Lambda } from './lambda.js'
import { type Connector, SimLog } from './log.js'
import { Operator } from './operator.js'
import { Poller } from './poller.js'
import { Ports } from './ports.js'
import { preloaded } from './preloaded.js'
import type { Process } from './process.js'
import { Scheduler } from './scheduler.js'
import { SimSinks } from './sinks.js'
import { SimTable } from './table.js'
import { Vandal } from './vandal.js'
import { Work } from './work.js'
import { type Outcome, START_MS, type WorldOptions } from './world-options.js'

const TIMEOUT_MS = 20_000
/** Number of steps with faults. After them no fault is injected, and the pipeline must recover. */
const FAULTY_STEPS = 6_000
const STEPS_MAX = 60_000
const TICK = 'tick'
/** The approximate number of ticks in a long silence. */
const SILENT_TICKS = 4

/** A region in which one pipeline runs, in memory and virtual time, from the first record to the last window. */
export class World {
  readonly scheduler: Scheduler
  readonly ports: Ports
  readonly table: SimTable
  readonly checks: Invariants
  readonly sinks: SimSinks
  readonly lambda: Lambda
  readonly logs: readonly SimLog[]
  private readonly pipeline: Pipeline
  private readonly plan: Plan
  private readonly options: WorldOptions
  private readonly swarm: Swarm
  private readonly pollers: Poller[] = []
  private readonly operator: Operator
  private readonly vandal: Vandal
  private readonly disasters: Disasters
  private readonly prefix: string
  private readonly startMs: number
  private ids = 0
  private isDelivered = false
  private isSettling = false
  private horizon: (stage: number) => number = () => TIME_MAX
  private ticking = 0

  constructor(pipeline: Pipeline, options: WorldOptions) {
    this.options = options
    this.pipeline = preloaded(pipeline, options.decoders)
    this.plan = plan(this.pipeline)
    this.prefix = runPrefix(pipeline.name, 1)
    this.startMs = options.startMs ?? START_MS
    const { seed, swarm } = options
    this.swarm = swarm
    swarm.onInjection = (kind) => this.scheduler?.note(`  ** ${kind}`)
    this.scheduler = new Scheduler(seed, this.startMs, options.isSequential === true, options.onEvent)
    const ports = new Ports(this.scheduler, swarm, options.crashes ?? [])
    this.ports = ports
    this.table = new SimTable(ports)
    this.vandal = new Vandal(ports, this.table)
    this.checks = new Invariants(this.pipeline, this.table.items)
    this.table.checks = this.checks
    this.checks.childrenOf = (split) => this.childrenOf(split)
    this.sinks = new SimSinks(ports, this.checks, options.refuses ?? (() => undefined))
    const connectorOf = (source: string): Connector =>
      this.plan.sources.find(({ name }) => name === source)!.connector as Connector
    this.logs = options.logs.map((log) => new SimLog(log, connectorOf(log.source), this.startMs))
    this.lambda = new Lambda({
      ports,
      pipeline: this.pipeline,
      checks: this.checks,
      timeoutMs: TIMEOUT_MS,
      bindingsOf: (process, logger) => this.bindings(process, logger),
      isExpected: (error) => isExpected(error, swarm),
    })
    this.operator = new Operator({
      ports,
      table: this.table,
      prefix: this.prefix,
      stages: this.plan.stages,
      logs: this.logs,
      timeoutMs: TIMEOUT_MS,
      quiet: (log) => this.lambda.killAll((subject) => subject instanceof Poller && subject.logs.includes(log)),
      resumed: () => this.startPollers(),
    })
    this.disasters = new Disasters({
      ports,
      logs: this.logs,
      sources: this.plan.sources,
      lambda: this.lambda,
      operator: this.operator,
      vandal: this.vandal,
      checks: this.checks,
      sinks: this.sinks,
      startMs: this.startMs,
      isDelivered: () => this.isDelivered,
      isCounted: (split, position) => this.isCounted(split, position),
      startPollers: () => this.startPollers(),
      expire: () => this.table.expire(),
      spareLifeMs: options.limits?.spareLifeMs ?? LIMITS.spareLifeMs,
    })
    this.lambda.onStop = () => {
      this.operator.alarm()
      this.vandal.alarm()
    }
    new Work(this, options.limits?.chunkRows ?? LIMITS.chunkRows)
    this.lambda.onDoubt = (split, position, next) => this.doubt(split, position, next)
    this.table.onStop = () => this.operator.alarm()
    this.makePollers()
  }

  async run(): Promise<Outcome> {
    const { scheduler, swarm, options } = this
    const most = options.stepsMax ?? STEPS_MAX
    this.startPollers()
    this.tick()
    this.disasters.shake()
    let isFinished = false
    while (scheduler.steps < most && this.checks.violations.length === 0) {
      if (!swarm.hasEnded && (scheduler.steps >= FAULTY_STEPS || this.disasters.isOverdue)) {
        swarm.end()
        this.lambda.wakeAll()
      }
      await scheduler.step()
      if (!this.lambda.isBusy && this.isDone()) {
        isFinished = true
        break
      }
    }
    if (isFinished) await this.settle(most)
    else if (this.checks.violations.length === 0) this.checks.fail(`liveness: not done after ${scheduler.steps} steps`)
    return this.outcome(isFinished)
  }

  /** The current record kills the process that reads it. */
  readonly die = (source: string, split: string, position: string): never => {
    const process = this.scheduler.running!
    this.scheduler.note(`${process.name} is killed by ${source}/${split} ${position}`)
    process.kill()
    const log = this.logs.find((candidate) => candidate.plan.source === source && candidate.splitId === split)
    if (log !== undefined) this.operator.killed(log, position)
    throw new RecordRejection('killed', 'The process is dead.')
  }

  /** After everything is done, sleeping processes wake and late effects take place; none may change the results. */
  private async settle(most: number): Promise<void> {
    const before = this.digest()
    this.isSettling = true
    this.swarm.end()
    this.lambda.wakeAll()
    let idle = 0
    while (this.scheduler.steps < most + 20_000 && idle < 400) {
      if (!(await this.scheduler.step())) break
      idle = this.lambda.isAlive ? 0 : idle + 1
      if (!this.lambda.isAlive && !this.hasLate()) break
    }
    if (this.digest() !== before) this.checks.fail('invariant 7: late effects after the end have changed results')
  }

  private hasLate(): boolean {
    return this.scheduler.hasOther(TICK)
  }

  private digest(): string {
    return [...this.sinks.rows()].map(([name, rows]) => `${name} ${rows.size}`).join()
  }

  private outcome(isFinished: boolean): Outcome {
    const { scheduler } = this
    return {
      isFinished,
      violations: this.checks.violations,
      steps: scheduler.steps,
      calls: this.ports.calls,
      writes: this.ports.writes,
      invocations: this.lambda.invocations,
      simulatedMs: scheduler.now - this.startMs,
      hash: scheduler.hash >>> 0,
      rows: this.sinks.rows(),
      checks: this.checks,
      logs: this.logs,
      table: this.table,
    }
  }

  private bindings(process: Process, logger: Logger): Bindings {
    const { options, scheduler, table } = this
    return {
      state: table.store(process),
      sink: async (node) => this.sinks.open(process, node),
      inspectors: Object.fromEntries(
        this.plan.sources.map(({ name }) => [
          name,
          simInspector(
            this.ports,
            process,
            this.logs.filter(({ plan: { source } }) => source === name),
            name,
            () => this.isDelivered && options.ending !== 'clock',
          ),
        ]),
      ),
      clock: { now: () => scheduler.now + process.skewMs.now },
      ids: { next: () => `n${++this.ids}` },
      logger,
      metrics: new InvocationMetrics(),
      queue: { advance: async (request) => this.enqueue(process, request) },
      timeoutMs: TIMEOUT_MS,
      kafkaPartialAnswers: options.kafkaPartialAnswers === true,
      ...(options.limits && { limits: options.limits }),
    }
  }

  private async enqueue(process: Process, request: object): Promise<void> {
    const body = JSON.stringify(request)
    await this.ports.call(process, `${process.name} queue ${body}`, false, async () => {
      if (this.swarm.strikes('lost-message')) return
      this.message(body)
      if (this.swarm.strikes('duplicate-message')) this.message(body)
    })
  }

  private message(body: string): void {
    this.scheduler.after(1 + this.scheduler.random.below(500), `message ${body}`, () =>
      this.lambda.invoke('advance', { Records: [{ messageId: 'm', body }] }, () => undefined),
    )
  }

  private makePollers(): void {
    const most = this.options.batch ?? 6
    for (const { name, connector } of this.plan.sources) {
      const logs = this.logs.filter(({ plan: { source } }) => source === name)
      const size = connector === 'kafka' ? (this.options.partitionsPerPoller ?? logs.length) : 1
      for (let at = 0; at < logs.length; at += size)
        this.pollers.push(new Poller(this.ports, this.lambda, logs.slice(at, at + size), logs, most))
    }
  }

  private startPollers(): void {
    for (const poller of this.pollers) poller.start()
  }

  /** The schedule. */
  private tick(): void {
    const { scheduler, swarm } = this
    const tickMs = (this.options.tickMs ?? 20_000) * (this.isSettling ? 500 : this.isDelivered ? 20 : 1)
    scheduler.after(1 + scheduler.random.below(Math.max(tickMs, this.silenceMs / SILENT_TICKS)), TICK, () => {
      this.tick()
      if (swarm.strikes('lost-tick') || this.ticking > 1) return
      this.ticking++
      const isOther =
        this.table.items.find({ pk: `${this.prefix}#pipeline`, sk: '!' }) !== undefined && swarm.strikes('other-graph')
      this.lambda.invoke('tick', {}, ({ failed }) => this.ticked(failed === undefined && !isOther), undefined, isOther)
    })
  }

  /** The time until the next record arrives. */
  private get silenceMs(): number {
    const { now } = this.scheduler
    const next = Math.min(...this.logs.map((log) => log.nextArrival(now) ?? Number.POSITIVE_INFINITY))
    return next === Number.POSITIVE_INFINITY ? 0 : next - now
  }

  private ticked(isWhole: boolean): void {
    this.ticking--
    if (isWhole) this.checks.keptMs = this.scheduler.now
  }

  private isDone(): boolean {
    if (this.vandal.isAtWork) return false
    // Records that were deleted unread must be reported before the run is done.
    if (!this.pollers.every((poller) => poller.isDone) || !this.logs.every((log) => this.isAccounted(log))) return false
    if (!this.isDelivered) {
      this.isDelivered = true
      this.horizon = this.options.horizonOf(this)
      this.scheduler.note('everything is delivered')
    }
    if (!this.isClosed()) return false
    // A key group that rejoined meanwhile may have rows in later slices than were known.
    this.horizon = this.options.horizonOf(this)
    return this.isClosed()
  }

  /** A possible loss that was reported: the simulation knows the actual loss. */
  private doubt(name: string, position: string, next: string): void {
    const log = this.logs.find(({ plan, splitId }) => `${plan.source}/${splitId}` === name)
    if (log === undefined) return
    log.loses(log.after(position), Math.min(log.kept, log.indexOf(next)))
  }

  /** The successors of a split that its source lists by now. */
  private childrenOf(name: string): string[] {
    return this.logs
      .filter(
        ({ plan }) =>
          !this.swarm.counts.has('list-incomplete') &&
          plan.parents?.some((parent) => `${plan.source}/${parent}` === name),
      )
      .filter((log) => log.isListed(this.scheduler.now))
      .map((log) => log.name)
  }

  private isCounted(name: string, to: string): boolean {
    const log = this.logs.find(({ plan, splitId }) => `${plan.source}/${splitId}` === name)
    return log !== undefined && this.operator.positionOf(log) >= to
  }

  private isAccounted(log: SimLog): boolean {
    if (this.operator.isStopped(log)) return false
    const first = log.after(this.operator.positionOf(log))
    if (log.generation > 0 && this.operator.isBehind(log)) return false
    return first >= log.kept || log.lost.some(({ record }) => record === log.records[first])
  }

  /** Whether every stage has published a watermark past the horizon, and every key group is closed up to it. */
  private isClosed(): boolean {
    const { items } = this.table
    for (const stage of this.plan.stages) {
      const { published } = readWatermark(items.find(watermarkKey(this.prefix, stage.index))?.item)
      if (stage.operators.length > 0 && published < this.horizon(stage.index)) return false
      for (const { name, keyGroups, slices } of stage.operators) {
        const frontier = published >= TIME_MAX ? TIME_MAX : slices.frontier(published)
        for (let keyGroup = 0; keyGroup < keyGroups; keyGroup++) {
          const item = items.find(groupKey(this.prefix, name, keyGroup))?.item
          const at = item === undefined ? { slice: TIME_MIN, hash: undefined } : readCursor(item.cursor as string)
          if (at.slice < frontier || at.hash !== undefined) return false
        }
      }
    }
    return true
  }
}
