import type { Flight } from '../examples/flights/pipeline.js'
import { drive, median } from './drive.js'
import { type BenchEvent, flightEvents } from './flights-events.js'
import { flightsWith, type SchemaName } from './flights-variants.js'

const WARM_ROUNDS = 2
const ROUNDS = 7

interface Raw {
  readonly Records?: readonly { readonly kinesis: { readonly data: string } }[]
  readonly records?: Readonly<Record<string, readonly { readonly value: string }[]>>
}

/** The payloads of an event, as base64. */
function payloads(event: Raw): string[] {
  return event.Records
    ? event.Records.map((record) => record.kinesis.data)
    : Object.values(event.records!).flatMap((list) => list.map((record) => record.value))
}

/** The minimum work of any handler: parse the event, decode and parse each record. */
function decodeOnly(events: readonly BenchEvent[]): number {
  let delays = 0
  for (const event of events) {
    for (const data of payloads(JSON.parse(event.json)))
      delays += (JSON.parse(Buffer.from(data, 'base64').toString()) as Flight).delay
  }
  return delays
}

/** The same fold without any guarantee: one Map in memory, no late records, no failures. */
function mapFold(events: readonly BenchEvent[]): number {
  const windows = new Map<string, { flights: number; delay: number; worst: number; late: number }>()
  for (const event of events) {
    for (const data of payloads(JSON.parse(event.json))) {
      const flight = JSON.parse(Buffer.from(data, 'base64').toString()) as Flight
      const key = `${flight.origin}|${flight.scheduled.slice(0, 13)}`
      const found = windows.get(key)
      if (found === undefined)
        windows.set(key, { flights: 1, delay: flight.delay, worst: flight.delay, late: flight.delay > 15 ? 1 : 0 })
      else {
        found.flights++
        found.delay += flight.delay
        if (flight.delay > found.worst) found.worst = flight.delay
        if (flight.delay > 15) found.late++
      }
    }
  }
  return windows.size
}

function cpuUsOf(work: () => unknown): number {
  const started = process.cpuUsage()
  work()
  const spent = process.cpuUsage(started)
  return spent.user + spent.system
}

export interface CpuFigures {
  readonly schema: SchemaName
  readonly records: number
  readonly decodeUs: number
  readonly mapUs: number
  readonly millraceUs: number
}

/**
 * CPU time per event: all of Millrace (ingest, state, closing windows, rows to a sink) and both baselines, in
 * alternating rounds. One pipeline per process, as in a container.
 */
export async function cpu(batch: number, schema: SchemaName): Promise<CpuFigures> {
  const pipeline = flightsWith(schema, () => undefined)
  const { events, inputs, records } = flightEvents(pipeline, batch)
  const decode: number[] = []
  const map: number[] = []
  const ours: number[] = []
  for (let round = -WARM_ROUNDS; round < ROUNDS; round++) {
    const decoded = cpuUsOf(() => decodeOnly(events))
    const folded = cpuUsOf(() => mapFold(events))
    const driven = await drive(pipeline, events, inputs, true)
    if (round < 0) continue
    decode.push(decoded / records)
    map.push(folded / records)
    ours.push(driven.cpuUs / records)
  }
  return { schema, records, decodeUs: median(decode), mapUs: median(map), millraceUs: median(ours) }
}
