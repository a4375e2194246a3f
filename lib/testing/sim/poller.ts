import { eventOf, judge, type SimRange } from './event.js'
import type { Lambda } from './lambda.js'
import type { SimLog } from './log.js'
import type { Ports } from './ports.js'

const PAUSE_MS_MAX = 400
const BACKOFF_MS_MAX = 30_000
const PARENTS_MS = 1_500
const AGAIN_MS_MAX = 15_000_000
/** Events that no source sends. */
const MALFORMED: readonly unknown[] = [
  null,
  'text',
  7,
  {},
  { Records: [{ eventSource: 'aws:sqs', body: '{}' }] },
  { Records: [{ eventSource: 'aws:kinesis', kinesis: null }] },
  { eventSource: 'aws:kafka', records: [] },
  { eventSource: 'aws:kafka', records: { 'no partition': [{}] } },
  { eventSource: 'millrace:file', source: 'nobody', records: [{ split: 'a', offset: 0, data: '{}' }] },
]

/**
 * A poller of an event source mapping: for one Kinesis shard or file, or for some partitions of a topic. It delivers in
 * order, one batch at a time, indefinitely.
 */
export class Poller {
  readonly logs: SimLog[]
  private readonly ports: Ports
  private readonly lambda: Lambda
  private readonly all: readonly SimLog[]
  private readonly most: number
  /** The batch in flight. */
  private current: object | undefined
  private failures = 0
  private limit: number
  private isWaiting = false
  /** Where a failed batch ended: it is redelivered unchanged. */
  private pinned: ReadonlyMap<SimLog, number> | undefined

  constructor(ports: Ports, lambda: Lambda, logs: SimLog[], all: readonly SimLog[], most: number) {
    this.ports = ports
    this.lambda = lambda
    this.logs = logs
    this.all = all
    this.most = most
    this.limit = most
  }

  /** Whether everything is delivered and processed. */
  get isDone(): boolean {
    return this.current === undefined && this.logs.every((log) => log.next >= log.records.length)
  }

  /** Checks for records now, or when the next ones arrive. */
  start(): void {
    if (this.current !== undefined || this.isWaiting) return
    const { scheduler } = this.ports
    const now = scheduler.now
    let at = Number.POSITIVE_INFINITY
    for (const log of this.logs) {
      if (log.next >= log.records.length) continue
      if (log.visible(now) > log.next)
        at = Math.min(at, this.isFree(log) ? now + 1 + scheduler.random.below(PAUSE_MS_MAX) : now + PARENTS_MS)
      else at = Math.min(at, log.nextArrival(now) ?? at)
    }
    if (at === Number.POSITIVE_INFINITY) return
    this.wait(at - now)
  }

  private wait(ms: number): void {
    this.isWaiting = true
    this.ports.scheduler.after(ms, '', () => {
      this.isWaiting = false
      this.poll()
    })
  }

  /** Whether a shard may be delivered: a mapping begins it only after its parents are delivered. */
  private isFree(log: SimLog): boolean {
    const parents = log.plan.parents ?? []
    if (parents.length === 0 || parents.every((parent) => this.isRead(parent))) return true
    return this.ports.swarm.strikes('early-child')
  }

  private isRead(parent: string): boolean {
    const log = this.all.find(({ plan }) => plan.split === parent)
    return log === undefined || log.next >= log.records.length
  }

  private poll(): void {
    if (this.current !== undefined) return
    const ranges = this.ranges()
    if (ranges.length === 0) this.start()
    else this.deliver(ranges)
  }

  private ranges(): SimRange[] {
    const { scheduler, swarm } = this.ports
    const ranges: SimRange[] = []
    for (const log of this.logs) {
      const visible = log.visible(scheduler.now)
      if (visible <= log.next || !this.isFree(log)) continue
      if (this.logs.length > 1 && ranges.length > 0 && scheduler.random.next() < 0.3) continue
      const cut = log.unitEnd(Math.min(visible, log.next + 1 + scheduler.random.below(this.limit)))
      const pinned = this.pinned?.get(log) ?? 0
      const to = pinned > log.next && pinned <= visible ? pinned : cut
      let from = log.next
      if (from > log.kept && swarm.strikes('overlapping-batch'))
        from = log.unitStart(Math.max(log.kept, from - 1 - swarm.below(this.most)))
      ranges.push({ log, from, to })
    }
    return ranges
  }

  private deliver(ranges: readonly SimRange[]): void {
    const { scheduler, swarm } = this.ports
    const event = eventOf(ranges)
    const token = {}
    this.current = token
    const generations = ranges.map(({ log }) => log.generation)
    const isCurrent = (): boolean =>
      this.current === token && ranges.every(({ log }, i) => log.generation === generations[i])
    scheduler.note(`deliver ${ranges.map(({ log, from, to }) => `${log.name} ${from}-${to}`).join(' ')}`)
    this.strays(ranges)
    this.lambda.invoke(
      'ingest',
      event,
      ({ answer, failed }) => {
        if (!isCurrent()) {
          if (this.current === token) this.restart()
          return
        }
        const judgement = failed === undefined && !swarm.strikes('garbled-answer') ? judge(ranges, answer) : undefined
        if (judgement?.kind !== 'resume') {
          this.fail(ranges)
          return
        }
        let taken = 0
        for (const [i, { log, from }] of ranges.entries()) {
          // A record at the start of the mapping's batch may already have been processed.
          const reached = Math.max(log.next, judgement.at[i]!)
          taken += reached - Math.max(from, log.next)
          log.next = reached
        }
        if (taken === 0) this.fail(ranges)
        else {
          this.failures = 0
          this.limit = this.most
          this.pinned = undefined
          if (swarm.strikes('duplicate-batch')) this.again(ranges, event)
          this.restart()
        }
      },
      this,
    )
    if (ranges[0]!.log.connector === 'kafka' && swarm.strikes('rebalance')) {
      scheduler.note(`rebalance ${ranges[0]!.log.plan.source}`)
      this.restart()
    }
  }

  private restart(): void {
    this.current = undefined
    this.pinned = undefined
    this.start()
  }

  private fail(ranges: readonly SimRange[]): void {
    const { scheduler, swarm } = this.ports
    this.current = undefined
    this.failures++
    const isHalved = swarm.strikes('bisect')
    this.limit = isHalved ? Math.max(1, this.limit >> 1) : this.most
    this.pinned = isHalved || swarm.strikes('recut') ? undefined : new Map(ranges.map(({ log, to }) => [log, to]))
    if (!this.isWaiting)
      this.wait(1 + scheduler.random.below(Math.min(BACKOFF_MS_MAX, 200 * 2 ** Math.min(10, this.failures))))
  }

  /** Delivers the same event again, at some later time. */
  private again(ranges: readonly SimRange[], event: unknown): void {
    const { scheduler, swarm } = this.ports
    const generations = ranges.map(({ log }) => log.generation)
    scheduler.after(swarm.below(swarm.below(2) === 0 ? AGAIN_MS_MAX : 3_000), 'a batch is redelivered', () => {
      // A mapping does not deliver records of a deleted log.
      if (ranges.every(({ log }, i) => log.generation === generations[i]))
        this.lambda.invoke('ingest', structuredClone(event), () => undefined, this)
    })
  }

  /** Batches of other senders: of a second poller, and some that no source would send. */
  private strays(ranges: readonly SimRange[]): void {
    const { scheduler, swarm } = this.ports
    if (swarm.strikes('second-poller')) {
      const { log } = ranges[0]!
      const visible = log.visible(scheduler.now)
      // The second poller starts at an earlier position of the first one, so that it never omits a record.
      const from = log.unitStart(log.kept + swarm.below(Math.max(1, log.next - log.kept + 1)))
      const to = log.unitEnd(Math.min(visible, from + 1 + swarm.below(this.most)))
      if (to > from) this.lambda.invoke('ingest', eventOf([{ log, from, to }]), () => undefined, this)
    }
    if (swarm.strikes('malformed-event'))
      this.lambda.invoke('ingest', MALFORMED[swarm.below(MALFORMED.length)], () => undefined, undefined)
  }
}
