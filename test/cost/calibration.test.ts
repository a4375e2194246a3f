import { describe, expect, it } from 'vitest'
import { shapeOf } from '../../lib/cost/index.js'
import { closingUnits, plannedUnits } from '../../lib/cost/units.js'
import { ingest } from '../../lib/handlers/index.js'
import { avg, count, fileSource, max, outOfOrder, pipeline, sum, tumbling } from '../../lib/index.js'
import { InvocationMetrics, silentLogger } from '../../lib/observe/index.js'
import { plan } from '../../lib/pipeline/index.js'
import { callback } from '../../lib/sinks/callback/index.js'
import { memoryStore } from '../../lib/state/memory/index.js'
import { Random } from '../../lib/testing/random.js'

interface Case {
  readonly operators: number
  readonly fields: number
  readonly keyGroups: number
  readonly keys: number
  readonly batch: number
}

interface Sale {
  readonly t: number
  readonly keys: readonly string[]
  readonly v: number
}

const SPLITS = 4
const RECORD_BYTES = 60
const RATE = 500
const BATCHES = 32
/** The first batches of a split meet chains that nobody knows. */
const WARM = 2 * SPLITS
const START_MS = Date.UTC(2026, 0, 1)
const AGGREGATES = {
  n: count(),
  total: sum((e: Sale) => e.v),
  mean: avg((e: Sale) => e.v),
  most: max((e: Sale) => e.v),
}

/** Windows of a minute over sales with prices in cents, so many operators side by side, each by keys of its own. */
function salesOf({ operators, fields, keyGroups }: Case) {
  const aggregates = Object.fromEntries(Object.entries(AGGREGATES).slice(0, fields))
  return pipeline('sales', { keyGroups }, (p) => {
    const sales = p.from(fileSource('sales', { timestamp: (e: Sale) => e.t, watermark: outOfOrder('1s') }))
    for (let i = 0; i < operators; i++)
      sales
        .keyBy((e) => e.keys[i]!)
        .window(tumbling('1m'))
        .aggregate(`by-${i}`, aggregates)
        .to(callback(`out-${i}`, () => undefined))
  })
}

/**
 * Units of a batch as the handlers write them, closing included. Splits take turns; each batch holds what has come
 * since its split's last one.
 */
async function measured(given: Case) {
  const { batch, keys, operators } = given
  const made = salesOf(given)
  const store = memoryStore()
  const handle = ingest(made, { state: store, logger: silentLogger, metrics: new InvocationMetrics() })
  const random = new Random(1)
  const intervalMs = ((batch * SPLITS) / RATE) * 1_000
  let before = store.usage()
  for (let n = 0; n < BATCHES + WARM; n++) {
    if (n === WARM) before = store.usage()
    const from = START_MS + (n * intervalMs) / SPLITS - intervalMs
    const records = Array.from({ length: batch }, (_, i) => ({
      split: `p${n % SPLITS}`,
      offset: Math.floor(n / SPLITS) * batch + i,
      data: JSON.stringify({
        t: Math.floor(from + (i / batch) * intervalMs),
        keys: Array.from({ length: operators }, (_, of) => `name-${of}-${random.below(keys)}`),
        v: random.below(100_000) / 100,
      }),
    }))
    await handle({ eventSource: 'millrace:file', source: 'sales', records })
  }
  const after = store.usage()
  return {
    writes: (after.writeUnits - before.writeUnits) / BATCHES,
    reads: (after.readUnits - before.readUnits) / BATCHES,
  }
}

function planned(given: Case) {
  const shape = shapeOf(plan(salesOf(given)))
  const load = { keys: given.keys, recordBytes: RECORD_BYTES, recordsPerSecond: RATE }
  const units = plannedUnits(shape, load, given.batch, (given.batch * SPLITS) / RATE)
  return {
    writes: units.writes * given.batch + (closingUnits(shape, load, RATE / given.batch) * given.batch) / RATE,
    reads: units.reads * given.batch,
  }
}

describe('a bill by the plan alone', () => {
  it.each<Case>([
    { operators: 3, fields: 1, keyGroups: 4, keys: 1_000, batch: 10 },
    { operators: 3, fields: 1, keyGroups: 4, keys: 1_000, batch: 125 },
    { operators: 3, fields: 1, keyGroups: 4, keys: 1_000, batch: 1_000 },
    { operators: 1, fields: 4, keyGroups: 1, keys: 300, batch: 125 },
    { operators: 1, fields: 4, keyGroups: 1, keys: 300, batch: 1_000 },
    { operators: 1, fields: 2, keyGroups: 4, keys: 1_000, batch: 4_000 },
    { operators: 1, fields: 1, keyGroups: 4, keys: 1, batch: 1_000 },
  ])('%j: units are at most a third off what the handlers write', async (given) => {
    const [real, said] = [await measured(given), planned(given)]
    expect(said.writes / real.writes).toBeGreaterThan(3 / 4)
    expect(said.writes / real.writes).toBeLessThan(4 / 3)
    // A unit of reading costs a fifth of one of writing.
    expect(said.reads / real.reads).toBeGreaterThan(1 / 2)
    expect(said.reads / real.reads).toBeLessThan(3 / 2)
  })
})
