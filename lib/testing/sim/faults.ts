import { Random } from '../random.js'

/** A kind of fault that the simulated world can inject. */
export interface FaultKind {
  /** How often it happens where it may, at most: a seed that enables it draws its own rate up to this. */
  readonly rate: number
  /** What happens. */
  readonly what: string
}

/**
 * Everything that the simulated world does to a pipeline. Each is a thing that Lambda, an event source mapping,
 * DynamoDB, Kinesis, Kafka, a sink, a clock or an operator's hand does in fact, only more often.
 */
export const FAULTS = {
  'crash-before': { rate: 0.03, what: 'a process dies before a call has its effect' },
  'crash-after': { rate: 0.03, what: 'a process dies after a call had its effect, before the answer' },
  evict: { rate: 0.3, what: 'a warm container is thrown away: the next invocation starts cold' },
  stall: { rate: 0.01, what: 'everything stands still for seconds: invocations run into their timeout' },
  zombie: { rate: 0.03, what: 'a poller gives an attempt up, which wakes at any later time and goes on' },
  throttle: { rate: 0.05, what: 'the table throttles a request beyond all retries' },
  'throttle-burst': { rate: 0.01, what: 'the table throttles every other request for seconds' },
  'lost-request': { rate: 0.03, what: 'a request to the table never arrives, and no answer comes' },
  'lost-answer': { rate: 0.03, what: 'a request to the table has its effect, but its answer is lost' },
  'late-effect': { rate: 0.03, what: 'a write has its effect long after it was given up, behind the retry' },
  'partial-batch': { rate: 0.05, what: 'some items of one insert are written, others are not, and the call fails' },
  'sink-reject': { rate: 0.1, what: 'a sink takes nothing and fails' },
  'sink-partial': { rate: 0.1, what: 'a sink takes some batches and fails' },
  'sink-lost-answer': { rate: 0.1, what: 'a sink takes everything, and its answer is lost' },
  'sink-late-effect': { rate: 0.05, what: 'a sink takes rows long after the call was given up' },
  'duplicate-batch': { rate: 0.2, what: 'a batch that was done comes again, up to hours later' },
  'overlapping-batch': { rate: 0.3, what: 'a batch begins with records that were done' },
  'garbled-answer': { rate: 0.05, what: 'a mapping cannot use the answer, and delivers all of the batch again' },
  bisect: { rate: 0.5, what: 'a failed batch comes again, halved' },
  recut: { rate: 0.5, what: 'a failed batch comes again, cut otherwise' },
  'second-poller': { rate: 0.02, what: 'two pollers deliver one split at once, the second from an old position' },
  rebalance: { rate: 0.03, what: 'a Kafka partition goes to another poller while its batch is under way' },
  'early-child': { rate: 0.5, what: 'a shard is delivered before its parent is done' },
  'malformed-event': { rate: 0.05, what: 'an event comes that no source has' },
  'lost-message': { rate: 0.6, what: 'a request to advance is lost' },
  'duplicate-message': { rate: 0.6, what: 'a request to advance comes twice' },
  'lost-tick': { rate: 0.3, what: 'the schedule skips a beat' },
  'list-fails': { rate: 0.1, what: 'a source does not say which splits it has' },
  'list-incomplete': { rate: 0.05, what: 'a source leaves a split out of its list' },
  'peek-unknown': { rate: 0.2, what: 'a source cannot say whether something waits' },
  'verify-fails': { rate: 0.2, what: 'a source does not say whether its log goes on' },
  'clock-skew': { rate: 0.5, what: 'the clock of a container is up to ten minutes off' },
  'clock-jump': { rate: 0.01, what: 'the clock of a container jumps, forward or back, while it runs' },
  outage: { rate: 0.05, what: 'nothing is delivered for hours or days' },
  expiry: { rate: 1, what: 'an item past its time to live is deleted' },
  trim: { rate: 0.05, what: 'records are deleted before they were read' },
  'marker-trim': { rate: 0.5, what: 'the marker at the end of a quiet log is deleted, as nothing waited up to it' },
  'topic-remade': { rate: 0.2, what: 'a Kafka topic is deleted and made anew' },
  'operator-dies': { rate: 1, what: "an operator's command is killed before it has done anything, or half-way" },
  'bit-flip': { rate: 0.2, what: 'a value in the table changes by itself' },
  'lost-segment': { rate: 0.2, what: 'a segment, or a part of one, is gone from the table' },
  'other-graph': { rate: 0.02, what: 'a container with another graph starts on the same state' },
  'future-format': { rate: 0.1, what: 'a segment is in the format of a later version' },
  'killer-record': { rate: 0.02, what: 'a record that kills the process which touches it' },
  poison: { rate: 0.1, what: 'a record that is no value: bytes, base64, JSON, timestamp, or a step that throws on it' },
  oversize: { rate: 0.05, what: 'a record larger than its source allows' },
  tombstone: { rate: 0.1, what: 'a Kafka record without a value' },
  'future-stamp': { rate: 0.05, what: 'a record stamped far in the future' },
  'late-flood': { rate: 0.5, what: 'a record long behind its time' },
  'hot-key': { rate: 1, what: 'a record of the one key that most have' },
  'equal-stamps': { rate: 0.5, what: 'a record of the same time as the one before, or right at an edge of a window' },
  'offset-gap': { rate: 0.3, what: 'an offset that no record has: compaction, a transaction marker' },
  reshard: { rate: 0.5, what: 'a shard splits, or two merge' },
  'partition-added': { rate: 0.5, what: 'a partition or shard appears while the pipeline runs' },
  burst: { rate: 0.04, what: 'nothing comes for hours or days, and then what happened since' },
  idle: { rate: 0.1, what: 'a split is quiet for a while, and wakes with old records' },
  'refused-row': { rate: 1, what: 'a sink can never take a row' },
  'clock-far': { rate: 0.1, what: 'the clock of a container is an hour or years ahead' },
} as const satisfies Readonly<Record<string, FaultKind>>

export type Fault = keyof typeof FAULTS
export const FAULT_NAMES = Object.keys(FAULTS) as readonly Fault[]

export interface SwarmOptions {
  readonly seed: number
  /** Kinds that may be enabled; default all. A seed enables about a third of them. */
  readonly kinds?: readonly Fault[]
  /** Which injections take place, by their number; the others are left out. For making a failure smaller. */
  readonly allows?: (ordinal: number) => boolean
}

/**
 * The faults of one run (swarm testing: Groce and others, ISSTA 2012). Each seed enables a random third of the kinds,
 * at random rates, so that runs differ in kind and not only in order. What is counted is what was injected.
 */
export class Swarm {
  /** Injections by kind. */
  readonly counts = new Map<Fault, number>()
  /** Injections so far, left out ones too. */
  ordinals = 0
  /** Told of each injection. */
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

  /** From now on nothing is injected any more: what is left has to come right by itself. */
  end(): void {
    this.isOver = true
  }

  get hasEnded(): boolean {
    return this.isOver
  }

  /** Whether a fault of this kind happens here and now. True is an injection, and is counted as one. */
  strikes(kind: Fault): boolean {
    if (!this.chance(kind)) return false
    this.count(kind)
    return true
  }

  /** Whether one may happen; whoever brings it about counts it then. */
  chance(kind: Fault): boolean {
    const rate = this.rates.get(kind)
    if (rate === undefined || this.isOver || this.random.next() >= rate) return false
    const ordinal = this.ordinals++
    return this.allows === undefined || this.allows(ordinal)
  }

  /** An injection has taken place. */
  count(kind: Fault): void {
    this.onInjection(kind)
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1)
  }

  /** A number for the details of a fault, from 0 up to, but not, `limit`. */
  below(limit: number): number {
    return this.random.below(limit)
  }
}
