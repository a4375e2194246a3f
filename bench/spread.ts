import { ingest } from '../lib/handlers/index.js'
import { count, fileSource, ndjson, outOfOrder, pipeline, sum, tumbling } from '../lib/index.js'
import { InvocationMetrics, silentLogger } from '../lib/observe/index.js'
import { memoryStore } from '../lib/state/memory/index.js'
import { Random } from '../lib/testing/random.js'
import { median } from './drive.js'

/** The cost of a batch, by how far the timestamps of its records are spread, and by the number of key groups. */
export interface SpreadFigures {
  readonly spread: string
  readonly keyGroups: number
  /** Write units and requests of a batch that closes no slice. */
  readonly unitsPerBatch: number
  readonly requestsPerBatch: number
  /** Read units of all batches, including the closing of slices. */
  readonly readUnitsPerBatch: number
}

const CASES: readonly (readonly [spread: string, ms: number, keyGroups: number])[] = [
  ['30s', 30_000, 4],
  ['5m', 300_000, 4],
  ['1h', 3_600_000, 4],
  ['6h', 21_600_000, 4],
  ['1d', 86_400_000, 4],
  ['30s', 30_000, 64],
  ['30s', 30_000, 1024],
  ['1h', 3_600_000, 64],
  ['1h', 3_600_000, 1024],
]
const RECORDS = 1_000
const KEYS = 500
const BATCHES = 40
const PACE_MS = 5_000
const START_MS = Date.UTC(2026, 0, 1)

/** Batches of 1,000 records over 500 keys, five seconds of event time apart, into windows of a minute. */
export async function spread(): Promise<SpreadFigures[]> {
  const figures: SpreadFigures[] = []
  for (const [name, ms, keyGroups] of CASES) figures.push(await one(name, ms, keyGroups))
  return figures
}

async function one(name: string, ms: number, keyGroups: number): Promise<SpreadFigures> {
  const made = pipeline('spread', { keyGroups }, (p) =>
    p
      .from(fileSource('events', { timestamp: (e: { t: number }) => e.t, watermark: outOfOrder(ms) }))
      .keyBy((e: any) => e.k)
      .window(tumbling('1m'))
      .aggregate('w', { n: count(), sum: sum((e: any) => e.v) })
      .to(ndjson('out')),
  )
  let closed = false
  const store = memoryStore()
  const handle = ingest(made, {
    state: store,
    logger: silentLogger,
    sink: async () => ({ write: async () => undefined, close: async () => undefined }),
    metrics: new InvocationMetrics((seen) => {
      closed = seen.has('WatermarkPublished')
    }),
  })
  const random = new Random(1)
  const units: number[] = []
  const requests: number[] = []
  let reads = 0
  for (let batch = 0; batch < BATCHES; batch++) {
    const now = START_MS + batch * PACE_MS
    const records = Array.from({ length: RECORDS }, (_, i) => ({
      split: 'p',
      offset: batch * RECORDS + i,
      data: JSON.stringify({ t: now - random.below(ms), k: `customer-${random.below(KEYS)}`, v: random.below(10_000) }),
    }))
    const before = store.usage()
    await handle({ eventSource: 'millrace:file', source: 'events', records })
    const after = store.usage()
    reads += after.readUnits - before.readUnits
    // In the first batches, the chains are not known yet.
    if (batch < 2 || closed) continue
    units.push(after.writeUnits - before.writeUnits)
    requests.push(after.requests - before.requests)
  }
  return {
    spread: name,
    keyGroups,
    unitsPerBatch: median(units),
    requestsPerBatch: median(requests),
    readUnitsPerBatch: Math.round(reads / BATCHES),
  }
}
