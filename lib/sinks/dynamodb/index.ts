import type { DynamoDBOptions } from '../../aws/dynamodb-client.js'
import { load } from '../../aws/load.js'
import { ConfigError, checkFunction, checkOptions } from '../../base/index.js'
import type { SinkNode } from '../../ports/index.js'
import { sinkNode } from '../node.js'
import { DELETED, VERSION } from './attributes.js'

export interface DynamoDBTableOptions<Row> extends Pick<DynamoDBOptions, 'region' | 'endpoint'> {
  /**
   * The item of a row, its keys among its attributes. Default: of a window's result `pk` (the key), `sk` (the window,
   * as an ISO 8601 interval), the fields of its value, `windowStart`, `windowEnd`, `pane` and `timing`; of any other
   * row `pk` (its id), `sk` (`row`) and its fields. `id` is unique to the row, and the same in every attempt.
   */
  readonly item?: (row: Row, id: string) => Readonly<Record<string, unknown>>
  /**
   * Orders rows of one item: a row replaces what stands only if its version is higher. Numbers or text, always of one
   * kind. Default: the place of a window's result in event time, so that a result that was superseded never overwrites
   * a newer one. Other rows with an `item` need it.
   */
  readonly version?: (row: Row) => number | string
  /** Default `pk`. */
  readonly partitionKey?: string
  /** Default `sk`; null for a table that has none. */
  readonly sortKey?: string | null
}

/**
 * A DynamoDB table, exactly once: an item a row, each written under the condition that no newer version of it stands.
 * The attribute `_version` says which version that is. An item that DynamoDB cannot take goes to the dead letter as
 * `sink-refused`.
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
