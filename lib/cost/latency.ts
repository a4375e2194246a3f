import { batchOf, type Deployment, invocationMs, plannedCpuUs } from './deployment.js'
import type { Shape } from './shape.js'
import type { Workload } from './workload.js'

/** A poller of a stream looks at each shard once a second; consumers of Kafka are told at once. */
const POLL_SECONDS = 1

/** The parts of a latency, in the order in which a record meets them, s. */
export interface Latency {
  /** Until a poller sees it: up to a second of a stream. */
  readonly poll: number
  /** The batching window. */
  readonly window: number
  /** The invocation that is at work as it comes, and its own. */
  readonly invocations: number
  /** Steps of the watermark, where slices are so narrow that they wait for one: `minAdvance`. */
  readonly advance: number
  readonly seconds: number
}

/**
 * From a record that ends a window to the window's result in its sink, at most, while records come from every split
 * and nothing fails. A window ends once all splits are past its end by the bound of disorder: that is event time, and
 * no setting makes it shorter. Starting a container adds about a second, a split that goes quiet `idle.after` and a
 * tick.
 */
export function latencyOf(shape: Shape, load: Workload, deployment: Deployment, cpuUs = plannedCpuUs(shape)): Latency {
  const poll = shape.sources.some(({ connector }) => connector === 'kinesis') ? POLL_SECONDS : 0
  const window = deployment.windowSeconds
  const each = invocationMs(deployment, batchOf(shape, load, deployment), cpuUs) / 1_000
  // A stage that reads another one is closed by the same invocation, and waits for the store once more.
  const invocations = (1 + shape.stages) * each
  const narrowest = Math.min(...shape.operators.map(({ widthMs }) => widthMs))
  // The watermark was last published as the slice before closed, which is long ago where slices are wide.
  const isHeld = narrowest < shape.minAdvanceMs + (poll + window) * 1_000
  const advance = isHeld ? shape.minAdvanceMs / 1_000 : 0
  return { poll, window, invocations, advance, seconds: poll + window + invocations + advance }
}
