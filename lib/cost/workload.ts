import { ConfigError, shown } from '../base/index.js'

/** The load of all sources together. */
export interface Workload {
  readonly recordsPerSecond: number
  /** Size of a record, in bytes as sent. */
  readonly recordBytes: number
  /** Distinct keys within a window. */
  readonly keys: number
}

/** The default number of keys. */
export const KEYS_EXPECTED = 1_000

const RATE = /^(\d+(?:\.\d+)?)(k|m)?\/(s|m|h|d)$/i
const SIZE = /^(\d+(?:\.\d+)?)(b|kb|mb)?$/i
const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 }
const FACTOR: Readonly<Record<string, number>> = { '': 1, k: 1e3, m: 1e6, b: 1, kb: 1_024, mb: 1_048_576 }
const RECORD_BYTES_MAX = 10 * 1_048_576

/** Parses `500/s`, `2k/m` or `1.5m/d`. Returns records per second. */
export function parseRate(text: string): number {
  const found = RATE.exec(text)
  const rate =
    found === null
      ? 0
      : (Number(found[1]) * FACTOR[(found[2] ?? '').toLowerCase()]!) / SECONDS[found[3]!.toLowerCase()]!
  if (rate > 0) return rate
  throw new ConfigError(
    'bad-rate',
    `A rate must be in records per second, minute, hour or day, such as 500/s, 2k/m or 1.5m/d; it is ${shown(text)}.`,
  )
}

/** Parses `300B` or `2KB`. Returns bytes. */
export function parseSize(text: string): number {
  const found = SIZE.exec(text)
  const bytes = found === null ? 0 : Number(found[1]) * FACTOR[(found[2] ?? 'b').toLowerCase()]!
  if (bytes >= 1 && bytes <= RECORD_BYTES_MAX) return bytes
  throw new ConfigError(
    'bad-size',
    `The size of a record must have the form 300B or 2KB, at most 10MB; it is ${shown(text)}.`,
  )
}
