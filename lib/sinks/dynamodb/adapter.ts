import { DescribeTableCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { type DynamoDBOptions, dynamodbClient, placeOf } from '../../aws/dynamodb-client.js'
import { lacksPartiql, refusal } from '../../aws/failure.js'
import { answered, RETRY_BUDGET } from '../../aws/retry.js'
import { ConfigError } from '../../base/index.js'
import type { RefusedRow, Sink, SinkBatch, SinkRow } from '../../ports/index.js'
import { type Entry, entryOf, isBelow, keysOf, type TableShape } from './item.js'
import { type Refusal, upsert } from './upsert.js'

/**
 * Writes rows as items of a table. Only the version of a row decides what it replaces and what replaces it, so any
 * attempt may write at any time.
 */
export function tableSink(table: string, run: number, shape: TableShape, options: DynamoDBOptions): Sink {
  return new TableSink(table, run, shape, options)
}

/** The batch and row that an entry was made from. */
interface Place {
  readonly batch: SinkBatch
  readonly row: SinkRow
}

class TableSink implements Sink {
  private readonly client: DynamoDBClient
  private readonly table: string
  private readonly run: number
  private readonly shape: TableShape
  private readonly where: string
  private usesPartiql = true

  constructor(table: string, run: number, shape: TableShape, options: DynamoDBOptions) {
    this.client = dynamodbClient(options)
    this.table = table
    this.run = run
    this.shape = shape
    this.where = placeOf(options)
  }

  async write(batches: readonly SinkBatch[]): Promise<readonly RefusedRow[]> {
    const refused: RefusedRow[] = []
    // Of two rows of the same item only the later one is written, because it would replace the other.
    const entries = new Map<string, Entry & Place>()
    for (const batch of batches) {
      const places = new Places(this.run, batch)
      for (const row of batch.rows) {
        const order = places.next(row)
        const entry = entryOf(this.shape, row, order)
        if (typeof entry === 'string') refused.push({ batch, row, reason: entry })
        else if (isNewer(entry, entries.get(entry.name))) entries.set(entry.name, { ...entry, batch, row })
      }
    }
    if (entries.size > 0) {
      for (const { entry, reason } of await this.upsert([...entries.values()])) {
        const { batch, row } = entry as Entry & Place
        refused.push({ batch, row, reason: `DynamoDB refuses its item: ${reason}` })
      }
    }
    return refused
  }

  private async upsert(entries: readonly Entry[]): Promise<readonly Refusal[]> {
    const call = {
      client: this.client,
      table: this.table,
      what: `the table "${this.table}"`,
      budget: RETRY_BUDGET,
      keys: keysOf(this.shape),
    }
    try {
      const refusals = await upsert(call, entries, this.usesPartiql)
      // The refusals may stem from wrong keys of the table rather than from the rows.
      if (refusals.length > 0) await this.checkKeys()
      return refusals
    } catch (error) {
      if (this.usesPartiql && lacksPartiql(error)) {
        this.usesPartiql = false
        return await this.upsert(entries)
      }
      throw refusal(error, `The table "${this.table}"`, this.where)
    }
  }

  async check(): Promise<void> {
    this.expectKeys(await answered('A read of', `The table "${this.table}"`, this.where, () => this.keysThere()))
  }

  private async checkKeys(): Promise<void> {
    this.expectKeys(await this.keysThere().catch(() => keysOf(this.shape).join(', ')))
  }

  private expectKeys(found: string): void {
    const expected = keysOf(this.shape).join(', ')
    if (found === expected) return
    throw new ConfigError(
      'bad-table',
      `The table "${this.table}" ${this.where} has the keys ${found}; the sink writes ${expected}. Set partitionKey and sortKey of dynamodbTable("${this.table}", …), or give another table.`,
    )
  }

  private async keysThere(): Promise<string> {
    const { Table } = await this.client.send(new DescribeTableCommand({ TableName: this.table }))
    return (Table?.KeySchema ?? []).map(({ AttributeName }) => AttributeName).join(', ')
  }

  async close(): Promise<void> {
    this.client.destroy()
  }
}

/**
 * The places of a batch's rows in event time, as sortable text: the run, then the slice and key hash (or the position),
 * then the row's number within that place.
 */
class Places {
  private readonly prefix: string
  private readonly batch: SinkBatch
  private last: string | undefined
  private n = 0

  constructor(run: number, batch: SinkBatch) {
    this.prefix = String(run).padStart(6, '0')
    this.batch = batch
  }

  next(row: SinkRow): string {
    const place = this.batch.kind === 'operator' ? this.batch.part : row.order
    this.n = place === this.last ? this.n + 1 : 0
    this.last = place
    const writer = this.batch.kind === 'operator' ? `#${this.batch.operator}` : ''
    return `${this.prefix}#${place}#${String(this.n).padStart(6, '0')}${writer}`
  }
}

/**
 * Whether an entry replaces another one of the same item. If both have the same version, the later one wins if one of
 * them is a deletion, because a retraction has the version of the row that it retracts.
 */
function isNewer({ version, isDelete }: Entry, other: Entry | undefined): boolean {
  if (other === undefined) return true
  const isEqual = version.N === other.version.N && version.S === other.version.S
  if (isEqual) return isDelete || other.isDelete
  if (version.N !== undefined && other.version.N !== undefined) return isBelow(other.version.N, version.N)
  return version.S === undefined || other.version.S === undefined || version.S > other.version.S
}
