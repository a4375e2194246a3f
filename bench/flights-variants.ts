import { type } from 'arktype'
import * as v from 'valibot'
import { z } from 'zod'
import type { Flight } from '../examples/flights/pipeline.js'
import {
  avg,
  callback,
  count,
  iso,
  kafkaSource,
  kinesisSource,
  max,
  outOfOrder,
  type Pipeline,
  pipeline,
  type SourceOptions,
  tumbling,
} from '../lib/index.js'

const SCHEMAS = {
  none: () => undefined,
  zod: () =>
    z.object({
      scheduled: z.string(),
      delay: z.number(),
      distance: z.number(),
      origin: z.string(),
      destination: z.string(),
    }),
  valibot: () =>
    v.object({
      scheduled: v.string(),
      delay: v.number(),
      distance: v.number(),
      origin: v.string(),
      destination: v.string(),
    }),
  arktype: () =>
    type({ scheduled: 'string', delay: 'number', distance: 'number', origin: 'string', destination: 'string' }),
}
export type SchemaName = keyof typeof SCHEMAS
export const schemaNames = Object.keys(SCHEMAS) as SchemaName[]

/** The example's pipeline with a schema at its sources, and sinks that only count rows. */
export function flightsWith(schema: SchemaName, onRows: (rows: number) => void): Pipeline {
  const options = {
    schema: SCHEMAS[schema](),
    timestamp: (flight: Flight) => iso(flight.scheduled),
    watermark: outOfOrder('3h'),
    partitionKey: (flight: Flight) => flight.origin,
  } as SourceOptions<Flight>
  const counting = (name: string) => callback(name, (rows) => onRows(rows.length))
  return pipeline('flights', { keyGroups: 1, deadLetter: counting('rejected') }, (p) =>
    p
      .from(kinesisSource('departures-a-l', options), kafkaSource('departures-m-z', options))
      .keyBy((flight) => flight.origin)
      .window(tumbling('1h'), { allowedLateness: '2h', late: counting('late') })
      .aggregate('hourly', {
        flights: count(),
        meanDelay: avg((flight) => flight.delay),
        worstDelay: max((flight) => flight.delay),
        shareDelayed: avg((flight) => (flight.delay > 15 ? 1 : 0)),
      })
      .to(counting('hourly')),
  )
}
