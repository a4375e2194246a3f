import type { QueryCommandInput } from '@aws-sdk/client-dynamodb'
import { expectOnly, invalid } from './errors.js'
import { rangeOf, Scope } from './expressions.js'
import { type Operation, staleness } from './operation.js'
import { type Interval, type Row, valuesOf } from './partition.js'
import type { SimulatedTable } from './table.js'
import { bytesOf, hand, type Key, keyOf, type Values } from './values.js'

const PAGE_BYTES = 1024 * 1024

const QUERY = new Set([
  'TableName',
  'KeyConditionExpression',
  'ExpressionAttributeNames',
  'ExpressionAttributeValues',
  'ConsistentRead',
  'ScanIndexForward',
  'Limit',
  'ExclusiveStartKey',
])

export function query(table: SimulatedTable, input: QueryCommandInput): Operation {
  expectOnly(input, QUERY)
  const { Limit, ScanIndexForward: isAscending = true, ExclusiveStartKey } = input
  table.expectName(input.TableName)
  if (Limit !== undefined && Limit < 1) throw invalid('Limit must be greater than or equal to 1')
  const scope = new Scope(input.ExpressionAttributeNames, input.ExpressionAttributeValues)
  const whole = rangeOf(input.KeyConditionExpression, scope)
  scope.close()
  const start = ExclusiveStartKey && keyOf(ExclusiveStartKey)
  const { pk, interval } = start === undefined ? whole : goOn(whole, start, isAscending)
  const label = `Query ${pk}/${interval.low ?? ''}..${interval.high}${isAscending ? '' : ' back'}`
  return {
    label,
    isSingleWrite: false,
    late: [],
    async run({ world }) {
      const partition = table.partition(pk)
      if (partition === undefined) return answer([])
      const before = input.ConsistentRead === true ? undefined : staleness(partition.unseen, world)
      const page = new Filling(Limit, before)
      // One more than the page holds tells whether anything follows; of rows that are too young any number may be
      // passed over.
      const wanted = before === undefined ? page.most + 1 : Number.POSITIVE_INFINITY
      let rows = partition.between(interval, isAscending, wanted)
      const place = start === undefined ? placeBefore(interval, rows, isAscending) : undefined
      if (place !== undefined && world.strikes('ddb-empty-page')) return answer([], { pk, sk: place })
      const most = Math.min(rows.length, Limit ?? rows.length)
      if (most > 1 && world.strikes('ddb-early-page')) page.most = 1 + world.below(most - 1)
      if (rows.length > 0 && world.strikes('ddb-torn-read')) {
        const seen = rows.slice(0, 1 + world.below(rows.length))
        page.take(seen)
        await world.turn(`${label} goes on`)
        rows = partition.between(rest(interval, seen.at(-1)!.sk, isAscending), isAscending, wanted)
      }
      page.take(rows)
      const { items, last, isFull, hasMore } = page
      const goesOn = last !== undefined && isFull && (hasMore || world.strikes('ddb-last-key'))
      return answer(items, goesOn ? { pk, sk: last } : undefined)
    },
  }
}

function answer(items: readonly Values[], last?: Key): object {
  const page = { Items: items.map(hand), Count: items.length, ScannedCount: items.length }
  return last === undefined ? page : { ...page, LastEvaluatedKey: { pk: { S: last.pk }, sk: { S: last.sk } } }
}

/** What is left of an interval after a key. */
const rest = (interval: Interval, sk: string, isAscending: boolean): Interval =>
  isAscending ? { ...interval, low: sk, lowExcluded: true } : { ...interval, high: sk, highExcluded: true }

const compare = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b))

/** A page goes on at a key of its range that something may come after. */
function goOn(range: { readonly pk: string; readonly interval: Interval }, { pk, sk }: Key, isAscending: boolean) {
  const { low, high, highExcluded } = range.interval
  const fromLow = low === undefined ? 1 : compare(sk, low)
  const toHigh = compare(high, sk)
  const isWithin = pk === range.pk && fromLow >= 0 && (highExcluded ? toHigh > 0 : toHigh >= 0)
  if (!isWithin || (isAscending ? toHigh : fromLow) === 0) {
    throw invalid('The provided starting key is outside query boundaries based on provided conditions')
  }
  return { pk, interval: rest(range.interval, sk, isAscending) }
}

/** A key of the range that no item has and all come after: where an empty page may end. */
function placeBefore({ low, high, highExcluded }: Interval, rows: readonly Row[], isAscending: boolean) {
  const place = isAscending ? low : highExcluded ? undefined : high
  return low === high || rows[0]?.sk === place ? undefined : place
}

/** A page while it fills: up to its limit, and to the item that takes it over 1 MB. */
class Filling {
  readonly items: Values[] = []
  last: string | undefined
  hasMore = false
  most: number
  private bytes = 0
  private readonly before: number | undefined

  constructor(most = Number.POSITIVE_INFINITY, before?: number) {
    this.most = most
    this.before = before
  }

  get isFull(): boolean {
    return this.items.length >= this.most || this.bytes >= PAGE_BYTES
  }

  take(rows: readonly Row[]): void {
    for (const row of rows) {
      const values = valuesOf(row, this.before)
      if (values === undefined) continue
      if (this.isFull) {
        this.hasMore = true
        return
      }
      this.items.push(values)
      this.bytes += bytesOf(values)
      this.last = row.sk
    }
  }
}
