import { type Key, messageOf, named, reasonOf, TIME_MIN } from '../base/index.js'
import type { KeyedRejection } from '../keyed/index.js'
import type { OperatorPlan, Rejected, StagePlan, WindowResult } from '../pipeline/index.js'
import type { SinkNode, SinkRow } from '../ports/index.js'
import type { Interval } from '../window/index.js'
import { rowPosition } from './cursor.js'
import { FragileFold } from './fold.js'
import type { Host } from './host.js'
import type { PaneDraft } from './panes.js'
import { type Program, Rows } from './program.js'
import type { SplitState } from './split-item.js'
import { type RecordPlace, StageFold, type StageRefold } from './stage-fold.js'
import { fieldOf } from './user-code.js'

/** The place of a result among those of its slice. */
interface ResultPlace {
  readonly hash: number
  readonly rank: number
  readonly n: number
}

/** A row that an operator gives. */
export interface EmittedRow {
  readonly row: unknown
  readonly id: string
  readonly key: Key
  readonly timestamp: number
  /** The window of a result. */
  readonly window?: Interval
}

const ofResult = (row: WindowResult<any, any>): EmittedRow => ({
  row,
  id: row.id,
  key: row.key,
  timestamp: row.window.end - 1,
  window: row.window,
})

/**
 * One result on its way to the steps after its operator. For the next stage it is a record of the key group as a split.
 */
export class Emission implements RecordPlace {
  /** What the steps after the operator receive. */
  readonly row: unknown
  readonly id: string
  readonly key: Key
  readonly window: Interval | undefined
  readonly weight: 1 | -1
  readonly part: string
  /** The key group's own watermark when the result was made: the start of the slice that closed. */
  readonly own: number
  /**
   * Returns the replaced result, in case the steps keep the new result but did not keep the old one, or the reverse.
   */
  stood: (() => WindowResult<any, any> | undefined) | undefined = undefined
  /** The gate with which the next stage counts it. */
  gate = TIME_MIN
  readonly timestamp: number
  readonly source: string
  readonly slice: number
  private readonly hash: number
  /** The rank of the key among those that share its hash. */
  private readonly rank: number
  /** The index of the result among those of one key in one slice. */
  private readonly n: number

  constructor(
    operator: OperatorPlan,
    slice: number,
    part: string,
    { hash, rank, n }: ResultPlace,
    weight: 1 | -1,
    { row, id, key, timestamp, window }: EmittedRow,
  ) {
    this.row = row
    this.id = id
    this.key = key
    this.window = window
    this.weight = weight
    this.part = part
    this.own = slice - operator.slices.widthMs - operator.lagMs
    this.timestamp = timestamp
    this.source = operator.name
    this.slice = slice
    this.hash = hash
    this.rank = rank
    this.n = n
  }

  get split(): string {
    return this.source
  }
  get splitId(): string {
    return this.source
  }
  get effective(): number {
    return Math.max(this.own, this.gate) // guard: key-group-gate
  }
  get turn(): number {
    return Math.max(this.timestamp, this.effective)
  }
  /** Computed only when it is requested: results that no other operator reads do not need it. */
  get position(): string {
    return rowPosition(this.slice, this.hash, this.rank, this.n)
  }
}

/**
 * A pane whose result, or a later step, threw an error. It is rejected by (operator, key, turn), and everything else
 * continues (invariant 14).
 */
export interface FailedEmission {
  readonly row: SinkRow
  /** Default: the dead letter sink. */
  readonly sink?: SinkNode<any> | undefined
  readonly part: string
}

/**
 * Adds the results of a pane: one result, or a retraction and its replacement, or only a retraction if all rows have
 * been taken back. `n` is the index among the results of one key in one slice, and `rank` is the key's rank among those
 * that share its hash. A pane whose result throws is rejected. What it replaces is still retracted, so that the next
 * pane has nothing to retract.
 */
export function addEmissions(
  operator: OperatorPlan,
  slice: number,
  draft: PaneDraft,
  part: string,
  rank: number,
  n: number,
  emissions: Emission[],
  failed: FailedEmission[],
): void {
  const { cell, window, pane, accs, before } = draft
  const place = { hash: cell.hash, rank, n }
  const { key } = cell
  const id = `${operator.name}|${cell.text}|${window.start}-${window.end}|${pane.index}`
  const isRetracting = operator.node.accumulation === 'retracting'
  const isGone = operator.node.accumulation !== 'discarding' && isEmpty(operator, accs) // guard: gone-is-deleted
  const stood = before === undefined || isEmpty(operator, before) ? undefined : before
  const was = stood !== undefined && (isRetracting || isGone) ? valueOrNone(operator, stood) : undefined
  if (was !== undefined) {
    const taken = { key, value: was, window, pane, id: `${id}|-`, op: '-' } as const
    emissions.push(new Emission(operator, slice, part, place, -1, ofResult(taken)))
  }
  if (isGone) return
  try {
    const result = { key, value: resultValue(operator, accs), window, pane, id }
    const emission = isRetracting
      ? new Emission(operator, slice, part, { ...place, n: n + 1 }, 1, ofResult({ ...result, op: '+' }))
      : new Emission(operator, slice, part, place, 1, ofResult(result))
    if (!isRetracting && stood !== undefined) emission.stood = () => standing(operator, stood, result)
    emissions.push(emission)
  } catch (thrown) {
    const of = { id, key, window, timestamp: window.end - 1 }
    failed.push({ row: failure(operator, of, slice, thrown), part })
  }
}

/** Whether all rows have been taken back. */
function isEmpty({ takesBack, folds }: OperatorPlan, accs: readonly any[]): boolean {
  return takesBack && folds.at(-1)!.result(accs.at(-1)) === 0
}

/** The result that a pane replaces; undefined if it was never emitted. */
function standing(
  operator: OperatorPlan,
  accs: readonly any[],
  result: WindowResult<any, any>,
): WindowResult<any, any> | undefined {
  const value = valueOrNone(operator, accs)
  return value === undefined ? undefined : { ...result, value, id: `${result.id}|-`, op: '-' }
}

/** Undefined if computing the value throws. The pane was then rejected and never emitted. */
function valueOrNone(operator: OperatorPlan, accs: readonly any[]): Record<string, unknown> | undefined {
  try {
    return resultValue(operator, accs)
  } catch {
    return undefined
  }
}

function resultValue(operator: OperatorPlan, accs: readonly any[]): Record<string, unknown> {
  const { fields, folds } = operator
  const value: Record<string, unknown> = {}
  let i = 0
  try {
    for (; i < fields.length; i++) value[fields[i]!] = folds[i]!.result(accs[i])
  } catch (thrown) {
    throw named(fieldOf(operator, i), thrown)
  }
  return value
}

function failure(
  operator: OperatorPlan,
  { id, key, timestamp, window }: Pick<Emission, 'id' | 'key' | 'timestamp' | 'window'>,
  slice: number,
  thrown: unknown,
): SinkRow {
  const value: Rejected = {
    reason: reasonOf(thrown),
    detail: messageOf(thrown),
    source: operator.name,
    split: operator.name,
    position: String(slice),
    timestamp,
    operator: operator.name,
    key,
    ...(window !== undefined && { window }),
    payload: null,
  }
  return { id: `${id}|rejected`, value, order: id }
}

/** The dead letter of a row, or a timer, that user code of a keyed operator threw on. */
export function rejectedRow(operator: OperatorPlan, key: Key, text: string, rejection: KeyedRejection): SinkRow {
  const { id: of, ...rest } = rejection
  const id = `${operator.name}|${text}|${of}`
  const value: Rejected = { ...rest, source: operator.name, operator: operator.name, key }
  return { id, value, order: id }
}

/**
 * The rows of the replaced result for sinks that got no row of the new result (`kept`). They are deleted in those
 * sinks.
 */
function droppedRows(program: Program, kept: Rows, before: WindowResult<any, any> | undefined): Rows {
  const rows = new Rows()
  if (before === undefined) return rows
  // A program reuses its rows object.
  const terminals = new Set(kept.terminal.slice(0, kept.count))
  const old = program.run(before, undefined)
  for (let i = 0; i < old.count; i++) {
    if (terminals.has(old.terminal[i]!)) continue
    rows.terminal[rows.count] = old.terminal[i]!
    rows.value[rows.count++] = old.value[i]
  }
  return rows
}

/** Rows for sinks, by sink and part. */
export type PartRows = Map<SinkNode<any>, Map<string, SinkRow[]>>

export function addPartRow(parts: PartRows, sink: SinkNode<any>, part: string, row: SinkRow): void {
  let byPart = parts.get(sink)
  if (byPart === undefined) {
    byPart = new Map()
    parts.set(sink, byPart)
  }
  const rows = byPart.get(part)
  if (rows === undefined) byPart.set(part, [row])
  else rows.push(row)
}

/**
 * Runs the steps after an operator over its results. Returns the rows for sinks, by part, and a fold for the next
 * stage. Results at or before the position of the key group as its `split` are already in that stage's segments, so
 * they only go to the sinks again. `counted` is what the steps counted, if there is no next stage.
 */
export function runEmissions(
  host: Host,
  operator: OperatorPlan,
  next: StagePlan | undefined,
  emissions: readonly Emission[],
  split: SplitState | undefined,
  keep?: StageRefold,
) {
  const counted = split?.position ?? ''
  const { deadLetter } = host.plan.pipeline
  const program = host.program(operator.node.id)
  const spoilt = new Map<string, unknown>()
  for (;;) {
    const parts: PartRows = new Map()
    let part = ''
    let op: '-' | undefined
    let suffix = ''
    const fold = new StageFold({ operators: next?.operators ?? [] }, deadLetter, keep, (sink, id, value) =>
      addPartRow(parts, sink, part, { id: `${id}${suffix}`, value, order: '', ...(op && { op }) }),
    )
    let again = false
    for (const emission of emissions) {
      part = emission.part
      if (split !== undefined) emission.gate = split.gate
      try {
        if (spoilt.size > 0 && spoilt.has(emission.position)) throw spoilt.get(emission.position)
        op = emission.weight < 0 ? '-' : undefined
        suffix = ''
        const rows = program.run(emission.row, undefined)
        if (next === undefined) {
          fold.repeat(rows, emission)
          fold.tally(rows)
        } else if (emission.position <= counted)
          fold.repeat(rows, emission) // guard: passed-on-once
        else fold.accept(rows, emission.effective, emission.weight, emission)
        // guard: dropped-is-deleted
        if (emission.stood !== undefined && program.mayDrop) {
          op = '-'
          suffix = '|-'
          fold.repeat(droppedRows(program, rows, emission.stood()), emission)
        }
      } catch (thrown) {
        if (thrown instanceof FragileFold && !spoilt.has(emission.position)) {
          spoilt.set(emission.position, thrown)
          again = true
          break
        }
        if (next === undefined || emission.position > counted) {
          fold.counters.in++
          fold.counters.rejected++
        }
        addPartRow(parts, deadLetter, part, failure(operator, emission, emission.slice, thrown))
      }
    }
    if (!again) return { fold, parts, counted: next === undefined ? fold.counters : undefined }
  }
}
