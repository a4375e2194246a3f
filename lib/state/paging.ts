import { assert, compareBytes, STORE_PAGE_BYTES } from '../base/index.js'
import type { Item, Page, RangeQuery } from '../ports/index.js'
import { checkText, PARTITION_KEY_BYTES_MAX, type Sized, SORT_KEY_BYTES_MAX } from './items.js'

/** The rest of a range to read: `low <= sk < high`, without `low` itself if an earlier page ended there. */
export interface Bounds {
  readonly low: string
  readonly high: string
  readonly lowExcluded: boolean
}

/**
 * Checks a range and returns its bounds; undefined if the range is empty. DynamoDB refuses an `after` outside the
 * range.
 */
export function boundsOf(range: RangeQuery): Bounds | undefined {
  const { pk, from, to, after, limit, descending } = range
  assert(pk !== '', 'a partition key is not empty')
  checkText('a partition key', pk, PARTITION_KEY_BYTES_MAX)
  checkText('a bound of sort keys', from, SORT_KEY_BYTES_MAX)
  checkText('a bound of sort keys', to, SORT_KEY_BYTES_MAX)
  assert(
    limit === undefined || (Number.isSafeInteger(limit) && limit > 0),
    `a page has at least one item, not ${limit}`,
  )
  if (compareBytes(from, to) >= 0) return undefined
  if (after === undefined) return { low: from, high: to, lowExcluded: false }
  checkText('a sort key', after, SORT_KEY_BYTES_MAX)
  assert(compareBytes(from, after) <= 0 && compareBytes(after, to) < 0, 'a page continues within the range')
  if (!descending) return { low: after, high: to, lowExcluded: true }
  return from === after ? undefined : { low: from, high: after, lowExcluded: false }
}

/**
 * Takes the items of one page from the remaining ones, in order. It looks one item further, to recognize the last page.
 */
export function pageOf(left: Iterable<Sized>, limit = Number.POSITIVE_INFINITY): { page: Page; bytes: number } {
  const items: Item[] = []
  let bytes = 0
  for (const { item, bytes: size } of left) {
    if (items.length === limit || (items.length > 0 && bytes + size > STORE_PAGE_BYTES)) {
      return { page: { items, next: items.at(-1)!.sk }, bytes }
    }
    items.push(item)
    bytes += size
  }
  return { page: { items }, bytes }
}
