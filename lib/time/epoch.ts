import { glimpse, RecordRejection } from '../base/index.js'

/** The end of the year 9999, ms: later stamps have been read in the wrong unit. */
const LATEST_MS = 253_402_300_799_999

/**
 * Event time of a stamp in seconds since the epoch, which may have a fraction; rounded to the millisecond.
 * @throws {RecordRejection} `bad-timestamp` for what is no number, or is so large that it must be milliseconds
 * @example kinesisSource('orders', { timestamp: (o: Order) => epochSeconds(o.at), watermark: outOfOrder('30s') })
 */
export function epochSeconds(stamp: number): number {
  return read('epochSeconds', stamp, 1_000, 'Milliseconds go through epochMillis().')
}

/**
 * Event time of a stamp in milliseconds since the epoch.
 * @throws {RecordRejection} `bad-timestamp` for what is no number, or is so large that it must be microseconds
 * @example kafkaSource('clicks', { timestamp: (c: Click) => epochMillis(c.ts), watermark: outOfOrder('5s') })
 */
export function epochMillis(stamp: number): number {
  return read('epochMillis', stamp, 1, 'Microseconds are divided by 1,000 first.')
}

function read(name: string, stamp: unknown, unitMs: number, hint: string): number {
  const ms = typeof stamp === 'number' ? Math.round(stamp * unitMs) : Number.NaN
  if (Math.abs(ms) <= LATEST_MS) return ms
  const isText = typeof stamp === 'string'
  throw new RecordRejection(
    'bad-timestamp',
    `${name}() takes a number up to the year 9999; this one is ${glimpse(stamp)}. ${isText ? 'Text of digits goes through Number() first, a date through iso().' : hint}`,
  )
}
