import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'

/** A source of the flights example. */
export interface FlightSource {
  readonly name: string
  readonly connector: 'kinesis' | 'kafka'
  /** Its whole log, one JSON text a record. */
  readonly lines: readonly string[]
}

const linesOf = (name: string): string[] =>
  gunzipSync(readFileSync(new URL(`../../examples/flights/data/${name}.ndjson.gz`, import.meta.url)))
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '')

const whole: readonly FlightSource[] = [
  { name: 'departures-a-l', connector: 'kinesis', lines: linesOf('departures-a-l') },
  { name: 'departures-m-z', connector: 'kafka', lines: linesOf('departures-m-z') },
]

export const ALL_FLIGHTS = whole.reduce((sum, source) => sum + source.lines.length, 0)

/** The first `rows` flights: as much of each log as its share is, so that the sources keep step in event time. */
export function firstFlights(rows: number): readonly FlightSource[] {
  return whole.map((source) => ({
    ...source,
    lines: source.lines.slice(0, Math.round((source.lines.length * rows) / ALL_FLIGHTS)),
  }))
}
