import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Handler } from '../../lib/handlers/index.js'
import { stateIn } from '../../lib/lambda/state.js'
import { kafkaEvent, kinesisEvent } from './worlds.js'

const flight = (scheduled: string, origin: string) => ({
  scheduled,
  delay: 7,
  distance: 100,
  origin,
  destination: 'JFK',
})

afterEach(() => {
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
})

describe('the Lambda functions of the example', () => {
  it('run as they are, on the state that MILLRACE_STATE names', async () => {
    vi.stubEnv('MILLRACE_STATE', 'memory')
    const lines: string[] = []
    vi.spyOn(process.stdout, 'write').mockImplementation((line) => lines.push(String(line)) > 0)
    const handlers: Record<string, Handler> = {
      ingest: (await import('../../functions/ingest.js')).handler,
      advance: (await import('../../functions/advance.js')).handler,
      tick: (await import('../../functions/tick.js')).handler,
    }
    const done = { batchItemFailures: [] }
    const early = kinesisEvent(0, [flight('2001-01-01T06:00:00Z', 'ATL')], 'departures-a-l')
    expect(await handlers.ingest!(early, { getRemainingTimeInMillis: () => 30_000 })).toEqual(done)
    const later = kafkaEvent({ 0: [flight('2001-01-01T06:10:00Z', 'ORD')] }, 'departures-m-z')
    expect(await handlers.ingest!(later)).toEqual(done)
    expect(await handlers.advance!({ operator: 'hourly', keyGroup: 0 })).toEqual({})
    expect(await handlers.tick!({ 'detail-type': 'Scheduled Event' })).toEqual({})
    const written = lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line))
    const metrics = written.filter((line) => line.Handler !== undefined)
    expect(metrics.map((line) => [line.Pipeline, line.Handler])).toEqual([
      ['flights', 'ingest'],
      ['flights', 'ingest'],
      ['flights', 'advance'],
      ['flights', 'tick'],
    ])
    expect(metrics[0].Records).toBe(1)
    // A value that no alarm watches is not a CloudWatch metric.
    expect(metrics[0]._aws).toBeDefined()
    expect([metrics[3]._aws, metrics[3].ReadUnits]).toEqual([undefined, expect.any(Number)])
  })

  it.each(['', 'dynamo', 'Memory', undefined])('MILLRACE_STATE %j is refused with words', async (choice) => {
    vi.stubEnv('MILLRACE_STATE', choice)
    await expect(stateIn()).rejects.toThrow(
      `MILLRACE_STATE must name the state store as dynamodb:TABLE, memory or lmdb:DIRECTORY; it is ${JSON.stringify(choice ?? '')}.`,
    )
  })
})
