import type { DynamoDBOptions } from '../../aws/dynamodb-client.js'
import { load } from '../../aws/load.js'
import { ConfigError, checkFunction, checkOptions } from '../../base/index.js'
import type { SinkNode } from '../../ports/index.js'
import { sinkNode } from '../node.js'
import { DELETED, VERSION } from './attributes.js'

export interface DynamoDBTableOptions<Row> extends Pick<DynamoDBOptions, 'region' | 'endpoint'> {
  /**
   * Returns the item of a row, including its keys. Default for a window's result: `pk` (the key), `sk` (the window, as
   * an ISO 8601 interval), the fields of its value, `windowStart`, `windowEnd`, `pane` and `timing`. Default for any
   * other row: `pk` (its id), `sk` (`row`) and its fields. `id` is unique to the row, and the same in every attempt.
   */
  readonly item?: (row: Row, id: string) => Readonly<Record<string, unknown>>
  /**
   * Orders the rows of one item: a row only replaces the stored one if its version is higher. Versions are either all
   * numbers or all text. Default: the place of a window's result in event time, so that a superseded result never
   * overwrites a newer one. Required for other rows if `item` is set.
   */
  readonly version?: (row: Row) => number | string
  /** Default `pk`. */
  readonly partitionKey?: string
  /** Default `sk`; null for a table without a sort key. */
  readonly sortKey?: string | null
}

/**
 * A DynamoDB table, exactly once. Each row is written as an item, on the condition that the table holds no newer
 * version of it. The attribute `_version` holds the stored version. A row whose item DynamoDB refuses goes to the dead
 * letter as `sink-refused`.
 * @example dynamodbTable('revenue', { item: (row) => ({ pk: row.key, sk: String(row.window.start), total: row.value.total }) })
 */
export function dynamodbTable<Row = any>(name: string, options: DynamoDBTableOptions<Row> = {}): SinkNode<Row> {
  checkOptions(`dynamodbTable("${name}")`, options, {
    item: true,
    version: true,
    partitionKey: true,
    sortKey: true,
    region: true,
    endpoint: true,
  })
  const { item, version, partitionKey = 'pk', sortKey = 'sk', region, endpoint } = options
  for (const [option, given] of Object.entries({ item, version })) {
    if (given === undefined) continue
    if (typeof given === 'function') {
      checkFunction('bad-sink', `${option} of the table "${name}"`, given)
      continue
    }
    throw new ConfigError('bad-sink', `${option} of the table "${name}" is a function of a row; it is ${typeof given}.`)
  }
  for (const [option, given] of Object.entries({ partitionKey, sortKey })) {
    if ((typeof given === 'string' && given !== '') || (given === null && option === 'sortKey')) continue
    throw new ConfigError('bad-sink', `${option} of the table "${name}" is the name of an attribute; it is ${given}.`)
  }
  if (partitionKey === sortKey || [VERSION, DELETED].some((own) => own === partitionKey || own === sortKey))
    throw new ConfigError(
      'bad-sink',
      `The keys of the table "${name}" are two attributes other than _version and _deleted; they are ${partitionKey} and ${sortKey}.`,
    )
  const shape = { item, version, partitionKey, sortKey } as const
  return sinkNode<Row>(name, {
    connector: 'dynamodb',
    local: false,
    isOfOneOperator: item === undefined,
    options: Object.freeze({ partitionKey, sortKey, item: item !== undefined, version: version !== undefined }),
    open: async (context) => {
      const { tableSink } = await load('The DynamoDB sink', '@aws-sdk/client-dynamodb', () => import('./adapter.js'))
      return tableSink(context.resource ?? name, context.run, shape, {
        ...(region !== undefined && { region }),
        ...(endpoint !== undefined && { endpoint }),
      })
    },
  })
}
