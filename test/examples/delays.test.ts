import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { expect, it } from 'vitest'
import delays, { type Alert } from '../../examples/delays/pipeline.js'
import type { Flight } from '../../examples/flights/pipeline.js'
import { run } from '../../lib/dev/index.js'

const DAY = 86_400_000
/** Two days of the airports with some initials: the whole week takes ten seconds. */
const lines = (name: string): string[] =>
  gunzipSync(readFileSync(`examples/flights/data/departures-${name}.ndjson.gz`))
    .toString()
    .split('\n')
    .filter((line) => /"scheduled":"2001-01-0[12].*"origin":"[BDJNO]/.test(line))
const text = (time: number): string => new Date(time).toISOString()

/** The alerts of one airport, from its flights in the order of departure. */
function plainly(airport: string, flights: readonly (Flight & { at: number })[]): Alert[] {
  const alerts: Alert[] = []
  let inARow: Pick<Flight, 'scheduled' | 'destination' | 'delay'>[] = []
  let since: number | undefined
  let lastLong = Number.NEGATIVE_INFINITY
  const clear = (before: number): void => {
    // A list expires at the end of the day, an alert after the flights of that millisecond.
    if (lastLong + DAY <= before) inARow = []
    if (since === undefined || lastLong + DAY >= before) return
    alerts.push({ kind: 'cleared', airport, at: text(lastLong + DAY), since: text(since) })
    since = undefined
  }
  for (const { at, scheduled, destination, delay } of flights) {
    clear(at)
    if (delay <= 60) inARow = []
    else {
      inARow = [...inARow, { scheduled, destination, delay }].slice(-3)
      lastLong = at
      if (since === undefined && inARow.length === 3) {
        since = at
        alerts.push({ kind: 'raised', airport, at: text(at), flights: inARow })
      }
    }
  }
  clear(Number.POSITIVE_INFINITY)
  return alerts
}

it('the example finds the long delays in a row that a plain computation finds in real data', async () => {
  const out = mkdtempSync(join(tmpdir(), 'millrace-delays-'))
  try {
    const byName = { 'departures-a-l': lines('a-l'), 'departures-m-z': lines('m-z') }
    const inputs = Object.fromEntries(
      Object.entries(byName).map(([name, given]) => {
        const file = join(out, `${name}.in`)
        writeFileSync(file, given.join('\n'))
        return [name, [file]]
      }),
    )
    const summary = await run(delays, { inputs, splits: 1, batch: 10_000, state: 'memory', out })
    expect(summary.complete).toBe(true)

    const byAirport = new Map<string, (Flight & { at: number })[]>()
    for (const given of Object.values(byName))
      for (const line of given) {
        const flight: Flight = JSON.parse(line)
        const at = Date.parse(flight.scheduled) + flight.delay * 60_000
        const flights = byAirport.get(flight.origin) ?? []
        byAirport.set(flight.origin, flights)
        flights.push({ ...flight, at })
      }
    const expected = [...byAirport].flatMap(([airport, flights]) =>
      plainly(
        airport,
        flights.sort((a, b) => a.at - b.at),
      ),
    )
    const kinds = expected.map(({ kind }) => kind)
    expect([kinds.filter((kind) => kind === 'raised').length, kinds.length]).toEqual([8, 16])

    const given = readFileSync(join(out, 'alerts.ndjson'), 'utf8').trim().split('\n')
    expect(given.sort()).toEqual(expected.map((alert) => JSON.stringify(alert)).sort())
  } finally {
    rmSync(out, { recursive: true, force: true })
  }
})
