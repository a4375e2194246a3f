import { ConfigError } from '../base/index.js'
import type { StateStore } from '../ports/index.js'
import { VARIABLES } from './environment.js'

/** Opens the state store that MILLRACE_STATE names. */
export async function stateIn(choice = process.env[VARIABLES.state] ?? ''): Promise<StateStore> {
  if (choice.startsWith('dynamodb:'))
    return await (await import('../state/dynamodb/index.js')).dynamodbStore(choice.slice('dynamodb:'.length))
  if (choice === 'memory') return (await import('../state/memory/index.js')).memoryStore()
  if (choice.startsWith('lmdb:')) return await (await import('../state/lmdb/index.js')).lmdbStore(choice.slice(5))
  throw new ConfigError(
    'no-state',
    `${VARIABLES.state} must name the state store as dynamodb:TABLE, memory or lmdb:DIRECTORY; it is ${JSON.stringify(choice)}.`,
  )
}
