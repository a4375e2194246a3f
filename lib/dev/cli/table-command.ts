import { load } from '../../aws/load.js'
import { numberText } from '../text.js'
import type { Io } from './io.js'
import { type PlaceFlags, usePlace } from './place.js'
import { whileWaiting } from './progress.js'

export interface TableFlags extends PlaceFlags {
  readonly json?: boolean
}

const tables = () => load('A state table', '@aws-sdk/client-dynamodb', () => import('../../state/dynamodb/table.js'))

/**
 * `millrace table create`: creates a table for state, or for the results of a `dynamodbTable` with the default keys.
 */
export async function createTableCommand(table: string, flags: TableFlags, io: Io): Promise<number> {
  const options = usePlace(flags)
  const { createTable } = await tables()
  const waits = () => `Waiting for the table "${table}"`
  const made = await whileWaiting(io.stderr, waits, createTable(table, options))
  io.stdout.write(
    made === 'created'
      ? `The table "${table}" was created: keys pk and sk, on-demand capacity, time to live by the attribute ttl.\n`
      : `The table "${table}" already exists and is suitable.\n`,
  )
  return 0
}

export async function describeTableCommand(table: string, flags: TableFlags, io: Io): Promise<number> {
  const options = usePlace(flags)
  const facts = await (await tables()).describeTable(table, options)
  if (flags.json) io.stdout.write(`${JSON.stringify(facts, undefined, 2)}\n`)
  else
    io.stdout.write(
      `The table "${facts.table}" ${facts.where}: ${facts.status}, ${facts.billing}, keys ${facts.keys}, ${numberText(facts.items)} items of ${numberText(facts.bytes)} bytes.\n`,
    )
  return 0
}
