import { PRICES } from './prices.js'
import type { Shape } from './shape.js'

/**
 * Of each function: errors, throttles, duration. Of a pipeline: both kinds of stop, the tick, retries, event time's
 * lag, rejected, refused, unanswered, the table.
 */
const FUNCTION_ALARMS = 9
const PIPELINE_ALARMS = 9
/** Where it has windows: expired rows, old state. */
const OPERATOR_ALARMS = 2
/**
 * Metrics of its own that it writes in each hour in which records come: Records, Late, WatermarkLagMs, SinkRows,
 * OldestUnreadAgeMs. All others are of what goes wrong.
 */
const BUSY_METRICS = 5
const HOUR_SECONDS = 3_600

/** Alarms of a stack, each of one metric: a test of the stack counts them. */
export function alarmsOf({ sources, operators }: Shape): number {
  const lags = new Set(sources.map(({ connector }) => connector).filter((connector) => connector !== 'file')).size
  return FUNCTION_ALARMS + PIPELINE_ALARMS + lags + (operators.length > 0 ? OPERATOR_ALARMS : 0)
}

/** Metrics are billed by the hours in which they have a value. */
export function metricsUsd(rate: number): number {
  return BUSY_METRICS * PRICES.metric * Math.min(1, rate * HOUR_SECONDS)
}
