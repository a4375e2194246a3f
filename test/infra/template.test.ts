import { expect, it } from 'vitest'
import { draws } from '../draws.js'
import { describeLive } from '../services/local.js'
import { DeployedFlights } from './deployed-flights.js'

const WAIT = { interval: 500 }
const ROWS = draws(3_000, 12_000)
/** As many batches in either form as there are faults among. */
const BATCH = draws(50, 100)

describeLive('the flights through the template', ['dynamodb', 'kinesis', 'kafka'], (services) => {
  it('the bundled handlers, fed as its mappings say, give the rows of a run on files', async () => {
    const flights = await DeployedFlights.make(services, { rows: ROWS, suffix: '' })
    try {
      flights.start()
      await expect.poll(() => flights.counted(), WAIT).toBe(flights.rows)
      await flights.halt()
      for (const { counters } of flights.deployment.functions)
        expect(counters).toMatchObject({ errors: 0, timeouts: 0, initFailures: 0 })
      await flights.expectRowsOfARun()
    } finally {
      await flights.close()
    }
  })

  it('old and new code at once, on the same batches, with old containers that go on after they were given up: the same rows', async () => {
    const flights = await DeployedFlights.make(services, { rows: ROWS, suffix: '-upgraded', batchSize: BATCH })
    try {
      flights.start()
      await expect.poll(() => flights.counted(), { ...WAIT, interval: 50 }).toBeGreaterThan(flights.rows / 6)
      const before = flights.deployment.functions
      flights.deployment.upgrade(flights.templateOf('test/infra/upgraded'))
      await expect.poll(() => flights.counted(), { ...WAIT, interval: 50 }).toBeGreaterThan(flights.rows / 2)
      const zombies = await flights.deployment.retire()
      await expect.poll(() => flights.counted(), WAIT).toBe(flights.rows)
      await flights.halt()
      const after = flights.deployment.functions.filter((made) => !before.includes(made))
      const invoked = (functions: typeof before): number =>
        functions.reduce((sum, { counters }) => sum + counters.invocations, 0)
      // Neither stood by.
      expect(invoked(before)).toBeGreaterThan(10)
      expect(invoked(after)).toBeGreaterThan(10)
      expect(zombies).toBeGreaterThan(0)
      for (const { counters } of after) expect(counters).toMatchObject({ errors: 0, timeouts: 0, initFailures: 0 })
      await flights.expectRowsOfARun()
    } finally {
      await flights.close()
    }
  })
})
