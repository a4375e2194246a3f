import { type Key, TIME_MIN } from '../../base/index.js'
import { type OperatorPlan, type Pipeline, plan } from '../../pipeline/index.js'
import type { SinkRow } from '../../ports/index.js'
import type { Interval } from '../../window/index.js'
import type { SplitStatusRow } from '../status.js'
import { resultName, type TracedResult, type TracedRow, type TracedValue, Tracer } from '../tracing.js'

/** A record by its position in a split. */
export interface RecordPosition {
  readonly source: string
  readonly split: string
  readonly position: string
}

/** How a window treated a row: the row came before its end, after its end but in time, or too late. */
export type Standing = 'open' | 'late' | 'expired'

/** The windows of an operator that a row belongs to. */
export interface WindowsOfRow {
  readonly operator: string
  readonly key: Key
  /** In ascending order of their ends. */
  readonly windows: readonly (Interval & { readonly standing: Standing })[]
}

/** What happened to a record, step by step, and the results that contain it. */
export interface TracedRecord {
  readonly outcome: 'counted' | 'filtered' | 'rejected' | 'no value'
  /** The watermark of its split before and after the record, ms; undefined if there was none. */
  readonly watermark: { readonly before: number | undefined; readonly after: number | undefined }
  /** One entry per value that was decoded from the record, unless the record was rejected before. */
  readonly values: readonly (TracedValue & { readonly windows: readonly WindowsOfRow[] })[]
  readonly results: readonly TracedResult[]
  readonly rows: readonly TracedRow[]
}

/**
 * Follows one record through a run of its pipeline. The record must be delivered alone, and the state of its split must
 * be reported before and after it.
 */
export class RecordTrace {
  before: SplitStatusRow | undefined
  after: SplitStatusRow | undefined
  private readonly tracer: Tracer
  private readonly operators: ReadonlyMap<string, OperatorPlan>
  private readonly followed = new Set<string>()
  private readonly windowsOf: [value: TracedValue | TracedResult, windows: WindowsOfRow][] = []

  constructor(pipeline: Pipeline, { source, split, position }: RecordPosition) {
    this.operators = new Map(plan(pipeline).operators.map((operator) => [operator.name, operator]))
    this.tracer = new Tracer(pipeline, {
      record: (meta) =>
        meta.source === source &&
        meta.split === split &&
        (meta.position === position || meta.position.startsWith(`${position}:`)),
      result: (operator, { key, window }) => this.followed.has(resultName(operator, key, window)),
      entered: (operator, key, value) => this.entered(operator, key, value),
    })
    this.tracer.follow(`${source}/${split}/${position}`)
  }

  /** The pipeline to run. */
  get pipeline(): Pipeline {
    return this.tracer.pipeline
  }

  /** Must be called with the rows that each sink receives. */
  written(sink: string, rows: readonly SinkRow[]): void {
    this.tracer.written(sink, rows)
  }

  traced(): TracedRecord {
    const { before, after, tracer, windowsOf } = this
    return {
      outcome: outcomeOf(before, after),
      watermark: { before: before?.ownWatermark, after: after?.ownWatermark },
      values: tracer.values.map((value) => ({
        ...value,
        windows: windowsOf.filter(([of]) => of === value).map(([, windows]) => windows),
      })),
      results: tracer.results,
      rows: tracer.rows,
    }
  }

  private entered(operator: string, key: Key, value: TracedValue | TracedResult | undefined): void {
    if (value === undefined) return
    const own = 'meta' in value ? (this.before?.ownWatermark ?? TIME_MIN) : TIME_MIN
    const entry = standing(this.operators.get(operator)!, key, timeOf(value), own)
    this.windowsOf.push([value, entry])
    for (const window of entry.windows)
      if (window.standing !== 'expired') this.followed.add(resultName(operator, key, window))
  }
}

function outcomeOf(before: SplitStatusRow | undefined, after: SplitStatusRow | undefined): TracedRecord['outcome'] {
  const grown = (of: (split: SplitStatusRow) => number): boolean =>
    after !== undefined && of(after) > (before === undefined ? 0 : of(before))
  if (grown((split) => split.passed)) return 'counted'
  if (grown((split) => split.rejected)) return 'rejected'
  return grown((split) => split.empty) ? 'no value' : 'filtered'
}

/** The event time of a record's value or of a result, ms. */
export function timeOf(value: Pick<TracedValue, 'time'> | TracedResult): number {
  if ('result' in value) return value.result.window.end - 1
  const { time } = value
  return Math.floor(time instanceof Date ? time.getTime() : (time as number))
}

function standing({ name, slices }: OperatorPlan, key: Key, time: number, own: number): WindowsOfRow {
  const stands = slices.standing(time, own)
  const windows = Array.from({ length: stands.count }, (_, i) => ({
    ...slices.windowAt(stands, i),
    standing:
      i < stands.expired
        ? ('expired' as const)
        : i < stands.expired + stands.late
          ? ('late' as const)
          : ('open' as const),
  }))
  return { operator: name, key, windows }
}

/** What became of a record, in one word. */
export type Verdict =
  | 'rejected'
  | 'no value'
  | 'filtered'
  | 'passed on'
  | 'counted'
  | 'late'
  | 'partly expired'
  | 'expired'

/**
 * `late`: it is counted, but in a window that had ended before it arrived. `partly expired`: some of its windows no
 * longer accepted it. `passed on`: it reached a sink, and no window.
 */
export function verdictOf({ outcome, values }: TracedRecord): Verdict {
  if (outcome !== 'counted') return outcome
  const windows = values.flatMap((value) => value.windows).flatMap((of) => of.windows)
  if (windows.length === 0) return 'passed on'
  const expired = windows.filter((window) => window.standing === 'expired').length
  if (expired === windows.length) return 'expired'
  if (expired > 0) return 'partly expired'
  return windows.some((window) => window.standing === 'late') ? 'late' : 'counted'
}
