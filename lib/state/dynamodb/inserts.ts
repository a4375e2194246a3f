import { ConditionalCheckFailedException, type DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb'
import { executeStatements, type StatementCall, statementError } from '../../aws/dynamodb-statements.js'
import { fromItem, toItem } from '../../aws/dynamodb-values.js'
import { judgeError } from '../../aws/failure.js'
import { limited } from '../../aws/limited.js'
import { Retries } from '../../aws/retry.js'
import type { Item } from '../../ports/index.js'
import type { Sized } from '../items.js'
import { insertText } from './expressions.js'

/** `ours?` means refused, but an earlier attempt may have had this very effect; only a read can tell. */
export type InsertOutcome = 'inserted' | 'exists' | 'ours?'

export interface InsertCall extends StatementCall {
  readonly client: DynamoDBClient
  readonly table: string
}

/** Inserts by PartiQL, 25 items per request. */
export async function insertByStatements(call: InsertCall, entries: readonly Sized[]): Promise<InsertOutcome[]> {
  const statements = entries.map(({ item, bytes }) => ({
    text: insertText(call.table, item),
    parameters: Object.values(toItem(item)),
    bytes,
  }))
  const outcomes = await executeStatements(call, statements)
  return outcomes.map((outcome) => {
    if (outcome.kind === 'done') return 'inserted'
    if (outcome.code !== 'DuplicateItem' && outcome.code !== 'ConditionalCheckFailed') throw statementError(outcome)
    return outcome.isUncertain ? 'ours?' : 'exists'
  })
}

const PUTS_AT_ONCE = 8

/** Inserts each item by a conditional put, for services without PartiQL. */
export async function insertByPuts(call: InsertCall, entries: readonly Sized[]): Promise<InsertOutcome[]> {
  const outcomes: InsertOutcome[] = []
  await limited(entries, PUTS_AT_ONCE, async ({ item }, i) => {
    outcomes[i] = await put(call, item)
  })
  return outcomes
}

async function put(call: InsertCall, item: Item): Promise<InsertOutcome> {
  const retries = new Retries(`An insert into ${call.what}`, call.budget)
  let isUncertain = false
  for (;;) {
    try {
      call.onRequest()
      await call.client.send(
        new PutItemCommand({
          TableName: call.table,
          Item: toItem(item),
          ConditionExpression: 'attribute_not_exists(pk)',
        }),
      )
      return 'inserted'
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return isUncertain ? 'ours?' : 'exists'
      const failure = judgeError(error)
      if (failure === 'refused') throw error
      isUncertain ||= failure === 'unknown'
      await retries.pause(isUncertain ? 'unknown' : failure, error)
    }
  }
}

export const standingOf = (error: ConditionalCheckFailedException): Item | undefined =>
  error.Item === undefined ? undefined : fromItem(error.Item)
