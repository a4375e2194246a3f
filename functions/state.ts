import { ConfigError } from '../lib/index.js'
import type { StateStore } from '../lib/ports/index.js'

/** Opens the state store that MILLRACE_STATE names: `dynamodb:TABLE`; `memory`, or `lmdb:DIRECTORY` where one container is all there is. */
export async function state(): Promise<StateStore> {
  const choice = process.env.MILLRACE_STATE ?? ''
  if (choice.startsWith('dynamodb:'))
    return await (await import('../lib/state/dynamodb/index.js')).dynamodbStore(choice.slice('dynamodb:'.length))
  if (choice === 'memory') return (await import('../lib/state/memory/index.js')).memoryStore()
  if (choice.startsWith('lmdb:')) return await (await import('../lib/state/lmdb/index.js')).lmdbStore(choice.slice(5))
  throw new ConfigError(
    'no-state',
    `MILLRACE_STATE names the state store, dynamodb:TABLE, memory or lmdb:DIRECTORY; it is ${JSON.stringify(choice)}.`,
  )
}
