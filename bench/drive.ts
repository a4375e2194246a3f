import type { StreamInput } from '../lib/dev/input/stream-input.js'
import { ingest, tick } from '../lib/handlers/index.js'
import type { Pipeline } from '../lib/index.js'
import { InvocationMetrics, silentLogger } from '../lib/observe/index.js'
import type { StateStore } from '../lib/ports/index.js'
import { memoryStore } from '../lib/state/memory/index.js'
import type { BenchEvent } from './flights-events.js'

export interface DriveResult {
  /** CPU time of all invocations, us. */
  readonly cpuUs: number
  /** Requests of each invocation, in order. */
  readonly requests: readonly number[]
  /** Write units of each invocation. */
  readonly units: readonly number[]
  /** Whether an invocation published a watermark, and so closed slices. */
  readonly closed: readonly boolean[]
  readonly store: StateStore
}

/**
 * Runs every event through the handlers of one container, as Lambda would: the text of the event is parsed in each
 * invocation.
 */
export async function drive(
  pipeline: Pipeline,
  events: readonly BenchEvent[],
  inputs: readonly StreamInput[],
  finish: boolean,
  store: StateStore = memoryStore(),
  run = 1,
): Promise<DriveResult> {
  let published = false
  const metrics = new InvocationMetrics((seen) => {
    published = seen.has('WatermarkPublished')
  })
  const bindings = {
    state: store,
    run,
    metrics,
    logger: silentLogger,
    inspectors: Object.fromEntries(inputs.map((input) => [input.source.name, input])),
  }
  const handle = ingest(pipeline, bindings)
  const requests: number[] = []
  const units: number[] = []
  const closed: boolean[] = []
  let usage = store.usage()
  const started = process.cpuUsage()
  for (const event of events) {
    await handle(JSON.parse(event.json))
    const now = store.usage()
    requests.push(now.requests - usage.requests)
    units.push(now.writeUnits - usage.writeUnits)
    closed.push(published)
    usage = now
  }
  if (finish) {
    const ticker = tick(pipeline, bindings)
    await ticker({})
    await ticker({})
  }
  const spent = process.cpuUsage(started)
  const cpuUs = spent.user + spent.system
  return { cpuUs, requests, units, closed, store }
}

export const sumOf = (list: readonly number[]): number => list.reduce((sum, value) => sum + value, 0)

export function median(list: readonly number[]): number {
  const sorted = [...list].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}
