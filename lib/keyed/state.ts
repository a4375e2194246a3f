import type { Aggregate, Json, Place } from '../aggregate/index.js'
import {
  ConfigError,
  checkOptions,
  type Duration,
  glimpse,
  messageOf,
  milliseconds,
  RecordRejection,
} from '../base/index.js'
import { checkJson, copied, frozen } from './json-value.js'

/** One value of the state of a key. A value that is an object is frozen: `set` a new one. */
export interface ValueState<T> {
  /** The value, or the initial one. */
  get(): T
  set(value: T): void
  /** Sets the result of a function of the value. */
  update(change: (value: T) => T): void
  /** Goes back to the initial value, which is not stored. */
  clear(): void
}

/** A map, in the order in which its entries were first set. Its values are frozen. */
export interface MapState<K extends string | number, V> {
  readonly size: number
  get(key: K): V | undefined
  has(key: K): boolean
  set(key: K, value: V): void
  delete(key: K): void
  entries(): IterableIterator<[K, V]>
  keys(): IterableIterator<K>
  values(): IterableIterator<V>
  clear(): void
}

/** A list. With a `max`, it keeps the items that were added last. Its items are frozen. */
export interface ListState<T> {
  readonly length: number
  /** The items, the first added first. The array does not change when more items are added. */
  get(): readonly T[]
  add(item: T): void
  /** Replaces all items. */
  set(items: readonly T[]): void
  clear(): void
}

/** The running result of a fold. */
export interface AggregateState<T, R> {
  /** The result over all rows that were added. */
  get(): R
  /** Adds a row. It has the place of the row that is being processed. */
  add(row: T): void
  clear(): void
}

/** A state of a key as it is while rows of the key are processed. */
export interface Cell<Access> {
  readonly access: Access
  /** Whether it was written since it was opened. */
  isWritten: boolean
  /** What is stored of it; undefined if nothing is. */
  json(): Json | undefined
}

/** A declared state. Create it with `value`, `map`, `list` or `aggregate`. */
export interface StateSpec<Access> {
  readonly kind: 'value' | 'map' | 'list' | 'aggregate'
  /** The options that identify the stored data. They are part of the fingerprint. */
  readonly options: Readonly<Record<string, Json>>
  /** How long after it was last written it is kept, in event time; undefined if the operator decides. */
  readonly ttlMs: number | undefined
  /** `what` begins the messages about it. */
  readonly open: (stored: any, place: () => Place, what: string) => Cell<Access>
}

export interface StateOptions {
  /**
   * The state is dropped when it has not been written for this long, in event time. Default: the `ttl` of the operator.
   */
  readonly ttl?: Duration
}

export type StateMap = Readonly<Record<string, StateSpec<any>>>
export type AccessOf<S> = { readonly [N in keyof S]: S[N] extends StateSpec<infer A> ? A : never }

const ttlOf = (what: string, ttl: Duration | undefined): number | undefined =>
  ttl === undefined ? undefined : milliseconds(ttl, `ttl of ${what}`, 1)

/**
 * One JSON value for each key.
 * @example state: { seen: value(0) }
 */
export function value<T>(initial: T, options: StateOptions = {}): StateSpec<ValueState<T>> {
  checkOptions('value()', options, { ttl: true })
  try {
    checkJson(initial, 'The initial value of value()')
  } catch (thrown) {
    throw new ConfigError('bad-state', messageOf(thrown))
  }
  const text = JSON.stringify(initial)
  return {
    kind: 'value',
    options: {},
    ttlMs: ttlOf('value()', options.ttl),
    open(stored, _, what) {
      let current: T = frozen(stored === undefined ? JSON.parse(text) : stored)
      let isSet = stored !== undefined
      const cell: Cell<ValueState<T>> = {
        isWritten: false,
        json: () => (isSet ? (current as Json) : undefined),
        access: {
          get: () => current,
          set: (next) => {
            checkJson(next, what)
            current = frozen(next)
            isSet = true
            cell.isWritten = true
          },
          update: (change) => cell.access.set(change(current)),
          clear: () => {
            current = frozen(JSON.parse(text))
            isSet = false
          },
        },
      }
      return cell
    },
  }
}

/**
 * A map for each key, with text or numbers as its keys and JSON values.
 * @example state: { byDay: map<string, number>() }
 */
export function map<K extends string | number, V>(options: StateOptions = {}): StateSpec<MapState<K, V>> {
  checkOptions('map()', options, { ttl: true })
  return {
    kind: 'map',
    options: {},
    ttlMs: ttlOf('map()', options.ttl),
    open(stored: [K, V][] | undefined, _, what) {
      const entries = new Map<K, V>(frozen(stored))
      const cell: Cell<MapState<K, V>> = {
        isWritten: false,
        json: () => (entries.size === 0 ? undefined : ([...entries] as unknown as Json)),
        access: {
          get size() {
            return entries.size
          },
          get: (key) => entries.get(key),
          has: (key) => entries.has(key),
          set: (key, item) => {
            if (typeof key !== 'string' && !Number.isFinite(key))
              throw new RecordRejection(
                'bad-state',
                `${what} is a map, whose keys must be strings or finite numbers; this one is ${typeof key === 'number' ? key : `of type ${typeof key}`}.`,
              )
            checkJson(item, what)
            entries.set(key, frozen(item))
            cell.isWritten = true
          },
          delete: (key) => {
            if (entries.delete(key)) cell.isWritten = true
          },
          entries: () => entries.entries(),
          keys: () => entries.keys(),
          values: () => entries.values(),
          clear: () => entries.clear(),
        },
      }
      return cell
    },
  }
}

const LIST_MAX = 100_000

/**
 * A list of JSON values for each key. `max` is how many of the last items it keeps.
 * @example state: { recent: list<Reading>({ max: 100 }) }
 */
export function list<T>(options: StateOptions & { readonly max?: number } = {}): StateSpec<ListState<T>> {
  checkOptions('list()', options, { ttl: true, max: true })
  const { max } = options
  if (max !== undefined && (!Number.isSafeInteger(max) || max < 1 || max > LIST_MAX))
    throw new ConfigError('bad-state', `The max of list() must be a whole number from 1 to ${LIST_MAX}; it is ${max}.`)
  return {
    kind: 'list',
    options: max === undefined ? {} : { max },
    ttlMs: ttlOf('list()', options.ttl),
    open(stored: T[] | undefined, _, what) {
      let items = stored ?? []
      const cell: Cell<ListState<T>> = {
        isWritten: false,
        json: () => (items.length === 0 ? undefined : (items as unknown as Json)),
        access: {
          get length() {
            return items.length
          },
          get: () => frozen(items),
          add: (item) => {
            checkJson(item, what)
            // What `get` gave must not change, because a row that was given may hold it.
            if (Object.isFrozen(items)) items = [...items]
            items.push(frozen(item))
            if (max !== undefined && items.length > max) items.shift()
            cell.isWritten = true
          },
          set: (next) => {
            checkJson(next, what)
            items = (max === undefined ? next : next.slice(-max)).map(frozen)
            cell.isWritten = true
          },
          clear: () => {
            items = []
          },
        },
      }
      return cell
    },
  }
}

/**
 * The running result of a fold for each key, such as `sum` or `topN`.
 * @example state: { total: aggregate(sum((order: Order) => order.amount)) }
 */
export function aggregate<T, R>(
  fold: Aggregate<T, R, any, any, unknown>,
  options: StateOptions = {},
): StateSpec<AggregateState<T, R>> {
  checkOptions('aggregate()', options, { ttl: true })
  if (typeof fold?.read !== 'function')
    throw new ConfigError('bad-state', `aggregate() takes a fold, such as count() or sum(); it got ${glimpse(fold)}.`)
  return {
    kind: 'aggregate',
    options: { fold: fold.kind, ...(Object.keys(fold.options).length > 0 && { of: fold.options }) },
    ttlMs: ttlOf('aggregate()', options.ttl),
    open(stored, place) {
      let acc = stored === undefined ? undefined : fold.decode(stored)
      const cell: Cell<AggregateState<T, R>> = {
        isWritten: false,
        json: () => (acc === undefined ? undefined : (fold.encode(acc) as Json)),
        access: {
          // A custom fold may give its accumulator itself.
          get: () => copied(fold.result(acc ?? fold.create())),
          add: (row) => {
            const input = fold.read(row)
            if (input === undefined) return
            acc = fold.add(acc ?? fold.create(), input, 1, place())
            cell.isWritten = true
          },
          clear: () => {
            acc = undefined
          },
        },
      }
      return cell
    },
  }
}
