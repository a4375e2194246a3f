import { ingest } from '../lib/handlers/index.js'
import type { Pipeline } from '../lib/index.js'
import { InvocationMetrics, silentLogger } from '../lib/observe/index.js'
import { memoryStore } from '../lib/state/memory/index.js'
import { Random } from '../lib/testing/random.js'
import { keyName, START_MS } from './keyed-world.js'

/** Batches of readings, as an event of the source `readings` has them. */
export type Batches = readonly (readonly { readonly split: string; readonly offset: number; readonly data: string }[])[]

export const BATCH = 1_000
export const SLICE_MS = 1_000

/** So many batches of 1,000 readings, each of one slice, of random keys. */
export function readingBatches(count: number, keys: number): Batches {
  const random = new Random(1)
  return Array.from({ length: count }, (_, batch) =>
    Array.from({ length: BATCH }, (_, i) => ({
      split: 'p',
      offset: batch * BATCH + i,
      data: JSON.stringify({
        t: START_MS + batch * SLICE_MS + i,
        k: keyName(random.below(keys)),
        v: random.below(1_000),
      }),
    })),
  )
}

/** CPU time of some work, us. */
export async function cpuUsOf(work: () => unknown): Promise<number> {
  globalThis.gc?.()
  const started = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(started)
  return user + system
}

/** Passes batches through the handlers of a pipeline, from the event to the sinks. */
export async function driven(made: Pipeline, batches: Batches): Promise<void> {
  const handle = ingest(made, {
    state: memoryStore(),
    logger: silentLogger,
    metrics: new InvocationMetrics(() => undefined),
  })
  for (const records of batches) await handle({ eventSource: 'millrace:file', source: 'readings', records })
}
