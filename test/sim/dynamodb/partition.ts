import type { Values } from './values.js'

/** How an item was from a write on. */
interface Version {
  readonly at: number
  readonly values: Values
}

export interface Row {
  readonly sk: string
  /** The sort key's UTF-8: what DynamoDB sorts by. */
  readonly order: Buffer
  /** The newest last. */
  readonly versions: Version[]
}

/** A reader that asks for no strong consistency may see a partition as it was before one of so many writes. */
const WRITES_REMEMBERED = 8

/** The sort keys `low <= sk <= high`, without the ends that are excluded. */
export interface Interval {
  readonly low: string | undefined
  readonly lowExcluded: boolean
  readonly high: string
  readonly highExcluded: boolean
}

/** The items of one partition key, by sort key. */
export class Partition {
  private readonly rows: Row[] = []
  private readonly byName = new Map<string, Row>()
  private readonly recent: number[] = []

  find(sk: string): Row | undefined {
    return this.byName.get(sk)
  }

  write(sk: string, at: number, values: Values): void {
    let row = this.byName.get(sk)
    if (row === undefined) {
      row = { sk, order: Buffer.from(sk), versions: [] }
      this.byName.set(sk, row)
      this.rows.splice(this.indexOf(row.order), 0, row)
    }
    row.versions.push({ at, values })
    if (row.versions.length > WRITES_REMEMBERED + 1) row.versions.shift()
    this.recent.push(at)
    if (this.recent.length > WRITES_REMEMBERED) this.recent.shift()
  }

  /** The writes that a stale reader may not have seen yet, the oldest first. */
  get unseen(): readonly number[] {
    return this.recent
  }

  /** The first rows of an interval, either way. */
  between({ low, lowExcluded, high, highExcluded }: Interval, isAscending: boolean, most: number): Row[] {
    const from = low === undefined ? 0 : this.indexOf(Buffer.from(low), lowExcluded)
    const to = Math.max(from, this.indexOf(Buffer.from(high), !highExcluded))
    if (isAscending) return this.rows.slice(from, Math.min(to, from + most))
    return this.rows.slice(Math.max(from, to - most), to).reverse()
  }

  all(): readonly Row[] {
    return this.rows
  }

  /** The first row at or after a sort key; `beyond`: after it. */
  private indexOf(order: Buffer, beyond = false): number {
    let low = 0
    let high = this.rows.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const compared = this.rows[middle]!.order.compare(order)
      if (compared < 0 || (beyond && compared === 0)) low = middle + 1
      else high = middle
    }
    return low
  }
}

/** A row's item: as it is, or as it was before a write of its partition. */
export function valuesOf(row: Row | undefined, before = Number.POSITIVE_INFINITY): Values | undefined {
  return row?.versions.findLast(({ at }) => at < before)?.values
}
