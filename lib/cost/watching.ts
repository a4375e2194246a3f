import { PRICES } from './prices.js'
import type { Shape } from './shape.js'

/**
 * Per function: errors, throttles, duration. Per pipeline: both kinds of stop, the tick, retries, event-time lag,
 * rejected records, refused rows, unanswered questions, the table.
 */
const FUNCTION_ALARMS = 9
const PIPELINE_ALARMS = 9
/** For a pipeline with windows: expired rows, old state. */
const OPERATOR_ALARMS = 2
/**
 * The pipeline's own metrics that have a value in each hour in which records arrive: Records, Late, WatermarkLagMs,
 * SinkRows, OldestUnreadAgeMs. All others have values only when something goes wrong.
 */
const BUSY_METRICS = 5
const HOUR_SECONDS = 3_600

/** Number of alarms of a stack, each on one metric; a test of the stack checks it. */
export function alarmsOf({ sources, operators }: Shape): number {
  const lags = new Set(sources.map(({ connector }) => connector).filter((connector) => connector !== 'file')).size
  return FUNCTION_ALARMS + PIPELINE_ALARMS + lags + (operators.length > 0 ? OPERATOR_ALARMS : 0)
}

/** Metrics are billed for the hours in which they have a value. */
export function metricsUsd(rate: number): number {
  return BUSY_METRICS * PRICES.metric * Math.min(1, rate * HOUR_SECONDS)
}
