import type { Place } from '../aggregate/index.js'
import type { OperatorPlan, Rejected, StagePlan } from '../pipeline/index.js'
import type { SinkNode, SinkRow } from '../ports/index.js'
import type { WindowStanding } from '../window/index.js'
import { OperatorFold, type Refold } from './fold.js'
import type { Slot } from './key-table.js'
import type { Limits } from './limits.js'
import type { Rows, Terminal } from './program.js'
import { type Counters, noCounters } from './split-item.js'

/**
 * The current record: its place, and what to report if one of its rows expires. The object is reused, and fields may be
 * computed when they are read.
 */
export interface RecordPlace extends Place {
  /** Unique, and the same in every attempt. It is a prefix of the ids of all rows that the record becomes. */
  readonly id: string
  readonly source: string
  /** The split's id within its source. */
  readonly splitId: string
}

/** The limits that end a chunk before its records do. */
export type ChunkLimits = Pick<Limits, 'chunkEntries' | 'chunkRows' | 'chunkBytes' | 'chunkSegments'>

/** Receives a row that the stateless steps send to a sink. */
type Output = (sink: SinkNode<any>, id: string, value: unknown, place: RecordPlace) => void

/** Decides, by operator, which rows of which chains to keep when a chunk is folded again (invariant 2). */
export type StageRefold = (operator: number, lane: number, bucketEnd: number, position: string) => boolean

/**
 * The rows of one chunk of one split, for all operators of its stage. For each row and window it decides counted, late
 * or expired by the effective own watermark alone (invariant 1), and counts the rows (invariant 10). Its contents are
 * written in the order of invariant 3.
 */
export class StageFold {
  readonly folds: readonly OperatorFold[]
  readonly counters: Counters
  /** Rows for sinks, in the order of their records: outputs, rejected rows and expired rows. */
  readonly sinkRows = new Map<SinkNode<any>, SinkRow[]>()
  private readonly deadLetter: SinkNode<any>
  private readonly output: Output
  private readonly slots: Slot[] = []
  private emitted = 0
  /** The bytes of the accepted payloads, plus the payload bytes of each row that goes to a sink. */
  private bytes = 0
  private recordBytes = 0

  /** `output` receives what the stateless steps send to sinks. By default it is added to the split's other rows. */
  constructor(stage: Pick<StagePlan, 'operators'>, deadLetter: SinkNode<any>, refold?: StageRefold, output?: Output) {
    this.output = output ?? ((sink, id, value, place) => this.emit(sink, { id, value, order: place.position }))
    this.folds = stage.operators.map((operator, index) => {
      const only: Refold | undefined =
        refold && ((lane, bucketEnd, position) => refold(index, lane, bucketEnd, position))
      return new OperatorFold(operator, only)
    })
    this.counters = noCounters(stage.operators.length)
    this.deadLetter = deadLetter
  }

  /**
   * Whether a chunk has reached one of its limits: of memory, or of what has to be written before its checkpoint
   * (invariant 11).
   */
  isFull(limits: ChunkLimits): boolean {
    let cells = this.emitted
    let segments = 0
    for (const fold of this.folds) {
      cells += fold.cells
      segments += fold.segmentsMost
    }
    return (
      cells > limits.chunkEntries ||
      this.emitted >= limits.chunkRows ||
      this.bytes >= limits.chunkBytes ||
      segments >= limits.chunkSegments
    )
  }

  /**
   * Counts the rows that one record became.
   * @throws {RecordRejection} before anything has changed, if a key is not valid; a `FragileFold` at any time
   */
  accept(rows: Rows, own: number, weight: 1 | -1, place: RecordPlace): void {
    const { slots } = this
    for (let i = 0; i < rows.count; i++) {
      const terminal = rows.terminal[i]!
      if (terminal.kind === 'operator') slots[i] = this.folds[terminal.operator.index]!.slot(rows.key[i]!)
    }
    for (let i = 0; i < rows.count; i++) {
      const terminal = rows.terminal[i]!
      if (terminal.kind === 'sink') this.send(terminal, rows, i, place)
      else this.count(rows, i, slots[i]!, terminal.operator, own, weight, place)
    }
    this.tally(rows)
  }

  /** Counts one accepted record, or one result whose rows only go to sinks. */
  tally(rows: Rows): void {
    const { counters } = this
    counters.in++
    if (rows.count > 0) counters.passed++
    else counters.filtered++
    const { steps } = counters
    for (let i = 0; i < rows.noted; i++) {
      const counter = rows.counter[i]!
      while (steps.length <= counter) steps.push(0)
      steps[counter]! += rows.by[i]!
    }
  }

  private count(
    rows: Rows,
    i: number,
    slot: Slot,
    operator: OperatorPlan,
    own: number,
    weight: 1 | -1,
    place: RecordPlace,
  ): void {
    const { index } = operator
    const counts = this.counters.operators[index]!
    const { slices } = operator
    const { timestamp } = place
    if (operator.logic !== undefined) {
      // The slice of its turn processes the row, so that rows of all splits are in one order.
      counts.counted++
      if (own > timestamp) counts.late++
      this.folds[index]!.add(slot, slices.sliceEnd(own > timestamp ? own : timestamp), rows.inputs[i]!, weight, place)
      return
    }
    const mine = slices.sliceEnd(timestamp)
    if (mine > own) {
      const windows = slices.windowCount(timestamp)
      if (windows === 0) {
        counts.outside++
        return
      }
      counts.counted += windows
      this.folds[index]!.add(slot, mine, rows.inputs[i]!, weight, place)
      return
    }
    const standing = slices.standing(timestamp, own)
    const { count, expired } = standing
    if (count === 0) counts.outside++
    counts.expired += expired
    counts.counted += count - expired
    counts.late += standing.late
    if (expired > 0) this.expire(operator, standing, rows.value[i], slot, i, place)
    if (expired === count) return
    const first = slices.windowAt(standing, expired).end
    this.folds[index]!.addLate(slot, slices.sliceEnd(own), mine, first, rows.inputs[i]!, weight, place)
  }

  /** Makes one row for the late output, whatever the number of windows that no longer accept it. */
  private expire(
    operator: OperatorPlan,
    standing: WindowStanding,
    value: unknown,
    slot: Slot,
    i: number,
    place: RecordPlace,
  ): void {
    const { slices } = operator
    const { expired } = standing
    const row: Rejected = {
      reason: 'expired',
      detail: 'The window no longer accepted rows when this one arrived.',
      source: place.source,
      split: place.splitId,
      position: place.position,
      timestamp: place.timestamp,
      operator: operator.name,
      key: slot.key,
      windows: { count: expired, first: slices.windowAt(standing, 0), last: slices.windowAt(standing, expired - 1) },
      payload: value,
    }
    this.emit(operator.late ?? this.deadLetter, {
      id: `${place.id}/${i}/${operator.name}`,
      value: row,
      order: place.position,
    })
  }

  /** Sends the sink rows of a record that its split already counted in an earlier attempt. Nothing else happens. */
  repeat(rows: Rows, place: RecordPlace): void {
    for (let i = 0; i < rows.count; i++) {
      const terminal = rows.terminal[i]!
      if (terminal.kind === 'sink') this.send(terminal, rows, i, place)
    }
  }

  /**
   * The first row of a record for a sink has the record's id, and the next ones get a number appended. So a graph may
   * grow without changing ids.
   */
  private send(terminal: Extract<Terminal, { kind: 'sink' }>, rows: Rows, i: number, place: RecordPlace): void {
    let n = 0
    for (let j = 0; j < i; j++) {
      const before = rows.terminal[j]!
      if (before.kind === 'sink' && before.sink === terminal.sink) n++
    }
    this.output(terminal.sink, n === 0 ? place.id : `${place.id}/${n}`, rows.value[i], place)
  }

  /**
   * Sends a record that cannot be counted, or a whole unit of records, to the dead letter sink, and the split continues
   * (invariant 14). `bytes` is the size of the record that the dead letter keeps.
   */
  reject(id: string, row: Rejected, bytes = 0, records = 1): void {
    this.bytes += bytes // guard: letter-bytes
    this.counters.in += records
    this.counters.rejected += records
    this.emit(this.deadLetter, { id, value: row, order: row.position })
  }

  /** Counts a record that has no value (a tombstone). */
  pass(): void {
    this.counters.in++
    this.counters.filtered++
    this.counters.empty++
  }

  /** Notes the size of the next record, in bytes. */
  next(bytes: number): void {
    this.recordBytes = bytes
    this.bytes += bytes
  }

  private emit(sink: SinkNode<any>, row: SinkRow): void {
    this.emitted++
    this.bytes += this.recordBytes
    const rows = this.sinkRows.get(sink)
    if (rows === undefined) this.sinkRows.set(sink, [row])
    else rows.push(row)
  }
}
