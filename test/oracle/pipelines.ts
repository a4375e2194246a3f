import example, { type Flight } from '../../examples/flights/pipeline.js'
import {
  avg,
  collect,
  count,
  cumulate,
  distinctCount,
  first,
  hopping,
  iso,
  kafkaSource,
  kinesisSource,
  last,
  max,
  maxBy,
  min,
  minBy,
  ndjson,
  outOfOrder,
  type Pipeline,
  pipeline,
  stddev,
  sum,
  tumbling,
} from '../../lib/index.js'
import type { Variant } from './variants.js'

const route = (flight: Flight): string => `${flight.origin}-${flight.destination}`
const VALUES = {
  example: {
    flights: count<Flight>(),
    meanDelay: avg((flight: Flight) => flight.delay),
    worstDelay: max((flight: Flight) => flight.delay),
    shareDelayed: avg((flight: Flight) => (flight.delay > 15 ? 1 : 0)),
  },
  rich: {
    routes: distinctCount(route),
    shortest: min((flight: Flight) => flight.distance),
    earliest: first(route),
    latest: last(route),
    worst: maxBy((flight: Flight) => flight.delay, route),
    best: minBy((flight: Flight) => flight.delay, route),
    five: collect(route, { max: 5 }),
    long: count((flight: Flight) => flight.distance > 1000),
    miles: sum((flight: Flight) => flight.distance),
    meanQuarter: avg((flight: Flight) => flight.delay / 4),
    spread: stddev((flight: Flight) => flight.delay),
  },
}
const KEYS: Record<Variant['key'], (flight: Flight) => string | readonly [string, string]> = {
  origin: (flight) => flight.origin,
  destination: (flight) => flight.destination,
  route: (flight) => [flight.origin, flight.destination],
}
const WINDOWS = { tumbling, hopping, cumulate }

/**
 * A variant as a user would write it. With `keyGroups` even the example is written anew, since that is all there is to
 * change.
 */
export function pipelineOf(variant: Variant, keyGroups?: number): Pipeline {
  if (variant.example && keyGroups === undefined) return example
  const { window, offset, allowedLateness, accumulation, bound } = variant
  const options = {
    timestamp: (flight: Flight) => iso(flight.scheduled),
    watermark: outOfOrder(bound),
    partitionKey: (flight: Flight) => flight.origin,
  }
  return pipeline('flights', { keyGroups: keyGroups ?? 4, deadLetter: ndjson('rejected') }, (p) =>
    p
      .from(kinesisSource('departures-a-l', options), kafkaSource('departures-m-z', options))
      .keyBy(KEYS[variant.key])
      .window(WINDOWS[window.kind](window.size, window.step), {
        offset,
        allowedLateness,
        accumulation,
        late: ndjson('late'),
      })
      .aggregate('hourly', VALUES[variant.values])
      .to(ndjson('hourly')),
  )
}
