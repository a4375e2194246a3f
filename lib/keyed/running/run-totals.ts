import { KEY_STATE_CHARS_MAX, messageOf, reasonOf } from '../../base/index.js'
import type { KeyedOutput, KeyedRejection, KeyedResult, KeyStep, StepOf } from '../logic.js'
import { decodeTotals, encodeTotals, type RunningShape, type Totals } from './totals.js'

/** State as it is stored: the folds, and when they expire. */
interface Stored {
  readonly f: readonly unknown[]
  readonly e?: number
}

/** The step of folds without a window. */
export function runningStep(shape: RunningShape, stateChars = KEY_STATE_CHARS_MAX): StepOf {
  const { name, folds, isRetracting, ttlMs } = shape
  return (step: KeyStep<Totals>): KeyedResult => {
    const outputs: KeyedOutput[] = []
    const rejected: KeyedRejection[] = []
    const { entries, end } = step
    const stored: Stored | undefined = step.state()
    // Rows of the slice in which the state expires come before its end: they keep it.
    const isExpired = stored?.e !== undefined && stored.e < step.start
    const before = stored === undefined || isExpired ? undefined : decodeTotals(folds, stored.f)
    if (entries === undefined) {
      const isKept = before !== undefined && stored!.e! >= end
      const state = isKept ? JSON.stringify(stored) : undefined
      return { state, due: isKept ? stored!.e : undefined, waits: undefined, outputs, rejected }
    }
    const accs = before === undefined ? entries.accs : folds.merge(before.accs, entries.accs)
    const rows = (before?.rows ?? 0) + entries.rows
    const due = ttlMs === undefined ? undefined : end - 1 + ttlMs
    const state = JSON.stringify({ f: encodeTotals(folds, rows, accs), ...(due !== undefined && { e: due }) })
    if (state.length > stateChars) {
      rejected.push(tooLarge(entries))
      const kept = before === undefined ? undefined : JSON.stringify(stored)
      return { state: kept, due: before === undefined ? undefined : stored!.e, waits: undefined, outputs, rejected }
    }
    give(before, { rows, accs })
    // All of its rows were taken back.
    if (rows <= 0) return { state: undefined, due: undefined, waits: undefined, outputs, rejected }
    return { state, due, waits: undefined, outputs, rejected }

    function give(was: Totals | undefined, now: Totals): void {
      const timestamp = end - 1
      const id = `${end}`
      const row = (value: unknown, rowId: string, op?: '+' | '-') => ({
        key: step.key,
        value,
        timestamp,
        id: `${name}|${step.text}|${rowId}`,
        ...(op && { op }),
      })
      const old = was === undefined ? undefined : valueOrNone(was)
      const isGone = now.rows <= 0
      if (old !== undefined && (isRetracting || isGone))
        outputs.push({ value: row(old, `${id}|-`, '-'), timestamp, id: `${id}|-`, takesBack: true })
      if (isGone) return
      try {
        const value = row(folds.value(now.accs), id, isRetracting ? '+' : undefined)
        const replaced = old === undefined || isRetracting ? undefined : row(old, `${id}|-`, '-')
        outputs.push({ value, timestamp, id, ...(replaced && { replaced }) })
      } catch (thrown) {
        rejected.push({
          reason: reasonOf(thrown),
          detail: `A result of "${name}": ${messageOf(thrown)}`,
          ...here(),
          payload: null,
          id: `${id}|rejected`,
        })
      }
    }

    /** Undefined if computing it throws: then it was rejected, and never given. */
    function valueOrNone({ accs }: Totals): Record<string, unknown> | undefined {
      try {
        return folds.value(accs)
      } catch {
        return undefined
      }
    }

    function here() {
      return { split: name, position: String(end), timestamp: end - 1 }
    }

    function tooLarge(totals: Totals): KeyedRejection {
      return {
        reason: 'state-too-large',
        detail: `The folds of one key of "${name}" may have at most ${stateChars} characters as JSON; with the rows of this slice they would have more. Use folds that keep less, or a ttl.`,
        ...here(),
        payload: { rows: totals.rows, value: valueOrNone(totals) ?? null },
        id: `${end}/refused`,
      }
    }
  }
}
