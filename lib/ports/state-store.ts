/**
 * A value that an item can hold. Times and positions are strings or integers, never floats, which a store may round.
 */
export type Attribute = string | number | boolean | Uint8Array

/** One item of the state table: two key strings and flat attributes. */
export interface Item {
  readonly pk: string
  readonly sk: string
  readonly [attribute: string]: Attribute
}

export interface ItemKey {
  readonly pk: string
  readonly sk: string
}

/**
 * A condition on one attribute of the stored item. All conditions of an update must hold. `below` holds if the
 * attribute is absent or less than `value`. Strings are compared by UTF-8 bytes, numbers as numbers.
 */
export type Condition =
  | { readonly attribute: string; readonly is: 'equal'; readonly value: Attribute }
  | { readonly attribute: string; readonly is: 'below'; readonly value: string | number }
  | { readonly attribute: string; readonly is: 'absent' }

/**
 * Sets and removes attributes of an existing item. If the item does not exist, the update fails, whatever its
 * conditions.
 */
export interface Update {
  readonly key: ItemKey
  readonly set: Readonly<Record<string, Attribute>>
  readonly remove?: readonly string[]
  readonly when: readonly Condition[]
}

/**
 * The result of an update. `item` is the item after the update; if the update was refused, it is the existing item, if
 * there is one.
 */
export type UpdateVerdict =
  | { readonly applied: true; readonly item: Item }
  | { readonly applied: false; readonly item: Item | undefined }

/**
 * The result of one update among many. `item` is what stands in the way of a refused one, read a moment after the
 * refusal.
 */
export type UpdateAllVerdict = { readonly applied: true } | { readonly applied: false; readonly item: Item | undefined }

/** The result of one insert among many. Each insert is decided on its own; nothing is atomic across them. */
export type InsertVerdict = 'inserted' | 'exists'

/** The items of one partition with `from <= sk < to`, by ascending sort key (UTF-8 bytes), or descending. */
export interface RangeQuery {
  readonly pk: string
  readonly from: string
  readonly to: string
  readonly descending?: boolean
  /** The largest number of items in this page. Default: what the store returns, about 1 MB. */
  readonly limit?: number
  /** Continue after this sort key, or before it if descending. */
  readonly after?: string
}

export interface Page {
  readonly items: readonly Item[]
  /**
   * Pass this as `after` to continue. It is absent on the last page. A page may be empty and still have a next page.
   */
  readonly next?: string
}

/** What was requested from a store since it was opened, in DynamoDB's units, whatever the store. */
export interface StoreUsage {
  readonly requests: number
  /** Write units: 1 KB each, rounded up per item. Failed conditions are charged too. */
  readonly writeUnits: number
  /** Strongly consistent read units: 4 KB each. A query sums its items before rounding up. */
  readonly readUnits: number
}

/**
 * Durable state behind conditional writes. Every read is strongly consistent (invariant 12). If a call throws, its
 * outcome is unknown unless the error states otherwise. The runtime then treats the batch as undone, and the redelivery
 * finds out.
 */
export interface StateStore {
  /**
   * True if the store never deletes anything by its `ttl`. Default: the store may delete expired items, as DynamoDB
   * does.
   */
  readonly keepsExpired?: boolean
  /**
   * Reads up to `STORE_GET_MAX` items in one request. The result is in the order of the keys, undefined for missing
   * items.
   */
  get(keys: readonly ItemKey[]): Promise<readonly (Item | undefined)[]>
  /**
   * Writes each item if no item with its key exists. The keys must be distinct. The number of items is not limited: the
   * store splits the requests itself.
   */
  insert(items: readonly Item[]): Promise<readonly InsertVerdict[]>
  update(update: Update): Promise<UpdateVerdict>
  /**
   * Makes each update as `update` does. The keys must be distinct. Each one is decided on its own; nothing is atomic
   * across them. The number of updates is not limited: the store splits the requests itself.
   */
  updateAll(updates: readonly Update[]): Promise<readonly UpdateAllVerdict[]>
  query(range: RangeQuery): Promise<Page>
  /** A snapshot of the counters. */
  usage(): StoreUsage
  close(): Promise<void>
}
