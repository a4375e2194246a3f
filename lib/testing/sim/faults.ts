import { Random } from '../random.js'

/** A kind of fault that the simulated world can inject. */
export interface FaultKind {
  /** The maximum share of opportunities at which it happens: a seed that enables it draws its own rate up to this. */
  readonly rate: number
  /** What happens. */
  readonly what: string
}

/**
 * All faults that the simulated world injects into a pipeline. Lambda, an event source mapping, DynamoDB, Kinesis,
 * Kafka, a sink, a clock or an operator causes each of them in reality, only less often.
 */
export const FAULTS = {
  'crash-before': { rate: 0.03, what: 'a process dies before its call takes effect' },
  'crash-after': { rate: 0.03, what: 'a process dies after its call took effect, before the answer' },
  evict: { rate: 0.3, what: 'a warm container is discarded: the next invocation starts cold' },
  stall: { rate: 0.01, what: 'everything stalls for seconds: invocations reach their timeout' },
  zombie: { rate: 0.03, what: 'a poller abandons an attempt, which wakes up at some later time and continues' },
  throttle: { rate: 0.05, what: 'the table throttles a request beyond all retries' },
  'throttle-burst': { rate: 0.01, what: 'the table throttles every other request for seconds' },
  'lost-request': { rate: 0.03, what: 'a request to the table never arrives, and no answer comes' },
  'lost-answer': { rate: 0.03, what: 'a request to the table takes effect, but its answer is lost' },
  'late-effect': { rate: 0.03, what: 'a write takes effect long after it was abandoned, after the retry' },
  'partial-batch': { rate: 0.05, what: 'some items of one insert are written, others are not, and the call fails' },
  'sink-reject': { rate: 0.1, what: 'a sink accepts nothing and fails' },
  'sink-partial': { rate: 0.1, what: 'a sink accepts some batches and fails' },
  'sink-lost-answer': { rate: 0.1, what: 'a sink accepts everything, and its answer is lost' },
  'sink-late-effect': { rate: 0.05, what: 'a sink accepts rows long after the call was abandoned' },
  'duplicate-batch': { rate: 0.2, what: 'a batch that was processed is redelivered, up to hours later' },
  'overlapping-batch': { rate: 0.3, what: 'a batch begins with records that were already processed' },
  'garbled-answer': { rate: 0.05, what: 'a mapping cannot use the answer, and redelivers the whole batch' },
  bisect: { rate: 0.5, what: 'a failed batch is redelivered in halves' },
  recut: { rate: 0.5, what: 'a failed batch is redelivered with other boundaries' },
  'second-poller': {
    rate: 0.02,
    what: 'two pollers deliver one split at the same time, the second from an old position',
  },
  rebalance: { rate: 0.03, what: 'a Kafka partition moves to another poller while its batch is in flight' },
  'early-child': { rate: 0.5, what: 'a shard is delivered before its parent is processed' },
  'malformed-event': { rate: 0.05, what: 'an event arrives that no source sends' },
  'lost-message': { rate: 0.6, what: 'a request to advance is lost' },
  'duplicate-message': { rate: 0.6, what: 'a request to advance is delivered twice' },
  'lost-tick': { rate: 0.3, what: 'the schedule skips a tick' },
  'list-fails': { rate: 0.1, what: 'a source cannot list its splits' },
  'list-incomplete': { rate: 0.05, what: 'a source omits a split from its list' },
  'peek-unknown': { rate: 0.2, what: 'a source cannot report whether records are waiting' },
  'verify-fails': { rate: 0.2, what: 'a source cannot report whether its log continues' },
  'clock-skew': { rate: 0.5, what: 'the clock of a container is up to ten minutes off' },
  'clock-jump': { rate: 0.01, what: 'the clock of a container jumps, forward or back, while it runs' },
  outage: { rate: 0.05, what: 'nothing is delivered for hours or days' },
  expiry: { rate: 1, what: 'an item past its time to live is deleted' },
  trim: { rate: 0.05, what: 'records are deleted before they were read' },
  'marker-trim': {
    rate: 0.5,
    what: 'the marker at the end of an idle log is deleted, after all records before it were read',
  },
  'topic-remade': { rate: 0.2, what: 'a Kafka topic is deleted and recreated' },
  'operator-dies': { rate: 1, what: "an operator's command is killed before it has done anything, or midway" },
  'bit-flip': { rate: 0.2, what: 'a value in the table changes by itself' },
  'lost-segment': { rate: 0.2, what: 'a segment, or a part of one, is lost from the table' },
  'other-graph': { rate: 0.02, what: 'a container with another graph starts on the same state' },
  'future-format': { rate: 0.1, what: 'a segment is in the format of a later version' },
  'killer-record': { rate: 0.02, what: 'a record kills the process that reads it' },
  poison: { rate: 0.1, what: 'a record is invalid: its bytes, base64, JSON or timestamp, or a step throws on it' },
  oversize: { rate: 0.05, what: 'a record is larger than its source allows' },
  tombstone: { rate: 0.1, what: 'a Kafka record has a null value' },
  'future-stamp': { rate: 0.05, what: 'a record has a timestamp far in the future' },
  'late-flood': { rate: 0.5, what: 'a record arrives long after its timestamp' },
  'hot-key': { rate: 1, what: 'a record has the one key that most records have' },
  'equal-stamps': {
    rate: 0.5,
    what: 'a record has the same timestamp as the previous one, or the exact edge of a window',
  },
  'offset-gap': { rate: 0.3, what: 'an offset has no record: compaction, or a transaction marker' },
  reshard: { rate: 0.5, what: 'a shard splits, or two merge' },
  'partition-added': { rate: 0.5, what: 'a partition or shard appears while the pipeline runs' },
  burst: { rate: 0.04, what: 'nothing arrives for hours or days, and then all records of that time' },
  idle: { rate: 0.1, what: 'a split is idle for a while, and resumes with old records' },
  'refused-row': { rate: 1, what: 'a sink permanently refuses a row' },
  'clock-far': { rate: 0.1, what: 'the clock of a container is an hour or years ahead' },
} as const satisfies Readonly<Record<string, FaultKind>>

export type Fault = keyof typeof FAULTS
export const FAULT_NAMES = Object.keys(FAULTS) as readonly Fault[]

export interface SwarmOptions {
  readonly seed: number
  /** Kinds that may be enabled; default all. A seed enables about a third of them. */
  readonly kinds?: readonly Fault[]
  /** Which injections take place, by their number; the others are omitted. Used to minimize a failure. */
  readonly allows?: (ordinal: number) => boolean
}

/**
 * The faults of one run (swarm testing: Groce and others, ISSTA 2012). Each seed enables a random third of the kinds,
 * at random rates, so that runs differ in their kinds of faults and not only in their order. Injected faults are
 * counted.
 */
export class Swarm {
  /** Injections by kind. */
  readonly counts = new Map<Fault, number>()
  /** Number of injections so far, including omitted ones. */
  ordinals = 0
  /** Called with each injection. */
  onInjection: (kind: Fault) => void = () => undefined
  private readonly rates = new Map<Fault, number>()
  private readonly random: Random
  private readonly allows: ((ordinal: number) => boolean) | undefined
  private isOver = false

  constructor({ seed, kinds = FAULT_NAMES, allows }: SwarmOptions) {
    this.random = new Random(seed ^ 0x2545f491)
    this.allows = allows
    for (const kind of FAULT_NAMES) {
      const share = this.random.next()
      const height = this.random.next()
      if (!kinds.includes(kind) || share >= 1 / 3) continue
      this.rates.set(kind, FAULTS[kind].rate * (0.05 + 0.95 * height))
    }
  }

  has(kind: Fault): boolean {
    return this.rates.has(kind)
  }

  /** Ends the injection of faults: from now on the pipeline has to recover by itself. */
  end(): void {
    this.isOver = true
  }

  get hasEnded(): boolean {
    return this.isOver
  }

  /** Whether a fault of this kind happens at this point. If true, the injection is counted. */
  strikes(kind: Fault): boolean {
    if (!this.chance(kind)) return false
    this.count(kind)
    return true
  }

  /** Whether a fault of this kind may happen; the caller counts it when it takes place. */
  chance(kind: Fault): boolean {
    const rate = this.rates.get(kind)
    if (rate === undefined || this.isOver || this.random.next() >= rate) return false
    const ordinal = this.ordinals++
    return this.allows === undefined || this.allows(ordinal)
  }

  /** Counts an injection that has taken place. */
  count(kind: Fault): void {
    this.onInjection(kind)
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1)
  }

  /** A random number for the details of a fault, from 0 (inclusive) to `limit` (exclusive). */
  below(limit: number): number {
    return this.random.below(limit)
  }
}
