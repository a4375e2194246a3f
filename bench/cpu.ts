import type { Flight } from '../examples/flights/pipeline.js'
import type { Pipeline } from '../lib/index.js'
import { drive, median } from './drive.js'
import { type BenchEvent, flightEvents } from './flights-events.js'
import { flightsWith, type SchemaName, schemaNames } from './flights-variants.js'

const ROUNDS = 5

interface Raw {
  readonly Records?: readonly { readonly kinesis: { readonly data: string } }[]
  readonly records?: Readonly<Record<string, readonly { readonly value: string }[]>>
}

/** Payloads of an event, as base64. */
function payloads(event: Raw): string[] {
  return event.Records
    ? event.Records.map((record) => record.kinesis.data)
    : Object.values(event.records!).flatMap((list) => list.map((record) => record.value))
}

/** The least that any handler does: parse the event, decode and parse each record. */
function decodeOnly(events: readonly BenchEvent[]): number {
  let delays = 0
  for (const event of events) {
    for (const data of payloads(JSON.parse(event.json)))
      delays += (JSON.parse(Buffer.from(data, 'base64').toString()) as Flight).delay
  }
  return delays
}

/** The same fold with no care for anything: one Map in memory, no late record, no failure. */
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
  readonly records: number
  readonly decodeUs: number
  readonly mapUs: number
  readonly millraceUs: Readonly<Record<SchemaName, number>>
}

/** CPU of an event: the whole of Millrace (ingest, state, closing windows, rows to a sink) beside both baselines, rounds in turns. */
export async function cpu(batch: number): Promise<CpuFigures> {
  const plain = flightsWith('none', () => undefined)
  const { events, inputs, records } = flightEvents(plain, batch)
  const decode: number[] = []
  const map: number[] = []
  const pipelines = Object.fromEntries(schemaNames.map((name) => [name, flightsWith(name, () => undefined)])) as Record<
    SchemaName,
    Pipeline
  >
  const ours = Object.fromEntries(schemaNames.map((name) => [name, [] as number[]])) as Record<SchemaName, number[]>
  for (let round = 0; round <= ROUNDS; round++) {
    const decoded = cpuUsOf(() => decodeOnly(events))
    const folded = cpuUsOf(() => mapFold(events))
    for (const name of schemaNames) {
      const driven = await drive(pipelines[name], events, inputs, true)
      // The first round warms up.
      if (round > 0) ours[name].push(driven.cpuUs / records)
    }
    if (round > 0) {
      decode.push(decoded / records)
      map.push(folded / records)
    }
  }
  return {
    records,
    decodeUs: median(decode),
    mapUs: median(map),
    millraceUs: Object.fromEntries(schemaNames.map((name) => [name, median(ours[name])])) as Record<SchemaName, number>,
  }
}
