import {
  type AttributeValue,
  BatchGetItemCommand,
  ConditionalCheckFailedException,
  type DynamoDBClient,
  QueryCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb'
import { dynamodbClient, placeOf } from '../../aws/dynamodb-client.js'
import { fromItem } from '../../aws/dynamodb-values.js'
import { judgeError, lacksPartiql, refusal } from '../../aws/failure.js'
import { limited } from '../../aws/limited.js'
import { RETRY_BUDGET, Retries, type RetryBudget, untilAnswered } from '../../aws/retry.js'
import { assert, type MillraceError, RetryableError, STORE_GET_MAX } from '../../base/index.js'
import type {
  InsertVerdict,
  Item,
  ItemKey,
  Page,
  RangeQuery,
  StateStore,
  StoreUsage,
  Update,
  UpdateAllVerdict,
  UpdateVerdict,
} from '../../ports/index.js'
import { APPLIED, checkUpdate, checkUpdates } from '../conditions.js'
import { admit, checkDistinct, checkGet, type Sized } from '../items.js'
import { boundsOf } from '../paging.js'
import { itemBytes, readUnits, writeUnits } from '../units.js'
import { queryExpressions, updateExpressions } from './expressions.js'
import { type InsertCall, type InsertOutcome, insertByPuts, insertByStatements, standingOf } from './inserts.js'
import type { DynamoDBStoreOptions } from './options.js'
import { isInsert, isUpdated } from './same.js'
import { type UpdateOutcome, updateByStatements, updateBytes } from './updates.js'

type Key = Record<string, AttributeValue>

const UPDATES_AT_ONCE = 8

/** See `dynamodbStore`. */
export class DynamoDBStore implements StateStore {
  private readonly client: DynamoDBClient
  private readonly table: string
  private readonly what: string
  private readonly where: string
  private readonly budget: RetryBudget
  private usesPartiql: boolean
  private closed = false
  private requests = 0
  private writes = 0
  private reads = 0

  /** The store closes its client, even if the client was passed in. */
  constructor(table: string, options: DynamoDBStoreOptions, client: DynamoDBClient = dynamodbClient(options)) {
    this.client = client
    this.table = table
    this.what = `The table "${table}"`
    this.where = placeOf(options)
    this.budget = options.retries ?? RETRY_BUDGET
    this.usesPartiql = options.partiql ?? true
  }

  async get(keys: readonly ItemKey[]): Promise<readonly (Item | undefined)[]> {
    this.check()
    checkGet(keys)
    if (keys.length === 0) return []
    const found = new Map<string, Item>()
    let waiting: Key[] = keys.map(({ pk, sk }) => ({ pk: { S: pk }, sk: { S: sk } }))
    const retries = this.retries('A read of')
    while (waiting.length > 0) {
      const RequestItems = { [this.table]: { Keys: waiting, ConsistentRead: true } }
      const { Responses, UnprocessedKeys } = await this.attempt(retries, () =>
        this.client.send(new BatchGetItemCommand({ RequestItems })),
      )
      const items = Responses?.[this.table] ?? []
      const left = UnprocessedKeys?.[this.table]?.Keys ?? []
      // An absent item costs a unit too.
      this.reads += waiting.length - left.length - items.length
      for (const values of items) {
        const item = fromItem(values)
        this.reads += readUnits(itemBytes(item))
        found.set(nameOf(item), item)
      }
      // A response is cut at 16 MB. It was throttled only if no key at all was processed.
      if (left.length === waiting.length) await retries.pause('throttled', new Error('No key was processed.'))
      waiting = left
    }
    return keys.map((key) => found.get(nameOf(key)))
  }

  async insert(items: readonly Item[]): Promise<readonly InsertVerdict[]> {
    this.check()
    const entries = items.map(admit)
    checkDistinct(items)
    if (items.length === 0) return []
    const outcomes = await this.tryInsert(entries)
    for (const { bytes } of entries) this.writes += writeUnits(bytes)
    const verdicts = outcomes.map((outcome) => (outcome === 'inserted' ? 'inserted' : 'exists'))
    const doubtful = entries.map((_, i) => i).filter((i) => outcomes[i] === 'ours?')
    for (let at = 0; at < doubtful.length; at += STORE_GET_MAX) {
      const some = doubtful.slice(at, at + STORE_GET_MAX)
      const standing = await this.look(some.map((i) => keyOf(entries[i]!.item)))
      for (const [n, i] of some.entries()) {
        const item = standing[n]
        if (item !== undefined && isInsert(item, entries[i]!.item)) verdicts[i] = 'inserted'
      }
    }
    return verdicts
  }

  /** Reads the items after a write whose outcome is unclear. If that read fails too, the outcome is unknown. */
  private async look(keys: readonly ItemKey[]): Promise<readonly (Item | undefined)[]> {
    return await this.get(keys).catch((error) => {
      throw error instanceof RetryableError
        ? new RetryableError('unknown-outcome', error.message, { cause: error })
        : error
    })
  }

  private async tryInsert(entries: readonly Sized[]): Promise<InsertOutcome[]> {
    const call = this.statements()
    try {
      if (this.usesPartiql) return await insertByStatements(call, entries)
    } catch (error) {
      if (!lacksPartiql(error)) throw this.refusal(error)
      this.usesPartiql = false
    }
    return await insertByPuts(call, entries).catch((error) => Promise.reject(this.refusal(error)))
  }

  async update(update: Update): Promise<UpdateVerdict> {
    this.check()
    checkUpdate(update)
    const { update: UpdateExpression, condition, names, values } = updateExpressions(update)
    const command = new UpdateItemCommand({
      TableName: this.table,
      Key: { pk: { S: update.key.pk }, sk: { S: update.key.sk } },
      UpdateExpression,
      ConditionExpression: condition,
      ExpressionAttributeNames: names,
      ...(Object.keys(values).length > 0 && { ExpressionAttributeValues: values }),
      ReturnValues: 'ALL_NEW',
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      ReturnConsumedCapacity: 'TOTAL',
    })
    const retries = this.retries('An update of')
    let isUncertain = false
    for (;;) {
      try {
        this.requests++
        const { Attributes, ConsumedCapacity } = await this.client.send(command)
        const item = fromItem(Attributes!)
        this.writes += ConsumedCapacity?.CapacityUnits ?? writeUnits(itemBytes(item))
        return { applied: true, item }
      } catch (error) {
        if (error instanceof ConditionalCheckFailedException) return await this.refused(update, error, isUncertain)
        const failure = judgeError(error)
        if (failure === 'refused') throw this.refusal(error)
        isUncertain ||= failure === 'unknown'
        await retries.pause(isUncertain ? 'unknown' : failure, error)
      }
    }
  }

  async updateAll(updates: readonly Update[]): Promise<readonly UpdateAllVerdict[]> {
    this.check()
    checkUpdates(updates)
    if (updates.length === 0) return []
    const outcomes = await this.tryUpdates(updates)
    const verdicts: UpdateAllVerdict[] = updates.map(() => APPLIED)
    const refused: number[] = []
    const single: number[] = []
    for (const [i, outcome] of outcomes.entries()) {
      if (outcome === undefined) single.push(i)
      else if (outcome !== 'applied') refused.push(i)
      else this.writes += writeUnits(updateBytes(updates[i]!))
    }
    for (let at = 0; at < refused.length; at += STORE_GET_MAX) {
      const some = refused.slice(at, at + STORE_GET_MAX)
      // The statements' answers do not contain the stored items.
      const standing = await this.look(some.map((i) => updates[i]!.key))
      for (const [n, i] of some.entries())
        verdicts[i] = withoutItem(this.verdictOf(updates[i]!, standing[n], outcomes[i] === 'ours?'))
    }
    await limited(single, UPDATES_AT_ONCE, async (i) => {
      verdicts[i] = withoutItem(await this.update(updates[i]!))
    })
    return verdicts
  }

  private async tryUpdates(updates: readonly Update[]): Promise<(UpdateOutcome | undefined)[]> {
    try {
      if (this.usesPartiql && updates.length > 1) return await updateByStatements(this.statements(), updates)
    } catch (error) {
      if (!lacksPartiql(error)) throw this.refusal(error)
      this.usesPartiql = false
    }
    return updates.map(() => undefined)
  }

  /**
   * The refusal contains the stored item. If an earlier attempt may have succeeded, and the item is what this update
   * writes, the update was our own.
   */
  private async refused(
    update: Update,
    error: ConditionalCheckFailedException,
    isUncertain: boolean,
  ): Promise<UpdateVerdict> {
    // A service without PartiQL is an old one, and may not return the stored item.
    const standing = standingOf(error) ?? (this.usesPartiql ? undefined : (await this.look([update.key]))[0])
    return this.verdictOf(update, standing, isUncertain)
  }

  private verdictOf(update: Update, standing: Item | undefined, isUncertain: boolean): UpdateVerdict {
    this.writes += standing === undefined ? 1 : writeUnits(itemBytes(standing))
    if (isUncertain && standing !== undefined && isUpdated(standing, update)) return { applied: true, item: standing }
    return { applied: false, item: standing }
  }

  async query(range: RangeQuery): Promise<Page> {
    this.check()
    const bounds = boundsOf(range)
    if (bounds === undefined) return { items: [] }
    const { keys, names, values } = queryExpressions(range)
    const retries = this.retries('A query of')
    let after = range.after
    for (;;) {
      const answer = await this.attempt(retries, () =>
        this.client.send(
          new QueryCommand({
            TableName: this.table,
            KeyConditionExpression: keys,
            ExpressionAttributeNames: names,
            ExpressionAttributeValues: values,
            ConsistentRead: true,
            ScanIndexForward: range.descending !== true,
            Limit: range.limit,
            ...(after !== undefined && { ExclusiveStartKey: { pk: { S: range.pk }, sk: { S: after } } }),
          }),
        ),
      )
      const read = (answer.Items ?? []).map(fromItem)
      this.reads += readUnits(read.reduce((sum, item) => sum + itemBytes(item), 0))
      const items = read.filter((item) => item.sk !== range.to)
      const last = answer.LastEvaluatedKey?.sk?.S
      // A page that ends at the end of the range also returns a key to continue from, which DynamoDB then refuses.
      after = last === (range.descending === true ? range.from : range.to) ? undefined : last
      // A caller that asks for one item treats an empty page as the end, so the item left out at `to` must not cause an
      // empty page.
      if (items.length > 0 || after === undefined) return { items, ...(after !== undefined && { next: after }) }
    }
  }

  usage(): StoreUsage {
    return { requests: this.requests, writeUnits: this.writes, readUnits: this.reads }
  }

  async close(): Promise<void> {
    if (this.closed) return
    this.closed = true
    this.client.destroy()
  }

  private statements(): InsertCall {
    const { client, table, what, budget } = this
    return { client, table, what, budget, onRequest: () => void this.requests++ }
  }

  private check(): void {
    assert(!this.closed, 'a closed store is not used')
  }

  private retries(call: string): Retries {
    return new Retries(`${call} ${this.what.charAt(0).toLowerCase()}${this.what.slice(1)}`, this.budget)
  }

  /** A read, repeated until it is answered. Reads have no effect, so a retry is always safe. */
  private async attempt<R>(retries: Retries, call: () => Promise<R>): Promise<R> {
    return await untilAnswered(retries, () => {
      this.requests++
      return call()
    }).catch((error) => Promise.reject(this.refusal(error)))
  }

  private refusal(error: unknown): MillraceError {
    return refusal(error, this.what, this.where)
  }
}

const withoutItem = (verdict: UpdateVerdict): UpdateAllVerdict => (verdict.applied ? APPLIED : verdict)
const keyOf = ({ pk, sk }: ItemKey): ItemKey => ({ pk, sk })
const nameOf = ({ pk, sk }: ItemKey): string => `${pk.length}:${pk}${sk}`
