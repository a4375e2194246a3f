import { dynamodbStore } from '../lib/state/dynamodb/index.js'
import { memoryStore } from '../lib/state/memory/index.js'
import { drive, median } from './drive.js'
import { flightEvents } from './flights-events.js'
import { flightsWith } from './flights-variants.js'
import { profiled, type Shares } from './profile.js'

/** The cost of an event with its state in one store. */
export interface StoreFigures {
  readonly batch: number
  readonly records: number
  readonly requestsPerEvent: number
  readonly writeUnitsPerEvent: number
  readonly readUnitsPerEvent: number
  /** CPU time of the process that runs the handlers, all its threads. */
  readonly cpuUs: number
  /** Time from the first event to the last answer, per event. */
  readonly elapsedUs: number
  readonly shares: Shares
}

const WARM_ROUNDS = 1
const ROUNDS = 3
/** Small batches make many requests: a part of the flights is representative, and takes a minute less. */
const RECORDS_MAX: Readonly<Record<number, number>> = { 10: 10_000, 100: 40_000 }
/** Run numbers separate the rounds in one table. They have the same length, so that keys do too. */
const FIRST_RUN = 100

/**
 * Runs the flights through the handlers, round after round. `endpoint` is that of a DynamoDB with the table; without
 * one, the state is in memory.
 */
export async function store(batch: number, table: string, endpoint: string): Promise<StoreFigures> {
  const pipeline = flightsWith('none', () => undefined)
  const all = flightEvents(pipeline, batch)
  const most = RECORDS_MAX[batch] ?? all.records
  let records = 0
  const events = all.events.filter((event) => {
    const isIn = records < most
    if (isIn) records += event.records
    return isIn
  })
  const dynamodb = endpoint === '' ? undefined : await dynamodbStore(table, { endpoint })
  const firstRun = FIRST_RUN + Math.round(Math.log10(batch)) * 10
  const round = async (i: number) => {
    const state = dynamodb ?? memoryStore()
    const before = state.usage()
    const started = performance.now()
    const { cpuUs } = await drive(pipeline, events, all.inputs, records === all.records, state, firstRun + i)
    const elapsedUs = (performance.now() - started) * 1000
    const after = state.usage()
    return {
      cpuUs,
      elapsedUs,
      requests: after.requests - before.requests,
      writeUnits: after.writeUnits - before.writeUnits,
      readUnits: after.readUnits - before.readUnits,
    }
  }
  for (let i = 0; i < WARM_ROUNDS; i++) await round(i)
  const rounds: Awaited<ReturnType<typeof round>>[] = []
  for (let i = 0; i < ROUNDS; i++) rounds.push(await round(WARM_ROUNDS + i))
  const shares = await profiled(() => round(WARM_ROUNDS + ROUNDS))
  await dynamodb?.close()
  const of = (figure: keyof (typeof rounds)[number]): number => median(rounds.map((one) => one[figure])) / records
  return {
    batch,
    records,
    requestsPerEvent: of('requests'),
    writeUnitsPerEvent: of('writeUnits'),
    readUnitsPerEvent: of('readUnits'),
    cpuUs: of('cpuUs'),
    elapsedUs: of('elapsedUs'),
    shares,
  }
}
