import { drive, sumOf } from './drive.js'
import { flightEvents } from './flights-events.js'
import { flightsWith } from './flights-variants.js'

export interface GrowthFigures {
  readonly weeks: number
  readonly records: number
  /** Live heap after the last event, without the content of the store, MB. */
  readonly heapMb: number
  /** Units and CPU per event in the first and in the last week. If they grow, closed windows have a cost. */
  readonly firstUnits: number
  readonly lastUnits: number
  readonly firstUs: number
  readonly lastUs: number
}

/** The same week repeatedly, each copy a week later: closed windows must cost nothing. */
export async function growth(weeks: number, batch: number): Promise<GrowthFigures> {
  const pipeline = flightsWith('none', () => undefined)
  const { events, inputs, records } = flightEvents(pipeline, batch, weeks)
  const heap = (): number => {
    globalThis.gc?.()
    return process.memoryUsage().heapUsed
  }
  const share = Math.floor(events.length / weeks)
  // A warm-up, before the measurement.
  await drive(pipeline, events.slice(0, share), inputs, false)
  const before = heap()
  const { units, store } = await drive(pipeline, events, inputs, false)
  const after = heap()
  const held = await storeBytes(store)
  const first = await drive(pipeline, events.slice(0, share), inputs, false)
  const whole = await drive(pipeline, events, inputs, false)
  return {
    weeks,
    records,
    heapMb: (after - before - held) / 1e6,
    firstUnits: (sumOf(units.slice(0, share)) / records) * weeks,
    lastUnits: (sumOf(units.slice(-share)) / records) * weeks,
    firstUs: (first.cpuUs / records) * weeks,
    lastUs:
      weeks > 1 ? ((whole.cpuUs - first.cpuUs) / records) * (weeks / (weeks - 1)) : (first.cpuUs / records) * weeks,
  }
}

/** The size of the memory store's content, which a service would hold otherwise. */
async function storeBytes(store: { query: any }): Promise<number> {
  let bytes = 0
  let after: string | undefined
  do {
    const page = await store.query({
      pk: 'flights.1#hourly#0',
      from: 'g',
      to: 'h',
      ...(after !== undefined && { after }),
    })
    for (const item of page.items) bytes += 700 + (item.data as Uint8Array).length
    after = page.next
  } while (after !== undefined)
  return bytes
}
