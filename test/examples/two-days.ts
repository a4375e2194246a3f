import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { expect } from 'vitest'
import type { Flight } from '../../examples/flights/pipeline.js'
import { run } from '../../lib/dev/index.js'
import type { Pipeline } from '../../lib/index.js'

/** Two days of the airports with some initials: the whole week takes ten seconds. */
const lines = (name: string): string[] =>
  gunzipSync(readFileSync(`examples/flights/data/departures-${name}.ndjson.gz`))
    .toString()
    .split('\n')
    .filter((line) => /"scheduled":"2001-01-0[12].*"origin":"[BDJNO]/.test(line))

/** A flight with its time of departure, ms. */
export type Departure = Flight & { readonly at: number }

/** Runs an example on the two days. Returns the lines of one of its files, and the flights by airport, in order. */
export async function runTwoDays(pipeline: Pipeline, file: string) {
  const out = mkdtempSync(join(tmpdir(), 'millrace-example-'))
  try {
    const byName = { 'departures-a-l': lines('a-l'), 'departures-m-z': lines('m-z') }
    const inputs = Object.fromEntries(
      Object.entries(byName).map(([name, given]) => {
        const input = join(out, `${name}.in`)
        writeFileSync(input, given.join('\n'))
        return [name, [input]]
      }),
    )
    const summary = await run(pipeline, { inputs, splits: 1, batch: 10_000, state: 'memory', out })
    expect(summary.complete).toBe(true)
    const byAirport = new Map<string, Departure[]>()
    for (const line of Object.values(byName).flat()) {
      const flight: Flight = JSON.parse(line)
      const flights = byAirport.get(flight.origin) ?? []
      byAirport.set(flight.origin, flights)
      flights.push({ ...flight, at: Date.parse(flight.scheduled) + flight.delay * 60_000 })
    }
    for (const flights of byAirport.values()) flights.sort((a, b) => a.at - b.at)
    return { given: readFileSync(join(out, file), 'utf8').trim().split('\n'), byAirport }
  } finally {
    rmSync(out, { recursive: true, force: true })
  }
}
