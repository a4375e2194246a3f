/**
 * The machine's clock, in ms since the epoch. It is never part of a result (invariant 1): it only decides when to look
 * again.
 */
export interface Clock {
  now(): number
}

/** Unique strings for claims and part names. They are never part of a result. */
export interface Ids {
  next(): string
}

/** Structured log lines. Fields never contain a payload. */
export interface Logger {
  info(message: string, fields?: Readonly<Record<string, unknown>>): void
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void
  error(message: string, fields?: Readonly<Record<string, unknown>>): void
}

export type MetricUnit = 'Count' | 'Milliseconds' | 'Bytes'

/** The metrics of one invocation. `flush` writes them once. */
export interface Metrics {
  add(name: string, value: number, unit: MetricUnit): void
  /** Keeps the highest value of the invocation. */
  peak(name: string, value: number, unit: MetricUnit): void
  flush(dimensions: Readonly<Record<string, string>>): void
}

/**
 * Requests that an advance be run soon, outside this invocation. Delivery is best effort: the tick finds lost requests.
 */
export interface Queue {
  advance(request: AdvanceRequest): Promise<void>
}

export interface AdvanceRequest {
  readonly operator: string
  readonly keyGroup: number
}
