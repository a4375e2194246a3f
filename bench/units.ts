import { drive, median, sumOf } from './drive.js'
import { flightEvents } from './flights-events.js'
import { flightsWith } from './flights-variants.js'

export interface UnitFigures {
  readonly batch: number
  readonly records: number
  readonly unitsPerEvent: number
  readonly readUnitsPerEvent: number
  /** Of batches that close no slice, and of all batches. */
  readonly requestsPerQuietBatch: number
  readonly requestsPerBatch: number
  readonly requestsPerEvent: number
  /** Rows that a keyed table would write with one unit each. */
  readonly sinkUnitsPerEvent: number
}

/** Write units and requests of the state, by batch size. One update per event would be one unit and one request. */
export async function units(batch: number): Promise<UnitFigures> {
  let rows = 0
  const pipeline = flightsWith('none', (count) => {
    rows += count
  })
  const { events, inputs, records } = flightEvents(pipeline, batch)
  const { requests, closed, store } = await drive(pipeline, events, inputs, true)
  const usage = store.usage()
  return {
    batch,
    records,
    unitsPerEvent: usage.writeUnits / records,
    readUnitsPerEvent: usage.readUnits / records,
    requestsPerQuietBatch: median(requests.filter((_, i) => !closed[i])),
    requestsPerBatch: sumOf(requests) / events.length,
    requestsPerEvent: usage.requests / records,
    sinkUnitsPerEvent: rows / records,
  }
}
