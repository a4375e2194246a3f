/** A record of a simulated log. */
export interface LogRecord {
  /**
   * For Kafka and files: the offset. For Kinesis: the number of the source record; the user records of one KPL
   * aggregate share it.
   */
  readonly offset: number
  /** When the broker receives it, ms after the start; from then on it can be read. */
  readonly arrivalMs: number
  /**
   * The text of the payload, or its bytes; `raw` is the event's field itself, valid base64 or not; null stands for no
   * payload.
   */
  readonly payload: string | { readonly bytes: Uint8Array } | { readonly raw: string } | null
  /** For a user record of a KPL aggregate: its index in the aggregate. */
  readonly sub?: number
  /** Kafka's key, or Kinesis' partition key, and Kafka's headers. */
  readonly key?: string | Uint8Array
  readonly headers?: readonly (readonly [name: string, value: string | Uint8Array])[]
  /** The arrival that the event states, ms since the epoch. Default: when the broker receives it. */
  readonly statedMs?: number
  /** The producer's timestamp of a Kafka record, ms since the epoch (CreateTime). Its arrival is then not stated. */
  readonly createdMs?: number
  /** Data of the generator that created the record. */
  readonly label?: unknown
}

/** The planned contents of a split's log. */
export interface LogPlan {
  readonly source: string
  readonly split: string
  readonly records: readonly LogRecord[]
  /** When its source first lists it, ms after the start. Default 0. */
  readonly fromMs?: number
  readonly parents?: readonly string[]
  /**
   * No record follows the last one. The log is closed then, but not before `closesMs` (when a shard is split or
   * merged).
   */
  readonly isClosed?: boolean
  readonly closesMs?: number
  /** Whether the arrival times of its records are unknown (Kafka's CreateTime). */
  readonly hasNoArrival?: boolean
  /** The contents of the log after its topic was recreated. */
  readonly remade?: readonly LogRecord[]
}

const SEQUENCE_PREFIX = '4964'
const SEQUENCE_DIGITS = 24

export type Connector = 'kinesis' | 'kafka' | 'file'

/** The position of a record, in the format of its source. */
export function positionOf(connector: Connector, { offset, sub }: LogRecord): string {
  if (connector !== 'kinesis') return String(offset).padStart(20, '0')
  const digits = kinesisSequence(offset)
  const position = `${String(digits.length).padStart(3, '0')}:${digits}`
  return sub === undefined ? position : `${position}:${String(sub).padStart(8, '0')}`
}

/** Sequence numbers get one more digit from a thousand records on. */
export function kinesisSequence(offset: number): string {
  return `${SEQUENCE_PREFIX}${String(offset).padStart(offset < 1000 ? SEQUENCE_DIGITS : SEQUENCE_DIGITS + 1, '0')}`
}

/** The current state of a log: the visible records, the deleted ones, and the progress of its mapping. */
export class SimLog {
  readonly plan: LogPlan
  readonly connector: Connector
  readonly startMs: number
  records: readonly LogRecord[]
  /** The index of the first record that still exists. */
  kept = 0
  /** The index from which its mapping delivers next. */
  next = 0
  /** The index after a record whose transaction marker was deleted; -1 if there is none. */
  markerGone = -1
  /** How many times its topic was recreated. */
  generation = 0
  /** The arrival times of records that arrived later than planned. */
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

  /** The id of the split in the state: a recreated log is another split. */
  get splitId(): string {
    return this.idOf(this.generation)
  }

  /** The id before the log was recreated, which the state uses until an operator resets the split. */
  get idBefore(): string {
    return this.idOf(Math.max(0, this.generation - 1))
  }

  idOf(generation: number): string {
    return generation === 0 ? this.plan.split : `${this.plan.split}@${generation}`
  }

  get name(): string {
    return `${this.plan.source}/${this.plan.split}`
  }

  /** Adds records to a log that is written while it is read. */
  append(records: readonly LogRecord[]): void {
    this.records = [...this.records, ...records]
    for (const record of records) this.positions.push(positionOf(this.connector, record))
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

  /** The position of the marker after the record before an index. */
  marker(index: number): string {
    return `${this.position(index - 1)}.`
  }

  isListed(now: number): boolean {
    return now >= this.startMs + (this.plan.fromMs ?? 0)
  }

  /** How many records are visible by now; the last source record may be an aggregate of several. */
  visible(now: number): number {
    let count = this.next
    while (count < this.records.length && this.arrivalOf(count) <= now) count++
    return count
  }

  /** When the next record arrives; undefined if none will. */
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

  /** Notes that the records of these indices were deleted unread, and that the loss was reported. */
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

  /** The end of the source record that contains the index before `end`. */
  unitEnd(end: number): number {
    let at = end
    while (at > 0 && at < this.records.length && this.records[at]!.offset === this.records[at - 1]!.offset) at++
    return at
  }

  /** The start of the source record that contains the index. */
  unitStart(index: number): number {
    let at = index
    while (at > 0 && at < this.records.length && this.records[at]!.offset === this.records[at - 1]!.offset) at--
    return at
  }

  /** The contents of its earlier generations. */
  readonly past: (readonly LogRecord[])[] = []

  /** The topic is deleted and recreated, with other records from offset 0. */
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
