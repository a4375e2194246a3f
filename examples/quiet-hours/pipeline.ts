import {
  count,
  isoUtc,
  kafkaSource,
  kinesisSource,
  ndjson,
  outOfOrder,
  pipeline,
  session,
  value,
} from '../../lib/index.js'
import type { Flight } from '../flights/pipeline.js'

const QUIET_MS = 2 * 3_600_000
const text = (time: number): string => new Date(time).toISOString()

/** A time without departures between two sessions of an airport. */
export interface Quiet {
  readonly airport: string
  readonly from: string
  readonly to: string
  readonly hours: number
  /** Departures in the session before. */
  readonly departures: number
}

const options = {
  timestamp: ({ scheduled, delay }: Flight) => isoUtc(scheduled) + delay * 60_000,
  watermark: outOfOrder('1h'),
  partitionKey: (flight: Flight) => flight.origin,
}

/**
 * The quiet hours of each airport: a session holds departures with at most two hours between them, so what lies between
 * two sessions is quiet.
 */
export default pipeline('quiet-hours', { keyGroups: 1, deadLetter: ndjson('rejected') }, (p) =>
  p
    .from(kinesisSource('departures-a-l', options), kafkaSource('departures-m-z', options))
    .keyBy((flight) => flight.origin)
    .window(session(QUIET_MS), { every: '15m' })
    .aggregate('sessions', { departures: count() })
    .to(ndjson('sessions'))
    .keyBy((busy) => busy.key)
    .process(
      'quiet',
      { state: { end: value<number | null>(null), departures: value(0) }, every: '15m' },
      {
        onRow({ key: airport, state }, { window, value: { departures } }): Quiet[] {
          const from = state.end.get()
          const before = state.departures.get()
          // The window of a session ends one gap after its last departure.
          state.end.set(window.end - QUIET_MS)
          state.departures.set(departures)
          if (from === null) return []
          const hours = Math.round((window.start - from) / 36_000) / 100
          return [{ airport, from: text(from), to: text(window.start), hours, departures: before }]
        },
      },
    )
    .to(ndjson('quiet')),
)
