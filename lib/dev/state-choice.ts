import { rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { ConfigError } from '../base/index.js'
import type { StateStore } from '../ports/index.js'
import type { DynamoDBStoreOptions } from '../state/dynamodb/index.js'

/** Where state is kept: in memory, in a folder that outlives the process, or in a table that processes share. */
export type StateChoice =
  | { readonly kind: 'memory' }
  | { readonly kind: 'lmdb'; readonly directory: string }
  | { readonly kind: 'dynamodb'; readonly table: string }

/** The default location of a pipeline's local state. */
export const defaultState = (pipeline: string): string => `lmdb:.millrace/${pipeline}/state`

/** DynamoDB's own rule for table names; an ARN names a table of another account. */
const TABLE = /^([A-Za-z0-9_.-]{3,255}|arn:[^:]+:dynamodb:[^:]+:\d{12}:table\/[A-Za-z0-9_.-]{3,255})$/

export function parseState(text: string): StateChoice {
  if (text === 'memory') return { kind: 'memory' }
  if (text.startsWith('lmdb:') && text.length > 5) return { kind: 'lmdb', directory: resolve(text.slice(5)) }
  if (text.startsWith('dynamodb:')) {
    const table = text.slice('dynamodb:'.length)
    if (TABLE.test(table)) return { kind: 'dynamodb', table }
    throw new ConfigError(
      'bad-state',
      `The name of a table must have 3 to 255 letters, digits, '_', '-' or '.'; --state names ${JSON.stringify(table)}.`,
    )
  }
  throw new ConfigError(
    'bad-state',
    `--state must be memory, lmdb:DIRECTORY or dynamodb:TABLE; it is ${JSON.stringify(text)}.`,
  )
}

export async function openState(choice: StateChoice, options: DynamoDBStoreOptions = {}): Promise<StateStore> {
  switch (choice.kind) {
    case 'memory':
      return (await import('../state/memory/index.js')).memoryStore()
    case 'lmdb':
      return await (await import('../state/lmdb/index.js')).lmdbStore(choice.directory)
    case 'dynamodb':
      return await (await import('../state/dynamodb/index.js')).dynamodbStore(choice.table, options)
  }
}

/**
 * Deletes the files that the store of an earlier run created, and nothing else: the folder may contain files of the
 * user.
 */
export function forget(choice: StateChoice): void {
  if (choice.kind === 'memory') return
  if (choice.kind === 'dynamodb') {
    throw new ConfigError(
      'no-fresh',
      `--fresh deletes local state only, not the table "${choice.table}", which other processes may share. Use another table, or delete it and create it again.`,
    )
  }
  for (const name of ['data.mdb', 'lock.mdb']) rmSync(join(choice.directory, name), { force: true })
}
