import { ingest, tick } from '../../lib/handlers/index.js'
import { callback, count, fileSource, outOfOrder, pipeline, sum, tumbling } from '../../lib/index.js'
import { InvocationMetrics, silentLogger } from '../../lib/observe/index.js'
import type { SourceInspector } from '../../lib/ports/index.js'
import { memoryStore } from '../../lib/state/memory/index.js'
import { Random } from '../../lib/testing/random.js'

/**
 * A process of its own, so that its heap has a limit: what grows without bound ends it. Prints what came out, as JSON.
 */
const [shape, total, KEYS] = [process.argv[2]!, Number(process.argv[3]), Number(process.argv[4])]
const BATCH = 10_000
const WINDOWS = 5
const WINDOW_MS = 60_000

const out = { panes: 0, counted: 0, sum: 0, hot: 0, rejected: 0, reasons: new Set<string>() }
const made = pipeline(
  'volume',
  {
    deadLetter: callback('dead', (rows) => {
      out.rejected += rows.length
      for (const row of rows) out.reasons.add((row.value as any).reason)
    }),
  },
  (p) =>
    p
      .from(fileSource('events', { timestamp: (e: any) => e.t, watermark: outOfOrder(WINDOWS * WINDOW_MS) }))
      .keyBy((e: any) => e.k)
      .window(tumbling(WINDOW_MS))
      .aggregate('w', { n: count(), sum: sum((e: any) => e.v) })
      .to(
        callback('out', (rows) => {
          out.panes += rows.length
          for (const { value } of rows as any[]) {
            out.counted += value.value.n
            out.sum += value.value.sum
            if (value.key === 'hot') out.hot += value.value.n
          }
        }),
      ),
)

/** Every batch writes to five open windows: the same ones to the end, or, where time moves, ever later ones. */
function* events(from: number): Generator<unknown> {
  const random = new Random(from + 1)
  for (let i = from; i < Math.min(total, from + BATCH); i++) {
    const k = shape === 'hot' && random.below(2) === 0 ? 'hot' : `key ${random.below(KEYS)}`
    const base = shape === 'moving' ? Math.floor((i / total) * 60) * WINDOW_MS : 0
    const data = `{"t":${base + random.below(WINDOWS * WINDOW_MS)},"k":"${k}","v":${i % 100}}`
    yield { split: 'part-0', offset: i, data }
  }
}

let highest = 0
const store = memoryStore()
let ended = false
const inspector: SourceInspector = {
  bounded: true,
  list: async () => [{ split: 'part-0', closed: ended }],
  peek: async () => (ended ? 'nothing' : 'waiting'),
}
const totals = new Map<string, number>()
const bindings = {
  state: store,
  inspectors: { events: inspector },
  logger: silentLogger,
  metrics: new InvocationMetrics((metrics) => {
    for (const [name, { value }] of metrics) totals.set(name, (totals.get(name) ?? 0) + value)
  }),
}
const handle = ingest(made, bindings)
const context = { getRemainingTimeInMillis: () => 600_000 }
const started = performance.now()
let answered = 0
for (let from = 0; from < total; from += BATCH) {
  const answer = (await handle(
    { eventSource: 'millrace:file', source: 'events', records: [...events(from)] },
    context,
  )) as any
  if (answer.batchItemFailures.length === 0) answered++
  highest = Math.max(highest, process.memoryUsage().heapUsed)
}
const ingestMs = performance.now() - started
ended = true
const close = tick(made, bindings)
for (let ticks = 0; ticks < 5; ticks++) await close({}, context)
highest = Math.max(highest, process.memoryUsage().heapUsed)
globalThis.gc?.()

const { items } = await store.query({ pk: 'volume.1#0#splits', from: 's#', to: 's$' })
console.log(
  JSON.stringify({
    ...out,
    reasons: [...out.reasons],
    answered,
    // Without how many stamps are unlikely: times here begin in 1970.
    counters: (JSON.parse(items[0]!.counters as string) as number[][]).map((list) => list.slice(0, 5)),
    status: items[0]!.status,
    metrics: Object.fromEntries(totals),
    ingestMs: Math.round(ingestMs),
    totalMs: Math.round(performance.now() - started),
    highestMb: Math.round(highest / 1e6),
    restMb: Math.round(process.memoryUsage().heapUsed / 1e6),
    rssMb: Math.round(process.memoryUsage().rss / 1e6),
    externalMb: Math.round((process.memoryUsage().external + process.memoryUsage().arrayBuffers) / 1e6),
  }),
)
