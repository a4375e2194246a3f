/**
 * The clock of the machine, in ms since the epoch. Never part of a result (invariant 1): it only says when to look
 * again.
 */
export interface Clock {
  now(): number
}

/** Unique strings for claims and part names. Never part of a result. */
export interface Ids {
  next(): string
}

/** Structured log lines. Fields never hold a payload. */
export interface Logger {
  info(message: string, fields?: Readonly<Record<string, unknown>>): void
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void
  error(message: string, fields?: Readonly<Record<string, unknown>>): void
}

export type MetricUnit = 'Count' | 'Milliseconds' | 'Bytes'

/** Metrics of one invocation. `flush` writes them out once. */
export interface Metrics {
  add(name: string, value: number, unit: MetricUnit): void
  /** Keeps the highest value of the invocation. */
  peak(name: string, value: number, unit: MetricUnit): void
  flush(dimensions: Readonly<Record<string, string>>): void
}

/** Asks that an advance be run soon, outside this invocation. Best effort: tick finds what was lost. */
export interface Queue {
  advance(request: AdvanceRequest): Promise<void>
}

export interface AdvanceRequest {
  readonly operator: string
  readonly keyGroup: number
}
