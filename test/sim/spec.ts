/**
 * A pipeline as plain data: `build.ts` makes it with the library, `interpret.ts` computes what it has to give, and the
 * two share no code but this.
 */
export interface Spec {
  readonly name: string
  readonly sources: readonly SourceSpec[]
  readonly keyGroups: number
  readonly writeShards: number
  readonly minAdvanceMs: number
  readonly idleAfterMs: number
  readonly idleClose: number | 'clock' | false
  readonly steps: readonly StepSpec[]
  /** Rows whose number leaves this rest go to the sink `side` instead. */
  readonly side: { readonly mod: number; readonly rest: number } | undefined
  /** What the steps give goes to the sink `passed` too. */
  readonly hasPassed: boolean
  /** The first reads the rows, each next one the results of the one before. */
  readonly operators: readonly OperatorSpec[]
}

export interface SourceSpec {
  readonly name: string
  readonly connector: 'kinesis' | 'kafka' | 'file'
  readonly boundMs: number
  readonly splits: number
  readonly onFutureDrift: 'hold' | 'reject' | 'clamp'
  /** The topic's stamps are the producers' (CreateTime). */
  readonly hasNoArrival: boolean
  /** Some Kinesis records are KPL aggregates. */
  readonly isAggregated: boolean
}

export type StepSpec =
  | { readonly kind: 'filter'; readonly mod: number; readonly rest: number }
  | { readonly kind: 'map'; readonly add: number }
  | { readonly kind: 'flat'; readonly times: number }

export type KeyKind = 'plain' | 'odd' | 'number' | 'boolean' | 'tuple' | 'one'
export type AggregateName =
  | 'count'
  | 'sum'
  | 'decimal'
  | 'avg'
  | 'min'
  | 'max'
  | 'first'
  | 'last'
  | 'distinct'
  | 'ids'
  | 'fussy'
  | 'trail'

export interface OperatorSpec {
  readonly name: string
  readonly key: KeyKind
  readonly window: WindowKind
  readonly latenessMs: number
  readonly accumulation: 'accumulating' | 'discarding' | 'retracting'
  /** One pane a window, when lateness is over. */
  readonly isFinal: boolean
  /** Empty windows give results of a key that has rows so long before their end; 0: none do. */
  readonly emptyForMs: number
  readonly aggregates: readonly AggregateName[]
  /** Expired rows go to a sink of their own, else to the dead letter. */
  readonly hasLate: boolean
  /** A process function instead of a window. */
  readonly process?: ProcessSpec | undefined
  /** Windows with state for each key: sessions, or those of `window` with early results. */
  readonly keyed?: KeyedWindowsSpec | undefined
  /** Folds without a window. */
  readonly running?: { readonly everyMs: number; readonly ttlMs: number } | undefined
  /** An operator over the rows of a key instead of a window. */
  readonly rows?: RowsSpec | undefined
}

export interface KeyedWindowsSpec {
  readonly kind: 'session' | 'early'
  readonly everyMs: number
  readonly gapMs: number
  readonly isGapOfRow: boolean
  /** 0: none. */
  readonly earlyMs: number
  readonly earlyCount: number
}

export interface RowsSpec {
  readonly kind: 'first' | 'last' | 'ever' | 'lag' | 'lead' | 'topN' | 'rank' | 'count' | 'slide' | 'over' | 'range'
  readonly everyMs: number
  /** How far back or ahead; how many are ranked, or in a window. */
  readonly rows: number
  readonly slide: number
  /** How long duplicates are known, a row or a window waits, or a range is. */
  readonly timeMs: number
  /** 0: state is kept. */
  readonly ttlMs: number
  /** It tells rows of a key apart, or has both a range and rows. */
  readonly hasPart: boolean
}

export interface ProcessSpec {
  readonly everyMs: number
  readonly gapMs: number
  /** 0: state is kept. */
  readonly ttlMs: number
  readonly recentTtlMs: number
}

export interface WindowKind {
  readonly kind: 'tumbling' | 'hopping' | 'cumulate'
  readonly sizeMs: number
  readonly stepMs: number
  readonly offsetMs: number
}

/** A record's value. */
export interface Event {
  readonly id: number
  readonly t: number
  readonly k: number
  readonly v: number
  /** A step throws on it. */
  readonly boom?: boolean
  /** The process dies that touches it. */
  readonly kill?: boolean
  /** Which row of the record it is. */
  readonly copy?: number
}

/** User code of all pipelines: what both sides run. */
const ODD_KEYS = ['a#b', '', '\u0000', 'a|b', '\u{1f600}', 'a,b;c', '~', 'a b'] as const

export function keyOf(kind: KeyKind, row: any): string | number | boolean | readonly (string | number | boolean)[] {
  // Of a result, what its key looks like and how much it holds.
  const n: number = row.k ?? String(row.key).length
  switch (kind) {
    case 'plain':
      return `k${n}`
    case 'odd':
      return ODD_KEYS[n % ODD_KEYS.length]!
    case 'number':
      return n - 1.5
    case 'boolean':
      return n % 2 === 0
    case 'tuple':
      return [`k${n}`, n % 2 === 0, n]
    case 'one':
      return 'all'
  }
}

/** The number that aggregates read. */
export function numberOf(row: any): number {
  return row.v ?? row.value.count
}

/** The same as text: an eighth has three digits at most, and no exponent. */
export function decimalOf(row: any): string {
  return String(numberOf(row))
}

export function idOf(row: any): number {
  return row.id
}

/** A whole number that tells rows apart, of an event or of a result. */
export const tagOf = (row: any): number =>
  typeof row.id === 'number' ? row.id : Math.abs(Math.floor((row.window?.end ?? row.timestamp + 1) / 500))

export function runStep(step: StepSpec, row: Event): readonly Event[] {
  switch (step.kind) {
    case 'filter':
      return row.id % step.mod === step.rest ? [] : [row]
    case 'map':
      if (row.boom === true) throw new Error('a step throws')
      return [{ ...row, v: row.v + step.add }]
    case 'flat':
      return Array.from({ length: row.id % (step.times + 1) }, (_, copy) => ({ ...row, copy }))
  }
}

/** Rows that a sink can never take, where the world has such. */
export function refuses(sink: string, value: any): string | undefined {
  if (sink.startsWith('out') && Math.abs((value.window?.end ?? value.at ?? value.timestamp + 1) / 1000) % 3 === 1)
    return 'the window is not to its taste'
  if (sink === 'passed' && value.id % 7 === 3) return 'the id is not to its taste'
  return undefined
}

export const DRIFT_MS = 600_000
/** How far beyond the drift a record is held. */
export const HELD_MS = 86_400_000
export const RECORD_BYTES_MAX = 400
/** Values that the aggregate `fussy` throws on. */
export const isFussy = (v: number): boolean => v % 16 === 5
