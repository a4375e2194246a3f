import { executeStatements, statementError } from '../../aws/dynamodb-statements.js'
import type { Update } from '../../ports/index.js'
import { itemBytes } from '../units.js'
import { updateStatement } from './expressions.js'
import type { InsertCall } from './inserts.js'

/** `ours?` means refused, but an earlier attempt may have had this very effect; only a read can tell. */
export type UpdateOutcome = 'applied' | 'refused' | 'ours?'

/**
 * Updates by PartiQL, 25 items per request. An outcome is undefined if the update cannot be a statement and was not
 * made.
 */
export async function updateByStatements(
  call: InsertCall,
  updates: readonly Update[],
): Promise<(UpdateOutcome | undefined)[]> {
  const outcomes: (UpdateOutcome | undefined)[] = updates.map(() => undefined)
  const at: number[] = []
  const statements = updates.flatMap((update, i) => {
    const statement = updateStatement(call.table, update)
    if (statement === undefined) return []
    at.push(i)
    return [{ ...statement, bytes: updateBytes(update) }]
  })
  for (const [n, outcome] of (await executeStatements(call, statements)).entries()) {
    if (outcome.kind !== 'done' && outcome.code !== 'ConditionalCheckFailed') throw statementError(outcome)
    outcomes[at[n]!] = outcome.kind === 'done' ? 'applied' : outcome.isUncertain ? 'ours?' : 'refused'
  }
  return outcomes
}

/** The size of what an update writes. The item may have more attributes, or may have been larger before. */
export const updateBytes = ({ key, set }: Update): number => itemBytes({ ...set, ...key })
