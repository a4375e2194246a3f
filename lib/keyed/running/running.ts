import type { Aggregate, Place } from '../../aggregate/aggregate.js'
import { Folds } from '../folds.js'
import { type KeyedLogic, lazily } from '../logic.js'
import { decodeTotals, encodeTotals, type RunningOptions, type Totals } from './totals.js'

/** Folds all rows of a key, without a window. Each slice with rows of the key gives one result. */
export function runningLogic(options: RunningOptions): KeyedLogic {
  const folds = new Folds(options.aggregates)
  const { isRetracting, ttlMs } = options
  return {
    kind: 'running',
    label: `running { ${folds.label} }`,
    results: isRetracting ? 'retracted' : 'repeated',
    options: {
      ...(isRetracting && { accumulation: 'retracting' }),
      ...(ttlMs !== undefined && { ttlMs }),
      folds: folds.described,
    },
    entry: totalsFold(folds),
    load: lazily(async () => (await import('./run-totals.js')).runningStep({ ...options, folds })),
  }
}

/** Folds the rows of a key in a slice: what a result adds to the one before. */
function totalsFold(folds: Folds): Aggregate<any, Totals, unknown[], Totals, any> {
  return Object.freeze({
    kind: 'totals',
    options: {},
    invertible: folds.folds.every((fold) => fold.invertible),
    ordered: false,
    fragile: folds.folds.some((fold) => fold.fragile),
    read: (row: unknown, meta: unknown) => folds.read(row, meta),
    create: (): Totals => ({ rows: 0, accs: folds.create() }),
    add(totals: Totals, inputs: unknown[], weight: 1 | -1, place: Place) {
      totals.rows += weight
      folds.add(totals.accs, inputs, place, weight)
      return totals
    },
    merge: (a: Totals, b: Totals): Totals => ({ rows: a.rows + b.rows, accs: folds.merge(a.accs, b.accs) }),
    result: (totals: Totals) => totals,
    encode: ({ rows, accs }: Totals) => encodeTotals(folds, rows, accs),
    decode: (json: readonly any[], split?: string): Totals => decodeTotals(folds, json, split),
  })
}
