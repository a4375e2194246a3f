import { messageOf } from '../base/index.js'
import type { OperatorPlan, Rejected, StagePlan, WindowResult } from '../pipeline/index.js'
import type { SinkNode, SinkRow } from '../ports/index.js'
import { rowPosition } from './cursor.js'
import { FragileFold } from './fold.js'
import type { Host } from './host.js'
import type { PaneDraft } from './panes.js'
import { type RecordPlace, StageFold, type StageRefold } from './stage-fold.js'

/** One result on its way to the steps after its operator. */
export interface Emission extends RecordPlace {
  readonly result: WindowResult<any, any>
  readonly weight: 1 | -1
  /** The key group's own watermark when it was made: the start of the slice that closed. */
  readonly own: number
  readonly part: string
}

/** A pane whose result, or a step after it, threw: it is rejected by (operator, key, turn), and all else goes on (law 14). */
export interface FailedEmission {
  readonly row: SinkRow
  readonly part: string
}

/** The results of a pane: one, or a retraction and its replacement. `n` counts the results of one key in one slice. */
export function emissionsOf(
  operator: OperatorPlan,
  slice: number,
  draft: PaneDraft,
  part: string,
  n: number,
  failed: FailedEmission[],
): Emission[] {
  const { cell, window, pane } = draft
  const id = `${operator.name}|${cell.text}|${window.start}-${window.end}|${pane.index}`
  const own = slice - operator.slices.widthMs
  const timestamp = window.end - 1
  const emission = (accs: readonly any[], weight: 1 | -1, op: '+' | '-' | undefined, m: number): Emission => ({
    result: {
      key: cell.key,
      value: Object.fromEntries(operator.fields.map((field, i) => [field, operator.folds[i]!.result(accs[i])])),
      window,
      pane,
      id: op === '-' ? `${id}|-` : id,
      ...(op && { op }),
    },
    weight,
    own,
    part,
    timestamp,
    turn: Math.max(timestamp, own),
    source: operator.name,
    split: operator.name,
    position: rowPosition(slice, cell.hash, cell.text, m),
    id: op === '-' ? `${id}|-` : id,
  })
  try {
    if (operator.node.accumulation !== 'retracting') return [emission(draft.accs, 1, undefined, n)]
    const plus = emission(draft.accs, 1, '+', n + 1)
    return draft.before === undefined ? [plus] : [emission(draft.before, -1, '-', n), plus]
  } catch (thrown) {
    failed.push({ row: failure(operator, id, cell.key, slice, window, thrown), part })
    return []
  }
}

function failure(
  operator: OperatorPlan,
  id: string,
  key: any,
  slice: number,
  window: { start: number; end: number },
  thrown: unknown,
): SinkRow {
  const value: Rejected = {
    reason: 'step-threw',
    detail: messageOf(thrown),
    source: operator.name,
    split: operator.name,
    position: String(slice),
    timestamp: window.end - 1,
    operator: operator.name,
    key,
    window,
    payload: null,
  }
  return { id: `${id}|rejected`, value, order: id }
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
 * Runs the steps after an operator over its results: rows for sinks, by part, and a fold for the stage that reads on. Results at or before
 * `counted` are in that stage's segments already: they only go to sinks again.
 */
export function runEmissions(
  host: Host,
  operator: OperatorPlan,
  next: StagePlan | undefined,
  emissions: readonly Emission[],
  counted: string,
  keep?: StageRefold,
) {
  const { deadLetter } = host.plan.pipeline
  const program = host.outputProgram(operator.node.id)
  const spoilt = new Map<string, unknown>()
  for (;;) {
    const parts: PartRows = new Map()
    let part = ''
    const fold = new StageFold({ operators: next?.operators ?? [] }, deadLetter, keep, (sink, row) =>
      addPartRow(parts, sink, part, row),
    )
    let again = false
    for (const emission of emissions) {
      part = emission.part
      try {
        if (spoilt.has(emission.position)) throw spoilt.get(emission.position)
        const rows = program.run(emission.result)
        if (next === undefined || emission.position <= counted) fold.repeat(rows, emission)
        else fold.accept(rows, emission.own, emission.weight, emission)
      } catch (thrown) {
        if (thrown instanceof FragileFold && !spoilt.has(emission.position)) {
          spoilt.set(emission.position, thrown)
          again = true
          break
        }
        if (next !== undefined && emission.position > counted) {
          fold.counters.in++
          fold.counters.rejected++
        }
        const { key, window } = emission.result
        addPartRow(
          parts,
          deadLetter,
          part,
          failure(operator, emission.id, key, emission.own + operator.slices.widthMs, window, thrown),
        )
      }
    }
    if (!again) return { fold, parts }
  }
}
