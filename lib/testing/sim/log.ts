/** What a simulated log holds at one place. */
export interface LogRecord {
  /**
   * Kafka and files: the offset. Kinesis: the number of the source record; user records of one KPL aggregate share it.
   */
  readonly offset: number
  /** When the broker takes it, ms after the start; from then on it can be read. */
  readonly arrivalMs: number
  /** The payload's text, or its bytes; `raw` is what the event holds instead, base64 or not; null is none at all. */
  readonly payload: string | { readonly bytes: Uint8Array } | { readonly raw: string } | null
  /** Of a user record of a KPL aggregate: its index there. */
  readonly sub?: number
  /** For whoever made it. */
  readonly label?: unknown
}

/** A split's log, as it is to come about. */
export interface LogPlan {
  readonly source: string
  readonly split: string
  readonly records: readonly LogRecord[]
  /** When its source first lists it, ms after the start. Default 0. */
  readonly fromMs?: number
  readonly parents?: readonly string[]
  /**
   * No record comes after the last one; it is closed from then on, and not before `closesMs` (when a shard was split or
   * merged).
   */
  readonly isClosed?: boolean
  readonly closesMs?: number
  /** Nobody knows when its records arrived (Kafka's CreateTime). */
  readonly hasNoArrival?: boolean
  /** What the log holds once its topic was made anew. */
  readonly remade?: readonly LogRecord[]
}

const SEQUENCE_PREFIX = '4964'
const SEQUENCE_DIGITS = 24

export type Connector = 'kinesis' | 'kafka' | 'file'

/** The position of a record, as the design has it (section 1). */
export function positionOf(connector: Connector, { offset, sub }: LogRecord): string {
  if (connector !== 'kinesis') return String(offset).padStart(20, '0')
  const digits = kinesisSequence(offset)
  const position = `${String(digits.length).padStart(3, '0')}:${digits}`
  return sub === undefined ? position : `${position}:${String(sub).padStart(8, '0')}`
}

/** Sequence numbers grow in digits too, from a thousand records on. */
export function kinesisSequence(offset: number): string {
  return `${SEQUENCE_PREFIX}${String(offset).padStart(offset < 1000 ? SEQUENCE_DIGITS : SEQUENCE_DIGITS + 1, '0')}`
}

/** A log as it stands: what is visible, what was deleted, how far its mapping has got. */
export class SimLog {
  readonly plan: LogPlan
  readonly connector: Connector
  readonly startMs: number
  records: readonly LogRecord[]
  /** The index of the first record that is still there. */
  kept = 0
  /** The index from which its mapping delivers next. */
  next = 0
  /** The index behind a record whose marker of a transaction was deleted, or none. */
  markerGone = -1
  /** How often its topic was made anew. */
  generation = 0
  /** When records were taken that came later than planned. */
  readonly delayed = new Map<LogRecord, number>()
  /** Records that were deleted unread, by generation. */
  readonly lost: { readonly generation: number; readonly record: LogRecord }[] = []
  private positions: string[]

  constructor(plan: LogPlan, connector: Connector, startMs: number) {
    this.plan = plan
    this.connector = connector
    this.startMs = startMs
    this.records = plan.records
    this.positions = this.records.map((record) => positionOf(connector, record))
  }

  /** The split's id in the state: a log that was made anew is another split. */
  get splitId(): string {
    return this.idOf(this.generation)
  }

  /** What it was before it was made anew, until an operator says so to the state. */
  get idBefore(): string {
    return this.idOf(Math.max(0, this.generation - 1))
  }

  idOf(generation: number): string {
    return generation === 0 ? this.plan.split : `${this.plan.split}@${generation}`
  }

  get name(): string {
    return `${this.plan.source}/${this.plan.split}`
  }

  arrivalOf(index: number): number {
    return this.arrivalAt(this.records[index]!)
  }

  arrivalAt(record: LogRecord): number {
    return this.delayed.get(record) ?? this.startMs + record.arrivalMs
  }

  position(index: number): string {
    return this.positions[index]!
  }

  /** The place of the marker behind the record before an index. */
  marker(index: number): string {
    return `${this.position(index - 1)}.`
  }

  isListed(now: number): boolean {
    return now >= this.startMs + (this.plan.fromMs ?? 0)
  }

  /** How many records there are by now; the last source record may be an aggregate of some. */
  visible(now: number): number {
    let count = this.next
    while (count < this.records.length && this.arrivalOf(count) <= now) count++
    return count
  }

  /** When the next record arrives, or undefined. */
  nextArrival(now: number): number | undefined {
    const index = this.visible(now)
    return index < this.records.length ? this.arrivalOf(index) : undefined
  }

  isClosed(now: number): boolean {
    const { isClosed, closesMs = 0 } = this.plan
    return isClosed === true && now >= this.startMs + closesMs && this.visible(now) === this.records.length
  }

  indexOf(position: string): number {
    return this.positions.indexOf(position)
  }

  /** The records of these indices were deleted unread, and it was said. */
  loses(from: number, to: number): void {
    for (const record of this.records.slice(from, to))
      if (!this.lost.some((gone) => gone.record === record)) this.lost.push({ generation: this.generation, record })
  }

  /** The first index after a position. */
  after(position: string): number {
    let index = 0
    while (index < this.positions.length && this.positions[index]! <= position) index++
    return index
  }

  /** The end of the source record that holds the index before `end`. */
  unitEnd(end: number): number {
    let at = end
    while (at > 0 && at < this.records.length && this.records[at]!.offset === this.records[at - 1]!.offset) at++
    return at
  }

  /** The start of the source record that holds the index. */
  unitStart(index: number): number {
    let at = index
    while (at > 0 && at < this.records.length && this.records[at]!.offset === this.records[at - 1]!.offset) at--
    return at
  }

  /** What it held when it was another log, by generation. */
  readonly past: (readonly LogRecord[])[] = []

  /** The topic is deleted and made anew: other records, from offset 0. */
  remake(): void {
    this.past.push(this.records)
    this.records = this.plan.remade ?? []
    this.positions = this.records.map((record) => positionOf(this.connector, record))
    this.generation++
    this.kept = 0
    this.next = 0
    this.markerGone = -1
  }
}
