import { type AttributeValue, DeleteItemCommand, ScanCommand } from '@aws-sdk/client-dynamodb'
import { type DynamoDBOptions, dynamodbClient, placeOf } from '../../aws/dynamodb-client.js'
import { answered } from '../../aws/retry.js'
import { ConfigError } from '../../base/index.js'
import type { DeadLetter, DeadLetters } from './letter.js'

/** Dead letters as items of a table, in the form that `dynamodbTable` writes by default. */
export function tableLetters(table: string, options: DynamoDBOptions): DeadLetters {
  const client = dynamodbClient(options)
  const call = async <R>(doing: string, work: () => Promise<R>): Promise<R> =>
    await answered(doing, `The table "${table}"`, placeOf(options), work)
  return {
    async *all() {
      let from: Record<string, AttributeValue> | undefined
      do {
        const page = await call('A scan of', () =>
          client.send(new ScanCommand({ TableName: table, ...(from && { ExclusiveStartKey: from }) })),
        )
        for (const item of page.Items ?? []) if (item.reason !== undefined) yield letterOf(table, item)
        from = page.LastEvaluatedKey
      } while (from !== undefined)
    },
    async remove(letters) {
      for (const { place } of letters) {
        const Key = { pk: { S: place }, sk: { S: 'row' } }
        await call('A delete from', () => client.send(new DeleteItemCommand({ TableName: table, Key })))
      }
    },
    finish: async () => undefined,
    close: () => client.destroy(),
  }
}

function letterOf(table: string, item: Readonly<Record<string, AttributeValue>>): DeadLetter {
  if (item.pk?.S === undefined || item.sk?.S !== 'row')
    throw new ConfigError(
      'bad-table',
      `The table "${table}" stores dead letters under keys other than pk and sk, as its sink's own item function defines them. Read the table by those keys.`,
    )
  const fields = Object.fromEntries(Object.entries(item).map(([name, value]) => [name, plain(value)]))
  return { ...(fields as unknown as DeadLetter), id: String(fields.pk), place: String(fields.pk) }
}

/** A document as the sink wrote it. */
function plain(value: AttributeValue): unknown {
  if (value.S !== undefined) return value.S
  if (value.N !== undefined) return Number(value.N)
  if (value.BOOL !== undefined) return value.BOOL
  if (value.L !== undefined) return value.L.map(plain)
  if (value.M !== undefined)
    return Object.fromEntries(Object.entries(value.M).map(([name, inner]) => [name, plain(inner)]))
  return null
}
