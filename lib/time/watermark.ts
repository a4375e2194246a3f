import { ConfigError, checkFunction, type Duration, milliseconds } from '../base/index.js'
import type { WatermarkStrategy } from '../ports/index.js'

/**
 * The own watermark of a split is its highest event time so far minus `bound`: a record may be that much older than one
 * before it. (Flink calls this bounded out-of-orderness. Here a watermark W means that no record before W is expected
 * any more.)
 * @example outOfOrder('30s')
 */
export function outOfOrder(bound: Duration): WatermarkStrategy<unknown> {
  return Object.freeze({ kind: 'out-of-order', boundMs: milliseconds(bound, 'The bound of outOfOrder') })
}

/**
 * For splits whose event times never decrease. The own watermark is the highest event time so far.
 * @example monotonous()
 */
export function monotonous(): WatermarkStrategy<unknown> {
  return Object.freeze({ kind: 'out-of-order', boundMs: 0 })
}

/**
 * The own watermark follows the result of `of` for each record, and never decreases. `of` must be a pure function of
 * the record. `bound` is how far its result usually trails the event time; it only determines the size of slices.
 * @example customWatermark<Order>((order, timestampMs) => order.flushedUntil ?? timestampMs - 60_000, '1m')
 */
export function customWatermark<T>(
  of: (value: T, timestampMs: number) => number,
  bound: Duration,
): WatermarkStrategy<T> {
  if (typeof of !== 'function') {
    throw new ConfigError(
      'bad-watermark',
      `customWatermark takes a function of a record and its timestamp; it got ${typeof of}.`,
    )
  }
  checkFunction('bad-watermark', 'customWatermark', of)
  return Object.freeze({ kind: 'custom', boundMs: milliseconds(bound, 'The bound of customWatermark'), of })
}
