/** A value that an item can hold. Times and positions are strings or integers, never floats that a store may round. */
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
 * A condition on one attribute of the item as it stands. All conditions of an update must hold.
 * `below` holds where the attribute is absent or less than `value`; strings compare by UTF-8 bytes, numbers as numbers.
 */
export type Condition =
  | { readonly attribute: string; readonly is: 'equal'; readonly value: Attribute }
  | { readonly attribute: string; readonly is: 'below'; readonly value: string | number }
  | { readonly attribute: string; readonly is: 'absent' }

/**
 * Sets and removes attributes of an existing item. An item that does not exist fails the update, whatever its
 * conditions.
 */
export interface Update {
  readonly key: ItemKey
  readonly set: Readonly<Record<string, Attribute>>
  readonly remove?: readonly string[]
  readonly when: readonly Condition[]
}

/**
 * What became of an update. `item` is the item after it; of a refused one, the item that stood in the way, if there is
 * one.
 */
export type UpdateVerdict =
  | { readonly applied: true; readonly item: Item }
  | { readonly applied: false; readonly item: Item | undefined }

/** What became of one insert of many: each is judged alone, nothing is atomic across them. */
export type InsertVerdict = 'inserted' | 'exists'

/** Items of one partition with `from <= sk < to`, by ascending sort key (UTF-8 bytes), or descending. */
export interface RangeQuery {
  readonly pk: string
  readonly from: string
  readonly to: string
  readonly descending?: boolean
  /** The most items to return in this page. Default: what the store gives, about 1 MB. */
  readonly limit?: number
  /** Continue after this sort key (before it, when descending). */
  readonly after?: string
}

export interface Page {
  readonly items: readonly Item[]
  /** Pass as `after` to go on; absent on the last page. A page may be empty and still have a next one. */
  readonly next?: string
}

/** What a store was asked for since it was opened, in DynamoDB's own units, whatever the store. */
export interface StoreUsage {
  readonly requests: number
  /** Write units: 1 KB each, rounded up per item; failed conditions are charged too. */
  readonly writeUnits: number
  /** Strongly consistent read units: 4 KB each; a query sums its items before it rounds. */
  readonly readUnits: number
}

/**
 * Durable state behind conditional writes. Every read is strongly consistent (invariant 12). A call that throws has an
 * unknown outcome unless the error says otherwise: the runtime treats the batch as undone, and its redelivery finds
 * out.
 */
export interface StateStore {
  /** True where nothing is ever deleted by its `ttl`. Default: the store, as DynamoDB, may delete what is past it. */
  readonly keepsExpired?: boolean
  /** Reads up to `STORE_GET_MAX` items in one request; absent ones come back as undefined, in the order asked. */
  get(keys: readonly ItemKey[]): Promise<readonly (Item | undefined)[]>
  /**
   * Writes each item if no item with its key exists. Keys must be distinct. Any number: the store cuts requests itself.
   */
  insert(items: readonly Item[]): Promise<readonly InsertVerdict[]>
  update(update: Update): Promise<UpdateVerdict>
  query(range: RangeQuery): Promise<Page>
  /** A snapshot of the counters. */
  usage(): StoreUsage
  close(): Promise<void>
}
