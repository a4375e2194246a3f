import { isoUtc, kafkaSource, kinesisSource, list, ndjson, outOfOrder, pipeline, value } from '../../lib/index.js'
import type { Flight } from '../flights/pipeline.js'

/** What is sent when an airport has long delays in a row, and when they are over. */
export type Alert =
  | { readonly kind: 'raised'; readonly airport: string; readonly at: string; readonly flights: readonly Delayed[] }
  | { readonly kind: 'cleared'; readonly airport: string; readonly at: string; readonly since: string }
type Delayed = Pick<Flight, 'scheduled' | 'destination' | 'delay'>

const LONG = 60
const IN_A_ROW = 3
const DAY = 86_400_000
const text = (time: number): string => new Date(time).toISOString()

const options = {
  // The time of departure: rows are processed in this order.
  timestamp: ({ scheduled, delay }: Flight) => isoUtc(scheduled) + delay * 60_000,
  watermark: outOfOrder('1h'),
  partitionKey: (flight: Flight) => flight.origin,
}

/**
 * An alert is raised when three departures in a row of an airport are delayed by more than an hour. It is cleared when
 * a day has passed without such a delay.
 */
export default pipeline('delays', { keyGroups: 1, deadLetter: ndjson('rejected') }, (p) =>
  p
    .from(kinesisSource('departures-a-l', options), kafkaSource('departures-m-z', options))
    .keyBy((flight) => flight.origin)
    .process(
      'long-delays',
      {
        state: {
          inARow: list<Delayed>({ max: IN_A_ROW, ttl: '1d' }),
          // When the alert was raised; null if there is none. The timer frees it.
          raised: value<number | null>(null),
        },
        every: '15m',
      },
      {
        *onRow({ key: airport, state, timers, timestamp }, { scheduled, destination, delay }): Generator<Alert> {
          if (delay <= LONG) {
            state.inARow.clear()
            return
          }
          state.inARow.add({ scheduled, destination, delay })
          if (state.raised.get() === null) {
            if (state.inARow.length < IN_A_ROW) return
            state.raised.set(timestamp)
            yield { kind: 'raised', airport, at: text(timestamp), flights: state.inARow.get() }
          }
          timers.set('clear', timestamp + DAY)
        },
        onTimer({ key: airport, state }, { time }): Alert[] {
          const since = state.raised.get()
          state.raised.clear()
          state.inARow.clear()
          return since === null ? [] : [{ kind: 'cleared', airport, at: text(time), since: text(since) }]
        },
      },
    )
    .to(ndjson('alerts')),
)
