import { START } from '../../runtime/keys.js'
import { RETENTION_MS } from './inspector.js'
import type { Invariants } from './invariants.js'
import type { Lambda } from './lambda.js'
import type { SimLog } from './log.js'
import type { Operator } from './operator.js'
import { Poller } from './poller.js'
import type { Ports } from './ports.js'
import type { SimSinks } from './sinks.js'
import type { Vandal } from './vandal.js'

const SHAKE_MS = 3_000
const OUTAGE_MS_MAX = 200_000_000
const TRIM_MS_MAX = 20_000
/**
 * The longest outage, as a share of the time that segments may wait without a tick. After a longer one they would reach
 * their time to live, and the pipeline would have to stop. Another test covers that.
 */
const OUTAGES_SHARE = 3 / 7
/** The longest time for which the schedule may fail, as a share of the same time. */
const FAILURES_SHARE = 4 / 7
const DAMAGES = ['bit-flip', 'lost-segment', 'future-format'] as const

/** The parts of a world that its disasters affect. */
export interface Reach {
  readonly ports: Ports
  readonly logs: readonly SimLog[]
  readonly sources: readonly { readonly name: string }[]
  readonly lambda: Lambda
  readonly operator: Operator
  readonly vandal: Vandal
  readonly checks: Invariants
  readonly sinks: SimSinks
  readonly startMs: number
  readonly isDelivered: () => boolean
  readonly isCounted: (split: string, position: string) => boolean
  readonly startPollers: () => void
  readonly expire: () => void
  readonly spareLifeMs: number
}

/**
 * Faults of the whole region: nothing is delivered for days, logs lose unread records, topics are recreated, and the
 * table is changed from outside.
 */
export class Disasters {
  private readonly ports: Ports
  private readonly logs: readonly SimLog[]
  private readonly sources: Reach['sources']
  private readonly lambda: Lambda
  private readonly operator: Operator
  private readonly vandal: Vandal
  private readonly checks: Invariants
  private readonly sinks: SimSinks
  private readonly startMs: number
  private readonly isDelivered: () => boolean
  private readonly isCounted: Reach['isCounted']
  private readonly startPollers: () => void
  private readonly expire: () => void
  private readonly spareLifeMs: number

  constructor(reach: Reach) {
    this.ports = reach.ports
    this.logs = reach.logs
    this.sources = reach.sources
    this.lambda = reach.lambda
    this.operator = reach.operator
    this.vandal = reach.vandal
    this.checks = reach.checks
    this.sinks = reach.sinks
    this.startMs = reach.startMs
    this.isDelivered = reach.isDelivered
    this.isCounted = reach.isCounted
    this.startPollers = reach.startPollers
    this.expire = reach.expire
    this.spareLifeMs = reach.spareLifeMs
  }

  /** Injects such a fault at intervals. */
  shake(): void {
    const { scheduler, swarm } = this.ports
    if (swarm.hasEnded) return
    scheduler.after(1 + swarm.below(SHAKE_MS * (this.isDelivered() ? 20 : 1)), '', () => {
      if (swarm.hasEnded) return
      if (swarm.strikes('outage')) this.outage(swarm.below(OUTAGE_MS_MAX))
      this.vandal.act(!this.lambda.isAlive && this.ports.latent === 0, this.isCounted)
      if (this.vandal.isAtWork) {
        this.shake()
        return
      }
      // Once everything is delivered, the logs no longer change.
      if (!this.isDelivered() && swarm.chance('trim')) this.trim()
      if (swarm.chance('marker-trim')) this.trimMarkers()
      if (!this.isDelivered() && swarm.chance('topic-remade')) this.remake()
      this.shake()
    })
  }

  /** How long it is since all waiting state was certainly renewed, ms. */
  private unkeptMs(): number {
    const { scheduler, swarm } = this.ports
    // An item that is restored has its old time to live, which no tick has extended.
    const isDamaged = DAMAGES.some((kind) => swarm.has(kind))
    return scheduler.now - (isDamaged ? this.startMs : Math.max(this.startMs, this.checks.keptMs))
  }

  /** Whether the schedule has failed for so long that state would expire; faults have to end then. */
  get isOverdue(): boolean {
    return this.unkeptMs() > this.spareLifeMs * FAILURES_SHARE
  }

  private outage(ms: number): void {
    const { scheduler } = this.ports
    if (this.unkeptMs() + ms > this.spareLifeMs * OUTAGES_SHARE) return
    scheduler.now += ms
    scheduler.note(`an outage of ${ms} ms`)
    this.expire()
  }

  /**
   * Nothing is read for as long as records are retained. The records of that time are old by then, and are deleted
   * while they are being read; the records after them are new. Then neither the age of the next record nor the last
   * checkpoint shows that records were lost.
   */
  private trim(): void {
    const { scheduler, swarm } = this.ports
    this.outage(RETENTION_MS + swarm.below(RETENTION_MS))
    const { now } = scheduler
    for (const log of this.logs) {
      if (log.connector === 'file') continue
      // Attempts in flight are killed: their records must not be given a later arrival.
      this.lambda.killAll((subject) => subject instanceof Poller && subject.logs.includes(log))
      const position = this.operator.positionOf(log)
      if (this.isHalfDone(log, position)) continue
      // The position of a mapping without partial answers is before records of a partition that are already counted.
      const next = Math.max(log.next, log.after(position))
      const visible = log.visible(now)
      if (visible <= next) continue
      const first = log.unitEnd(next + swarm.below(visible - next + 1))
      let arrival = now
      for (let index = first; index < log.records.length; index++) {
        if (index > first && log.records[index]!.offset !== log.records[index - 1]!.offset)
          arrival += swarm.below(40_000)
        if (log.arrivalOf(index) < arrival) log.delayed.set(log.records[index]!, arrival)
      }
    }
    scheduler.after(1 + swarm.below(TRIM_MS_MAX), 'old records are deleted', () => this.delete(now - RETENTION_MS))
  }

  private delete(beforeMs: number): void {
    if (this.ports.swarm.hasEnded || this.vandal.isAtWork) return
    for (const log of this.logs) {
      // A split that was never read begins where its log begins.
      const position = this.operator.positionOf(log)
      if (log.connector === 'file' || position === START) continue
      // Segments that an attempt wrote before their record was deleted unread may be counted. The docs allow that, but
      // the oracle could not predict it.
      this.lambda.killAll((subject) => subject instanceof Poller && subject.logs.includes(log))
      if (this.isHalfDone(log, position)) continue
      const visible = log.visible(this.ports.scheduler.now)
      while (log.kept < visible && log.arrivalOf(log.kept) < beforeMs) log.kept = log.unitEnd(log.kept + 1)
      if (log.kept > log.after(position)) this.ports.swarm.count('trim')
      // An operator has already accepted the loss of all records before the next one that is read.
      if (this.operator.hasAccepted(log, position)) log.loses(log.after(position), log.kept)
      log.next = Math.max(log.next, log.kept)
    }
    this.startPollers()
  }

  /** Retention passes the end of a log that was read completely, and that its source had reported as empty. */
  private trimMarkers(): void {
    const { scheduler, swarm } = this.ports
    for (const log of this.logs) {
      if (log.connector !== 'kafka') continue
      const read = log.after(this.operator.positionOf(log))
      if (read === 0 || read < log.kept || read !== log.visible(scheduler.now) || read === log.markerGone) continue
      if (this.operator.emptyTo(log) < log.marker(read)) continue
      log.markerGone = read
      swarm.count('marker-trim')
    }
  }

  /** Whether an attempt has written something for records after the position, or still may. */
  private isHalfDone(log: SimLog, position: string): boolean {
    const name = `${log.plan.source}/${log.splitId}`
    return this.ports.latent > 0 || this.checks.isAhead(name, position) || this.sinks.isAhead(name, position)
  }

  /** A topic is deleted and recreated, and contains less than was read of the old one. */
  private remake(): void {
    for (const { name } of this.sources) {
      const logs = this.logs.filter(({ plan: { source } }) => source === name)
      const isFit = (log: SimLog): boolean => {
        const last = log.plan.remade?.at(-1)
        return (
          last !== undefined &&
          log.generation === 0 &&
          !this.isHalfDone(log, this.operator.positionOf(log)) &&
          this.operator.positionOf(log) > String(last.offset).padStart(20, '0')
        )
      }
      if (logs.length === 0 || logs[0]!.connector !== 'kafka' || !logs.every(isFit)) continue
      this.ports.swarm.count('topic-remade')
      this.lambda.killAll((subject) => subject instanceof Poller && logs.some((log) => subject.logs.includes(log)))
      for (const log of logs) log.remake()
      this.startPollers()
    }
  }
}
