import { glimpse, RecordRejection } from '../base/index.js'

/** The end of the year 9999, ms. A later time was read in the wrong unit. */
const LATEST_MS = 253_402_300_799_999
/**
 * The years 2000 and 2100, ms. A timestamp that is between them in a coarser unit is a present-day time, not one of
 * January 1970.
 */
const PLAUSIBLE_MS = [946_684_800_000, 4_102_444_800_000] as const

type Stamp = number | bigint

interface Unit {
  readonly name: string
  readonly unit: string
  /** The event time of a timestamp that is a number, ms. */
  readonly ofNumber: (stamp: number) => number
  readonly ofBigint: (stamp: bigint) => bigint
}

const floored = (stamp: bigint, by: bigint): bigint => (stamp - (((stamp % by) + by) % by)) / by

/** From the coarsest unit to the finest. */
const UNITS: readonly Unit[] = [
  {
    name: 'epochSeconds',
    unit: 'seconds',
    ofNumber: (stamp) => Math.round(stamp * 1_000),
    ofBigint: (stamp) => stamp * 1_000n,
  },
  { name: 'epochMillis', unit: 'milliseconds', ofNumber: Math.round, ofBigint: (stamp) => stamp },
  {
    name: 'epochMicros',
    unit: 'microseconds',
    ofNumber: (stamp) => Math.floor(stamp / 1_000),
    ofBigint: (stamp) => floored(stamp, 1_000n),
  },
  {
    name: 'epochNanos',
    unit: 'nanoseconds',
    // A double is off by up to 128 for nanoseconds of the present. It is first rounded to microseconds, so that no time
    // is one millisecond early.
    ofNumber: (stamp) => Math.floor(Math.round(stamp / 1_000) / 1_000),
    ofBigint: (stamp) => floored(stamp, 1_000_000n),
  },
]
const [SECONDS, MILLIS, MICROS, NANOS] = [0, 1, 2, 3]

/**
 * The event time of a timestamp in seconds since the epoch, which may have a fraction. Rounded to the millisecond.
 * @throws {RecordRejection} `bad-timestamp` for a value that is not a number, or is so large that its unit must be a
 * finer one, which the message names
 * @example kinesisSource('orders', { timestamp: (o: Order) => epochSeconds(o.at), watermark: outOfOrder('30s') })
 */
export function epochSeconds(stamp: Stamp): number {
  return read(SECONDS, stamp)
}

/**
 * The event time of a timestamp in milliseconds since the epoch.
 * @throws {RecordRejection} `bad-timestamp` for a value that is not a number, is too large, or would be a present-day
 * time in seconds
 * @example kafkaSource('clicks', { timestamp: (c: Click) => epochMillis(c.ts), watermark: outOfOrder('5s') })
 */
export function epochMillis(stamp: Stamp): number {
  return read(MILLIS, stamp)
}

/**
 * The event time of a timestamp in microseconds since the epoch. Fractions of a millisecond are dropped.
 * @throws {RecordRejection} `bad-timestamp` for a value that is not a number, is too large, or would be a present-day
 * time in a coarser unit
 * @example kafkaSource('changes', { timestamp: (c: Change) => epochMicros(c.ts_us), watermark: outOfOrder('5s') })
 */
export function epochMicros(stamp: Stamp): number {
  return read(MICROS, stamp)
}

/**
 * The event time of a timestamp in nanoseconds since the epoch. Fractions of a millisecond are dropped. A bigint is
 * exact (`numbers: 'bigint'`); a number is accurate to a microsecond.
 * @throws {RecordRejection} `bad-timestamp` for a value that is not a number, is too large, or would be a present-day
 * time in a coarser unit
 * @example
 * kafkaSource('spans', {
 *   numbers: 'bigint',
 *   timestamp: (s: Span) => epochNanos(s.start),
 *   watermark: outOfOrder('5s'),
 * })
 */
export function epochNanos(stamp: Stamp): number {
  return read(NANOS, stamp)
}

function read(index: number, stamp: Stamp): number {
  const ms = timeOf(index, stamp)
  if (!(Math.abs(ms) <= LATEST_MS)) throw refusal(index, stamp, finer(index, stamp))
  // Only a time in January or February 1970 can be a present-day time in a coarser unit.
  if (index > SECONDS && ms >= 0 && ms < PLAUSIBLE_MS[1] / 1_000) {
    const other = coarser(index, stamp)
    if (other !== undefined) throw refusal(index, stamp, other)
  }
  return ms
}

/** NaN for a value that is not a number. */
function timeOf(index: number, stamp: unknown): number {
  const unit = UNITS[index]!
  if (typeof stamp === 'number') return unit.ofNumber(stamp)
  return typeof stamp === 'bigint' ? Number(unit.ofBigint(stamp)) : Number.NaN
}

/** The next finer unit in which a timestamp that is too large is a valid time. */
function finer(index: number, stamp: Stamp): number | undefined {
  for (let i = index + 1; i < UNITS.length; i++) if (Math.abs(timeOf(i, stamp)) <= LATEST_MS) return i
  return undefined
}

function coarser(index: number, stamp: Stamp): number | undefined {
  for (let i = index - 1; i >= 0; i--) {
    const ms = timeOf(i, stamp)
    if (ms >= PLAUSIBLE_MS[0] && ms < PLAUSIBLE_MS[1]) return i
  }
  return undefined
}

function refusal(index: number, stamp: unknown, other: number | undefined): RecordRejection {
  const { name, unit } = UNITS[index]!
  const hint =
    other !== undefined
      ? ` In ${UNITS[other]!.unit} it is ${new Date(timeOf(other, stamp)).toISOString()}: use ${UNITS[other]!.name}().`
      : typeof stamp === 'string'
        ? ' Convert text of digits with Number() or BigInt() first, and a date with iso().'
        : ''
  return new RecordRejection(
    'bad-timestamp',
    `${name}() takes ${unit} since the epoch, a number up to the year 9999; this one is ${glimpse(stamp)}.${hint}`,
  )
}
