import { overRows } from './generate.js'
import type { OperatorSpec, RowsSpec, SourceSpec, Spec } from './spec.js'

const source: SourceSpec = {
  name: 'source0',
  connector: 'kinesis',
  boundMs: 3_000,
  splits: 2,
  onFutureDrift: 'hold',
  isAggregated: false,
  hasNoArrival: false,
}
const operator: OperatorSpec = {
  name: 'op0',
  key: 'plain',
  window: { kind: 'tumbling', sizeMs: 10_000, stepMs: 10_000, offsetMs: 0 },
  latenessMs: 0,
  accumulation: 'accumulating',
  isFinal: false,
  emptyForMs: 0,
  aggregates: ['count', 'ids'],
  hasLate: true,
}
const small: Spec = {
  name: 'small',
  sources: [source],
  keyGroups: 2,
  writeShards: 1,
  minAdvanceMs: 0,
  idleAfterMs: 4_000,
  idleClose: 10_000,
  steps: [],
  side: undefined,
  hasPassed: false,
  operators: [operator],
}

const rows: RowsSpec = { kind: 'first', everyMs: 1_000, rows: 3, slide: 2, timeMs: 6_000, ttlMs: 0, hasPart: true }
const over = (name: string, more: Partial<RowsSpec>): OperatorSpec => ({
  ...operator,
  name,
  ...overRows({ ...rows, ...more }),
})

/** Pipelines that have a name, from the smallest on. */
export const SPECS: Readonly<Record<string, Spec>> = {
  small,
  late: { ...small, name: 'late', operators: [{ ...operator, latenessMs: 15_000, accumulation: 'retracting' }] },
  /** Splits that are quiet soon, part, and come back together. */
  restless: {
    ...small,
    name: 'restless',
    sources: [{ ...source, boundMs: 500, splits: 3 }],
    operators: [{ ...operator, window: { ...operator.window, sizeMs: 2_000, stepMs: 2_000 } }],
    idleAfterMs: 1_000,
  },
  hopping: {
    ...small,
    name: 'hopping',
    sources: [{ ...source, connector: 'kafka' }],
    operators: [
      { ...operator, latenessMs: 2_000, window: { kind: 'hopping', sizeMs: 12_000, stepMs: 4_000, offsetMs: 0 } },
    ],
  },
  two: {
    ...small,
    name: 'two',
    sources: [source, { ...source, name: 'source1', connector: 'kafka' }],
    operators: [
      { ...operator, latenessMs: 7_000, window: { kind: 'cumulate', sizeMs: 20_000, stepMs: 5_000, offsetMs: 0 } },
    ],
  },
  chained: {
    ...small,
    name: 'chained',
    operators: [
      {
        ...operator,
        window: { ...operator.window, sizeMs: 5_000, stepMs: 5_000 },
        latenessMs: 10_000,
        accumulation: 'retracting',
      },
      {
        ...operator,
        name: 'op1',
        window: { ...operator.window, sizeMs: 20_000, stepMs: 20_000 },
        latenessMs: 30_000,
        aggregates: ['count', 'sum', 'avg'],
      },
    ],
  },
  /** One result a window, when its lateness is over, which another operator reads. */
  final: {
    ...small,
    name: 'final',
    operators: [
      { ...operator, isFinal: true, latenessMs: 7_000, window: { ...operator.window, sizeMs: 5_000, stepMs: 5_000 } },
      {
        ...operator,
        name: 'op1',
        isFinal: true,
        window: { kind: 'hopping', sizeMs: 20_000, stepMs: 10_000, offsetMs: 0 },
        latenessMs: 3_000,
        aggregates: ['count', 'sum'],
      },
    ],
  },
  /** Windows without rows give results too, of keys that were there. */
  empty: {
    ...small,
    name: 'empty',
    idleClose: false,
    operators: [
      {
        ...operator,
        emptyForMs: 15_000,
        latenessMs: 12_000,
        accumulation: 'retracting',
        window: { kind: 'hopping', sizeMs: 6_000, stepMs: 3_000, offsetMs: 0 },
        aggregates: ['count', 'sum', 'max', 'ids'],
      },
    ],
  },
  /** Two operators that are soon at rest, and go on again. */
  resting: {
    ...small,
    name: 'resting',
    sources: [{ ...source, boundMs: 500 }],
    operators: [
      {
        ...operator,
        window: { ...operator.window, sizeMs: 2_000, stepMs: 2_000 },
        latenessMs: 3_000,
        accumulation: 'discarding',
      },
      {
        ...operator,
        name: 'op1',
        window: { ...operator.window, sizeMs: 4_000, stepMs: 4_000 },
        aggregates: ['count', 'sum'],
      },
    ],
    idleAfterMs: 1_000,
    idleClose: 1_000,
  },
  /** Nobody knows when a record arrived. */
  unstamped: { ...small, name: 'unstamped', sources: [{ ...source, connector: 'kafka', hasNoArrival: true }] },
  /** A key group stops in the middle of a slice, and the operator after it has slices of the same ends. */
  aligned: {
    ...small,
    name: 'aligned',
    keyGroups: 1,
    operators: [
      { ...operator, key: 'odd', window: { ...operator.window, sizeMs: 5_000, stepMs: 5_000 } },
      {
        ...operator,
        name: 'op1',
        key: 'one',
        window: { ...operator.window, sizeMs: 5_000, stepMs: 5_000 },
        aggregates: ['count', 'sum'],
      },
    ],
  },
  /** Late results of one operator come too late for the next. */
  expiring: {
    ...small,
    name: 'expiring',
    operators: [
      {
        ...operator,
        window: { ...operator.window, sizeMs: 5_000, stepMs: 5_000 },
        latenessMs: 30_000,
        accumulation: 'discarding',
      },
      {
        ...operator,
        name: 'op1',
        window: { ...operator.window, sizeMs: 5_000, stepMs: 5_000 },
        aggregates: ['count', 'sum'],
      },
    ],
  },
  /** A process function: state, expiry, timers. */
  process: {
    ...small,
    name: 'process',
    operators: [
      { ...operator, hasLate: false, process: { everyMs: 1_000, gapMs: 7_000, ttlMs: 0, recentTtlMs: 5_000 } },
    ],
  },
  /** A process function between windows, and after another one. */
  processes: {
    ...small,
    name: 'processes',
    operators: [
      {
        ...operator,
        hasLate: false,
        key: 'odd',
        process: { everyMs: 2_000, gapMs: 3_000, ttlMs: 9_000, recentTtlMs: 0 },
      },
      { ...operator, name: 'op1', latenessMs: 5_000, accumulation: 'retracting', aggregates: ['count', 'sum'] },
      {
        ...operator,
        name: 'op2',
        key: 'boolean',
        hasLate: false,
        process: { everyMs: 5_000, gapMs: 20_000, ttlMs: 0, recentTtlMs: 8_000 },
      },
    ],
  },
  /** Sessions whose late rows join them, and take their results back. */
  sessions: {
    ...small,
    name: 'sessions',
    operators: [
      {
        ...operator,
        latenessMs: 9_000,
        accumulation: 'retracting',
        keyed: { kind: 'session', everyMs: 1_000, gapMs: 2_500, isGapOfRow: false, earlyMs: 0, earlyCount: 0 },
      },
      { ...operator, name: 'op1', latenessMs: 20_000, aggregates: ['count', 'sum'] },
    ],
  },
  /** Early results of hopping windows, read by sessions. */
  early: {
    ...small,
    name: 'early',
    operators: [
      {
        ...operator,
        latenessMs: 4_000,
        accumulation: 'discarding',
        window: { kind: 'hopping', sizeMs: 12_000, stepMs: 4_000, offsetMs: 0 },
        keyed: { kind: 'early', everyMs: 1_000, gapMs: 0, isGapOfRow: false, earlyMs: 2_000, earlyCount: 3 },
      },
      {
        ...operator,
        name: 'op1',
        key: 'boolean',
        hasLate: false,
        latenessMs: 7_000,
        aggregates: ['count', 'sum', 'max'],
        keyed: { kind: 'session', everyMs: 2_000, gapMs: 3_000, isGapOfRow: true, earlyMs: 6_000, earlyCount: 0 },
      },
    ],
  },
  /** Totals so far, and totals of these. */
  running: {
    ...small,
    name: 'running',
    operators: [
      { ...operator, hasLate: false, accumulation: 'retracting', running: { everyMs: 1_000, ttlMs: 9_000 } },
      {
        ...operator,
        name: 'op1',
        key: 'boolean',
        hasLate: false,
        aggregates: ['count', 'sum'],
        running: { everyMs: 2_000, ttlMs: 0 },
      },
    ],
  },
  /** Operators over rows, one after another: the last rows, a ranking, and folds over rows. */
  rowops: {
    ...small,
    name: 'rowops',
    operators: [
      over('op0', { kind: 'lead', timeMs: 4_000 }),
      over('op1', { kind: 'topN', rows: 4, ttlMs: 9_000 }),
      over('op2', { kind: 'range', everyMs: 2_000, hasPart: false }),
    ],
  },
  stateless: {
    ...small,
    name: 'stateless',
    operators: [],
    hasPassed: true,
    steps: [{ kind: 'flat', times: 2 }],
    side: { mod: 4, rest: 1 },
  },
}
