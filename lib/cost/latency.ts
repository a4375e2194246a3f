import { batchOf, type Deployment, invocationMs, plannedCpuUs } from './deployment.js'
import type { Shape } from './shape.js'
import type { Workload } from './workload.js'

/** A mapping polls each shard of a stream once per second; Kafka consumers receive records immediately. */
const POLL_SECONDS = 1

/** The parts of a latency, in the order in which they affect a record, s. */
export interface Latency {
  /** Until a poller reads the record: up to one second for a stream. */
  readonly poll: number
  /** The batching window. */
  readonly window: number
  /** The invocation that is running when the record arrives, and the record's own invocation. */
  readonly invocations: number
  /** `minAdvance`, if slices are so narrow that they wait for the next publication of the watermark. */
  readonly advance: number
  readonly seconds: number
}

/**
 * The maximum time from a record that completes a window to the window's result in its sink, while records arrive from
 * every split and nothing fails. A window is complete when all splits have passed its end by the out-of-orderness
 * bound: this takes event time, and no setting reduces it. A cold start adds about one second; a split that goes idle
 * adds `idle.after` and a tick.
 */
export function latencyOf(shape: Shape, load: Workload, deployment: Deployment, cpuUs = plannedCpuUs(shape)): Latency {
  const poll = shape.sources.some(({ connector }) => connector === 'kinesis') ? POLL_SECONDS : 0
  const window = deployment.windowSeconds
  const each = invocationMs(deployment, batchOf(shape, load, deployment), cpuUs) / 1_000
  // A stage that reads another stage is closed by the same invocation, and waits for the store once more.
  const invocations = (1 + shape.stages) * each
  const narrowest = Math.min(...shape.operators.map(({ widthMs }) => widthMs))
  // The watermark was last published when the previous slice closed. For wide slices, that is long ago.
  const isHeld = narrowest < shape.minAdvanceMs + (poll + window) * 1_000
  const advance = isHeld ? shape.minAdvanceMs / 1_000 : 0
  return { poll, window, invocations, advance, seconds: poll + window + invocations + advance }
}
