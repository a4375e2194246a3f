import { callback, count, fileSource, max, outOfOrder, type Pipeline, pipeline, sum, tumbling } from '../lib/index.js'
import { median } from './drive.js'
import { addReading, isReported, keyedPipeline, type Reading, type Total } from './keyed-world.js'
import { BATCH, type Batches, cpuUsOf, driven, readingBatches, SLICE_MS } from './readings.js'

/** CPU time of an event, us, from its payload to the rows of the handler. */
export interface KeyedCpuFigures {
  readonly keys: number
  readonly events: number
  readonly keysPerSlice: number
  readonly decodeUs: number
  /** The same handler over objects in a Map. */
  readonly mapUs: number
  /** The same events into windows of a slice: what the runtime costs without keyed state. */
  readonly windowUs: number
  readonly processUs: number
}

const BATCHES = 30
const WARM_ROUNDS = 2
const ROUNDS = 3

/** Batches of 1,000 events, each of one slice, from the event to the sink: `ingest` closes the slices too. */
export async function keyedCpu({ keys }: { readonly keys: number }): Promise<KeyedCpuFigures> {
  const batches = readingBatches(BATCHES, keys)
  const perSlice = batches.map((batch) => new Set(batch.map(({ data }) => (JSON.parse(data) as Reading).k)).size)
  let rows = 0
  const onRows = (n: number): void => {
    rows += n
  }
  const windows = windowPipeline(onRows)
  const keyed = keyedPipeline(onRows)
  const times: Record<'decode' | 'map' | 'window' | 'process', number[]> = {
    decode: [],
    map: [],
    window: [],
    process: [],
  }
  for (let round = -WARM_ROUNDS; round < ROUNDS; round++) {
    const one = {
      decode: await cpuUsOf(() => decodeOnly(batches)),
      map: await cpuUsOf(() => plainMap(batches, onRows)),
      window: await cpuUsOf(() => driven(windows, batches)),
      process: await cpuUsOf(() => driven(keyed, batches)),
    }
    if (round < 0) continue
    for (const name in one) times[name as keyof typeof one].push(one[name as keyof typeof one] / (BATCH * BATCHES))
  }
  if (rows === 0) throw new Error('the handlers of the benchmark gave no rows')
  return {
    keys,
    events: BATCH * BATCHES,
    keysPerSlice: median(perSlice),
    decodeUs: median(times.decode),
    mapUs: median(times.map),
    windowUs: median(times.window),
    processUs: median(times.process),
  }
}

function decodeOnly(batches: Batches): number {
  let total = 0
  for (const batch of batches) for (const { data } of batch) total += (JSON.parse(data) as Reading).v
  return total
}

function plainMap(batches: Batches, onRows: (rows: number) => void): void {
  const states = new Map<string, Total>()
  for (const batch of batches) {
    const out: unknown[] = []
    for (const { data } of batch) {
      const reading = JSON.parse(data) as Reading
      const total = addReading(states.get(reading.k) ?? { n: 0, sum: 0, last: 0 }, reading)
      states.set(reading.k, total)
      if (isReported(total)) out.push({ key: reading.k, ...total })
    }
    onRows(out.length)
  }
}

function windowPipeline(onRows: (rows: number) => void): Pipeline {
  const counting = (name: string) => callback(name, (rows) => onRows(rows.length))
  return pipeline('windows', { deadLetter: counting('rejected'), keyGroups: 1, minAdvance: 0 }, (p) =>
    p
      .from(fileSource('readings', { timestamp: (e: Reading) => e.t, watermark: outOfOrder(SLICE_MS) }))
      .keyBy((e) => e.k)
      .window(tumbling(SLICE_MS))
      .aggregate('totals', { n: count(), sum: sum((e: Reading) => e.v), last: max((e: Reading) => e.t) })
      .to(counting('out')),
  )
}
