import type { Aggregate, Place } from '../../aggregate/aggregate.js'
import type { Folds } from '../folds.js'
import { checkJson } from '../json-value.js'
import type { Assigner } from './assign.js'

/** Rows of one window, or of one session as far as it is known. */
export interface Span {
  readonly start: number
  readonly end: number
  readonly rows: number
  readonly accs: readonly any[]
}

/** A row that came after the watermark of its split had passed it. It counts, or has expired, as its windows decide. */
export interface LateRow extends Place {
  /** What the assigner read of it. */
  readonly read: number
  readonly accs: readonly any[]
  /** The row, for the late output. */
  readonly value: unknown
}

/** The rows of one key in one slice. */
export interface Spans {
  readonly spans: readonly Span[]
  readonly lates: readonly LateRow[]
}

interface SpanDraft extends Span {
  start: number
  end: number
  rows: number
  readonly accs: any[]
}
interface Draft {
  readonly spans: SpanDraft[]
  readonly lates: LateRow[]
}

const HEAD = 3
const LATE_HEAD = 5

/**
 * Folds the rows of a key in a slice. Rows in time are folded together at once, since no window ends between rows that
 * share it. Late rows are kept one by one, because whether they still count depends on the windows of their key.
 */
export function spansFold(folds: Folds, assigner: Assigner): Aggregate<any, Spans, unknown[], Draft, any> {
  const width = folds.folds.length
  const { merges } = assigner
  return Object.freeze({
    kind: 'spans',
    options: {},
    invertible: false,
    ordered: folds.folds.some((fold) => fold.ordered),
    fragile: folds.folds.some((fold) => fold.fragile),
    /** The inputs of the folds, what the assigner needs, and the row. */
    read(row: unknown, meta: unknown) {
      const inputs = folds.read(row, meta)
      inputs.push(assigner.read(row), row)
      return inputs
    },
    create: (): Draft => ({ spans: [], lates: [] }),
    add(draft: Draft, inputs: unknown[], _: 1 | -1, place: Place) {
      const { timestamp, turn } = place
      const read = inputs[width] as number
      if (turn > timestamp) {
        const accs = folds.create()
        folds.add(accs, inputs, place)
        const { split, position } = place
        draft.lates.push({ turn, timestamp, split, position, read, accs, value: jsonOr(inputs[width + 1]) })
        return draft
      }
      let at = -1
      for (const { start, end } of assigner.assign(timestamp, read)) {
        at = merges ? touching(draft.spans, start, end) : sameAs(draft.spans, start, end, at + 1)
        const span = draft.spans[at]!
        span.rows++
        folds.add(span.accs, inputs, place)
      }
      return draft
    },
    merge: (a: Draft, b: Draft): Draft => ({ spans: [...a.spans, ...b.spans], lates: [...a.lates, ...b.lates] }),
    result: (draft: Draft): Spans => draft,
    encode({ spans, lates }: Draft) {
      const flat: unknown[] = []
      for (const { start, end, rows, accs } of spans) {
        flat.push(start, end - start, rows)
        folds.encode(accs, flat)
      }
      if (lates.length === 0) return [flat]
      const late: unknown[] = []
      for (const { timestamp, turn, position, read, accs, value } of lates) {
        late.push(timestamp, turn - timestamp, position, read, value)
        folds.encode(accs, late)
      }
      return [flat, late]
    },
    decode([flat, late = []]: readonly (readonly any[])[], split = ''): Draft {
      const spans: SpanDraft[] = []
      for (let at = 0; at < flat!.length; at += HEAD + width) {
        const start: number = flat![at]
        spans.push({
          start,
          end: start + flat![at + 1],
          rows: flat![at + 2],
          accs: folds.decode(flat!, at + HEAD, split),
        })
      }
      const lates: LateRow[] = []
      for (let at = 0; at < late.length; at += LATE_HEAD + width) {
        const timestamp: number = late[at]
        const [delay, position, read, value] = late.slice(at + 1, at + LATE_HEAD)
        const accs = folds.decode(late, at + LATE_HEAD, split)
        lates.push({ timestamp, turn: timestamp + delay, split, position, read, accs, value })
      }
      return { spans, lates }
    },
  })

  /** Only the last span is looked at: spans that touch are merged when the slice closes. */
  function touching(spans: SpanDraft[], start: number, end: number): number {
    const last = spans.at(-1)
    if (last === undefined || last.start > end || start > last.end) return added(spans, start, end)
    if (start < last.start) last.start = start
    if (end > last.end) last.end = end
    return spans.length - 1
  }

  /** The windows of a row often follow each other in the list too: the one at `likely` is looked at first. */
  function sameAs(spans: SpanDraft[], start: number, end: number, likely: number): number {
    const isIt = (span: SpanDraft | undefined): boolean => span?.start === start && span.end === end
    if (isIt(spans[likely])) return likely
    const at = spans.findLastIndex(isIt)
    return at < 0 ? added(spans, start, end) : at
  }

  function added(spans: SpanDraft[], start: number, end: number): number {
    return spans.push({ start, end, rows: 0, accs: folds.create() }) - 1
  }
}

/** The row for the late output; null if JSON cannot hold it. */
function jsonOr(row: unknown): unknown {
  try {
    checkJson(row, 'A row')
    return row
  } catch {
    return null
  }
}
