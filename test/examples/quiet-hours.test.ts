import { expect, it } from 'vitest'
import quietHours, { type Quiet } from '../../examples/quiet-hours/pipeline.js'
import { runTwoDays } from './two-days.js'

const text = (time: number): string => new Date(time).toISOString()

it('the example finds the quiet hours that a plain computation finds in real data', async () => {
  const { given, byAirport } = await runTwoDays(quietHours, 'quiet.ndjson')
  const quiet: Quiet[] = given.map((line) => JSON.parse(line))
  const expected: string[] = []
  for (const [airport, flights] of byAirport) {
    let departures = 1
    for (let i = 1; i < flights.length; i++) {
      const [from, to] = [flights[i - 1]!.at, flights[i]!.at]
      if (to - from <= 2 * 3_600_000) {
        departures++
        continue
      }
      expected.push([airport, text(from), text(to), departures].join())
      departures = 1
    }
  }
  expect(expected.length).toBeGreaterThan(20)
  expect(quiet.map(({ airport, from, to, departures }) => [airport, from, to, departures].join()).sort()).toEqual(
    expected.sort(),
  )
})
