import { expect, it } from 'vitest'
import delays, { type Alert } from '../../examples/delays/pipeline.js'
import type { Flight } from '../../examples/flights/pipeline.js'
import { type Departure, runTwoDays } from './two-days.js'

const DAY = 86_400_000
const text = (time: number): string => new Date(time).toISOString()

/** The alerts of one airport, from its flights in the order of departure. */
function plainly(airport: string, flights: readonly Departure[]): Alert[] {
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
  const { given, byAirport } = await runTwoDays(delays, 'alerts.ndjson')
  const expected = [...byAirport].flatMap(([airport, flights]) => plainly(airport, flights))
  const kinds = expected.map(({ kind }) => kind)
  expect([kinds.filter((kind) => kind === 'raised').length, kinds.length]).toEqual([8, 16])
  expect(given.sort()).toEqual(expected.map((alert) => JSON.stringify(alert)).sort())
})
