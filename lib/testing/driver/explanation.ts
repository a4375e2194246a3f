import type { Key } from '../../base/index.js'
import { stepLabel, type WindowResult } from '../../pipeline/index.js'
import { type Standing, type TracedRecord, timeOf, type Verdict, verdictOf } from '../explain/record-trace.js'
import { recordText, rejectionOf } from '../explain/text.js'
import type { TracedStep } from '../tracing.js'

/** Where a record is, and why. */
export interface Explanation {
  readonly source: string
  readonly split: string
  readonly position: string
  readonly verdict: Verdict
  /** For a rejected record: the reason and the detail of its dead letter. */
  readonly reason?: string
  readonly detail?: string
  /** Its event time, ms since the epoch; of the first value, if the record holds several. Undefined if it has none. */
  readonly time: number | undefined
  /** The watermark of its split before and after the record, ms since the epoch; undefined if there was none. */
  readonly watermark: { readonly before: number | undefined; readonly after: number | undefined }
  /** What each step did with it, in order. */
  readonly steps: readonly ExplainedStep[]
  /** The windows that it belongs to, and whether each of them counted it. */
  readonly windows: readonly ExplainedWindow[]
  /** The results so far that contain it. */
  readonly results: readonly (WindowResult<Key, unknown> & { readonly operator: string })[]
  /** The rows that sinks received because of it, including those of `results`. */
  readonly rows: readonly { readonly sink: string; readonly value: unknown; readonly op: '+' | '-' }[]
  /** All of this in words. */
  readonly text: string
}

export interface ExplainedStep {
  /** The kind of the step, or the name of an operator. */
  readonly step: string
  readonly value: unknown
  /** What its function returned: for a filter whether it keeps the value, for an operator the key. */
  readonly gave: unknown
  /** What it threw instead. */
  readonly threw?: string
}

export interface ExplainedWindow {
  readonly operator: string
  readonly key: Key
  readonly start: number
  readonly end: number
  /**
   * `open`: the window had not ended, and counts it. `late`: the window had ended, and still counts it. `expired`: the
   * window no longer accepted it.
   */
  readonly standing: Standing
}

/** A traced record as `explain` reports it. `text` is its payload. */
export function explanationOf(
  record: { readonly source: string; readonly split: string; readonly position: string; readonly text: string },
  traced: TracedRecord,
): Explanation {
  const { source, split, position } = record
  const verdict = verdictOf(traced)
  const letter = verdict === 'rejected' ? rejectionOf(traced) : undefined
  const [first] = traced.values
  const time = first === undefined ? Number.NaN : timeOf(first)
  return {
    source,
    split,
    position,
    verdict,
    ...(letter?.reason !== undefined && { reason: letter.reason }),
    ...(letter?.detail !== undefined && { detail: letter.detail }),
    time: Number.isFinite(time) ? time : undefined,
    watermark: traced.watermark,
    steps: traced.values.flatMap(({ steps }) => steps.map(stepOf)),
    windows: traced.values.flatMap((value) =>
      value.windows.flatMap(({ operator, key, windows }) =>
        windows.map(({ start, end, standing }) => ({ operator, key, start, end, standing })),
      ),
    ),
    results: traced.results.map(({ operator, result }) => ({ operator, ...result })),
    rows: traced.rows.map(({ sink, row }) => ({ sink, value: row.value, op: row.op ?? '+' })),
    text: recordText({ record, ...traced }),
  }
}

function stepOf({ node, value, gave, threw }: TracedStep): ExplainedStep {
  const step = node.kind === 'aggregate' ? node.name : stepLabel(node)
  return { step, value, gave, ...(threw !== undefined && { threw }) }
}
