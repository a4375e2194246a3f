import {
  avg,
  count,
  iso,
  kafkaSource,
  kinesisSource,
  max,
  ndjson,
  outOfOrder,
  pipeline,
  tumbling,
} from '../../lib/index.js'

export interface Flight {
  /** The scheduled departure: ISO 8601, UTC. */
  readonly scheduled: string
  /** Delay of the departure in minutes; negative if the flight left early. */
  readonly delay: number
  /** In miles. */
  readonly distance: number
  readonly origin: string
  readonly destination: string
}

const options = {
  timestamp: (flight: Flight) => iso(flight.scheduled),
  watermark: outOfOrder('3h'),
  partitionKey: (flight: Flight) => flight.origin,
}
const fromAToL = kinesisSource('departures-a-l', options)
const fromMToZ = kafkaSource('departures-m-z', options)

export default pipeline('flights', { keyGroups: 1, deadLetter: ndjson('rejected') }, (p) =>
  p
    .from(fromAToL, fromMToZ)
    .keyBy((flight) => flight.origin)
    .window(tumbling('1h'), { allowedLateness: '2h', late: ndjson('late') })
    .aggregate('hourly', {
      flights: count(),
      meanDelay: avg((flight) => flight.delay),
      worstDelay: max((flight) => flight.delay),
      shareDelayed: avg((flight) => (flight.delay > 15 ? 1 : 0)),
    })
    .to(ndjson('hourly')),
)
