import type { AggregateMap } from '../../aggregate/aggregate.js'
import type { Folds } from '../folds.js'

export interface RunningOptions {
  readonly name: string
  /** Whether each new result takes back the one before. */
  readonly isRetracting: boolean
  /** The state of a key is dropped when it has had no row for this long. */
  readonly ttlMs: number | undefined
  readonly aggregates: AggregateMap<any, any>
}

export interface RunningShape extends RunningOptions {
  readonly folds: Folds
}

/** What the folds of a key hold: how many rows, and the accumulators. */
export interface Totals {
  rows: number
  accs: any[]
}

export function encodeTotals(folds: Folds, rows: number, accs: readonly any[]): unknown[] {
  return folds.encode(accs, [rows])
}

export function decodeTotals(folds: Folds, json: readonly any[], split?: string): Totals {
  return { rows: json[0], accs: folds.decode(json, 1, split) }
}
