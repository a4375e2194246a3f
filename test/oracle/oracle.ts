import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import { dealt, splitNames } from './assign.js'
import type { FlightSource } from './data.js'
import { COUNTERS, EXPIRED, LOGS, PAIRS, PANES, RESULTS, WATERMARKED, WINDOWS } from './sql.js'
import type { Variant } from './variants.js'

/** What a run should give. Rows are canonical texts, in no order; `runs.ts` makes the same of what a run gave. */
export interface Answer {
  readonly results: readonly string[]
  readonly expired: readonly string[]
  readonly counters: readonly string[]
}

/** Answers a variant from the logs alone, with SQL. */
export async function askOracle(variant: Variant, sources: readonly FlightSource[]): Promise<Answer> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '2' })
  const db = await instance.connect()
  try {
    await load(db, sources, variant.splits)
    const { window, offset, bound } = variant
    for (const statement of [LOGS, WATERMARKED(bound), WINDOWS(window, offset), PAIRS(variant), PANES]) {
      await db.run(statement)
    }
    return {
      results: (await rowsOf(db, RESULTS(variant))).map(resultText),
      expired: (await rowsOf(db, EXPIRED)).map(expiredText),
      counters: (await rowsOf(db, COUNTERS)).map((row) => JSON.stringify(row)),
    }
  } finally {
    db.closeSync()
    instance.closeSync()
  }
}

async function load(db: DuckDBConnection, sources: readonly FlightSource[], splits: number): Promise<void> {
  await db.run(`create table flights (source text, line integer, scheduled text, delay integer, distance integer,
    origin text, destination text)`)
  await db.run('create table deals (source text, origin text, split text)')
  await db.run('create table splits (source text, split text)')
  const flights = await db.createAppender('flights')
  const deals = await db.createAppender('deals')
  const known = await db.createAppender('splits')
  for (const source of sources) {
    const origins = new Set<string>()
    for (const [line, text] of source.lines.entries()) {
      const flight = JSON.parse(text)
      origins.add(flight.origin)
      flights.appendVarchar(source.name)
      flights.appendInteger(line)
      flights.appendVarchar(flight.scheduled)
      flights.appendInteger(flight.delay)
      flights.appendInteger(flight.distance)
      flights.appendVarchar(flight.origin)
      flights.appendVarchar(flight.destination)
      flights.endRow()
    }
    const names = splitNames(source, splits)
    for (const name of names) appendTexts(known, source.name, name)
    for (const [origin, split] of dealt(source, origins, splits)) appendTexts(deals, source.name, origin, names[split]!)
  }
  for (const appender of [flights, deals, known]) appender.closeSync()
}

function appendTexts(appender: Awaited<ReturnType<DuckDBConnection['createAppender']>>, ...texts: string[]): void {
  for (const text of texts) appender.appendVarchar(text)
  appender.endRow()
}

/** The rows of a query; its integers, all of them safe, as numbers. */
async function rowsOf(db: DuckDBConnection, query: string): Promise<Record<string, any>[]> {
  const rows = await (await db.runAndReadAll(query)).getRowObjectsJS()
  for (const row of rows) for (const name in row) if (typeof row[name] === 'bigint') row[name] = Number(row[name])
  return rows
}

function resultText({ key, start, end, index, op, late, last, ...value }: Record<string, any>): string {
  return JSON.stringify([key, start, end, [index, late ? 'late' : 'on-time', index === 0, last], op, value])
}

function expiredText(row: Record<string, any>): string {
  const { source, split, position, timestamp, key, delay, destination } = row
  const windows = [row.windows, row.firstStart, row.firstEnd, row.lastStart, row.lastEnd]
  return JSON.stringify([source, split, position, timestamp, key, windows, delay, destination])
}
