import {
  ConfigError,
  checkFunction,
  checkOptions,
  encodeKey,
  type Key,
  messageOf,
  RecordRejection,
  settled,
} from '../base/index.js'
import { type Aggregate, compareOrigins, comparePlaces, type Place, reader } from './aggregate.js'
import { jsonResult, readJson } from './values.js'

/** A value with its place in the order of events. */
interface Placed extends Place {
  readonly value: unknown
}

function placed(place: Place, value: unknown): Placed {
  return { turn: place.turn, timestamp: place.timestamp, split: place.split, position: place.position, value }
}

type Compare = (a: Place, b: Place) => number

/** Inserts after equal items, so that rows of one record keep their order. */
function insert(list: Placed[], item: Placed, compare: Compare): void {
  let low = 0
  let high = list.length
  if (high > 0 && compare(list[high - 1]!, item) <= 0) low = high
  while (low < high) {
    const middle = (low + high) >> 1
    if (compare(list[middle]!, item) <= 0) low = middle + 1
    else high = middle
  }
  if (low === list.length) list.push(item)
  else list.splice(low, 0, item)
}

function mergeSorted(a: readonly Placed[], b: readonly Placed[], compare: Compare, most: number): Placed[] {
  const out: Placed[] = []
  for (let i = 0, j = 0; (i < a.length || j < b.length) && out.length < most; ) {
    if (j >= b.length || (i < a.length && compare(a[i]!, b[j]!) <= 0)) out.push(a[i++]!)
    else out.push(b[j++]!)
  }
  return out
}

const encodeList = (list: readonly Placed[]): unknown =>
  list.map((p) => [p.turn, p.timestamp, p.split, p.position, p.value])
const decodeList = (json: [number, number, string, string, unknown][]): Placed[] =>
  json.map(([turn, timestamp, split, position, value]) => ({ turn, timestamp, split, position, value }))

export function checkMax(kind: string, max: number): number {
  if (Number.isSafeInteger(max) && max >= 1 && max <= 1_000_000) return max
  throw new ConfigError('bad-aggregate', `The max of ${kind}() must be a whole number from 1 to 1000000; it is ${max}.`)
}

/**
 * The values of the first `max` rows that have one (default 100), in the order (timestamp, split, position); [] over
 * nothing. Null and undefined are left out and do not count. To keep a value that may be null, wrap it, as in
 * `[order.coupon]`. Values must be JSON: any other value, including NaN and the infinities, rejects the record
 * (`bad-value`). Cannot take rows back.
 * @example collect(order => order.id, { max: 20 })
 */
export function collect<T, V, M = unknown>(
  of: (row: T, meta: M) => V,
  options: { max?: number } = {},
): Aggregate<T, readonly NonNullable<V>[], any, Placed[], M> {
  checkOptions('collect()', options, { max: true })
  const read = reader('collect', of)
  const max = checkMax('collect', options.max ?? 100)
  return Object.freeze({
    kind: 'collect',
    options: { max },
    invertible: false,
    ordered: false,
    fragile: false,
    read(row: T, meta?: M) {
      const value = readJson('collect', read(row, meta))
      return value === undefined ? undefined : { value }
    },
    create: () => [],
    add(acc: Placed[], input: { value: unknown }, _: 1 | -1, place: Place) {
      if (acc.length >= max && compareOrigins(place, acc[max - 1]!) >= 0) return acc
      insert(acc, placed(place, input.value), compareOrigins)
      if (acc.length > max) acc.length = max
      return acc
    },
    merge: (a: Placed[], b: Placed[]) => mergeSorted(a, b, compareOrigins, max),
    result: (acc: Placed[]) => acc.map((p) => p.value as NonNullable<V>),
    encode: encodeList,
    decode: decodeList,
  })
}

/**
 * The exact number of different values, up to `max` (default 10,000); null if there are more, 0 over nothing. Values
 * are keys: primitives, or tuples of them, which may contain null. 1 and '1' are different, 0 and -0 are equal. Null
 * and undefined are left out. A value that is not a key, including NaN and the infinities, rejects the record
 * (`bad-value`). Cannot take rows back.
 * @example distinctCount(flight => flight.destination)
 */
export function distinctCount<T, M = unknown>(
  of: (row: T, meta: M) => Key | undefined,
  options: { max?: number } = {},
): Aggregate<T, number | null, string, Set<string> | null, M> {
  checkOptions('distinctCount()', options, { max: true })
  const read = reader('distinctCount', of)
  const max = checkMax('distinctCount', options.max ?? 10_000)
  const bounded = (set: Set<string>): Set<string> | null => (set.size > max ? null : set)
  return Object.freeze({
    kind: 'distinct-count',
    options: { max },
    invertible: false,
    ordered: false,
    fragile: false,
    read(row: T, meta?: M) {
      const value = read(row, meta)
      return value === undefined || value === null ? undefined : distinctKey(value)
    },
    create: () => new Set<string>(),
    add: (acc: Set<string> | null, value: string) => acc && bounded(acc.add(value)),
    merge: (a: Set<string> | null, b: Set<string> | null) => a && b && bounded(new Set([...a, ...b])),
    result: (acc: Set<string> | null) => (acc === null ? null : acc.size),
    encode: (acc: Set<string> | null) => acc && [...acc],
    decode: (json: string[] | null) => json && new Set(json),
  })
}

function distinctKey(value: Key): string {
  try {
    return encodeKey(value)
  } catch (thrown) {
    throw new RecordRejection(
      'bad-value',
      `distinctCount() counts keys. ${messageOf(thrown)} Return null to leave a row out.`,
    )
  }
}

/**
 * A user-defined fold. The accumulator is stored between batches, so it must be JSON, without NaN or infinities.
 * `checkAggregate` tests this.
 */
export interface CustomAggregate<T, Acc, R> {
  /** The name that identifies the fold in the fingerprint. Change it when the meaning of the accumulator changes. */
  readonly name: string
  readonly init: () => Acc
  /** May change `acc` and return it. */
  readonly add: (acc: Acc, row: T) => Acc
  /**
   * Must be associative and commutative to the last bit, and must not change its arguments. `checkAggregate` tests
   * this. Not needed if `ordered` is true.
   */
  readonly merge?: (a: Acc, b: Acc) => Acc
  /**
   * If it throws, its pane is rejected (`step-threw`). NaN or an infinity anywhere in the result rejects the pane too
   * (`bad-value`).
   */
  readonly result: (acc: Acc) => R
  /**
   * Set this if the order of rows matters. Rows are then kept as events, and added in the order (turn, timestamp,
   * split, position) when the window closes.
   */
  readonly ordered?: boolean
}

/**
 * A custom aggregate, which adds each record when it arrives, or in order if it is `ordered`. It receives whole rows,
 * so it must handle nulls itself. It receives no meta: use a `map` before it to copy what it needs into the row. Rows
 * of an ordered aggregate are stored as JSON, and a row that JSON cannot represent rejects the record (`bad-value`).
 * Cannot take rows back.
 * @example
 * custom({
 *   name: 'longest',
 *   init: () => '',
 *   add: (longest, row: { name: string }) => (row.name.length > longest.length ? row.name : longest),
 *   result: longest => longest,
 *   ordered: true,
 * })
 */
export function custom<T, Acc, R>(definition: CustomAggregate<T, Acc, R>): Aggregate<T, R, any, any> {
  const { name, init, add, merge, result, ordered = false } = definition ?? {}
  checkOptions('custom()', definition, { name: true, init: true, add: true, merge: true, result: true, ordered: true })
  if (typeof name !== 'string' || name === '')
    throw new ConfigError('bad-aggregate', 'A custom aggregate needs a name: it is part of the fingerprint.')
  if (!ordered && merge === undefined) {
    throw new ConfigError(
      'bad-aggregate',
      `The custom aggregate "${name}" needs merge, or ordered: true to be folded in order when its window closes.`,
    )
  }
  if (typeof ordered !== 'boolean')
    throw new ConfigError(
      'bad-aggregate',
      `ordered of the custom aggregate "${name}" must be true or false; it is ${ordered}.`,
    )
  for (const [part, fn] of Object.entries({ init, add, result, ...(!ordered && { merge }) })) {
    if (typeof fn !== 'function')
      throw new ConfigError(
        'bad-aggregate',
        `${part} of the custom aggregate "${name}" must be a function; it is ${typeof fn}.`,
      )
    checkFunction('bad-aggregate', `${part} of the custom aggregate "${name}"`, fn)
  }
  const given = <V>(part: string, value: V): V => settled(`${part} of the custom aggregate "${name}"`, value)
  const shared = { kind: `custom:${name}`, invertible: false, ordered }
  if (ordered) {
    return Object.freeze({
      ...shared,
      options: { ordered },
      fragile: false,
      read: (row: T) => ({ row: readJson(shared.kind, row, true) ?? null }),
      create: () => [],
      add(acc: Placed[], input: { row: unknown }, _: 1 | -1, place: Place) {
        insert(acc, placed(place, input.row), comparePlaces)
        return acc
      },
      merge: (a: Placed[], b: Placed[]) => mergeSorted(a, b, comparePlaces, Number.POSITIVE_INFINITY),
      result: (acc: Placed[]) =>
        jsonResult(
          shared.kind,
          given(
            'result',
            result(acc.reduce((folded, p) => given('add', add(folded, p.value as T)), given('init', init()))),
          ),
        ),
      encode: encodeList,
      decode: decodeList,
    })
  }
  return Object.freeze({
    ...shared,
    options: {},
    fragile: true,
    read: (row: T) => ({ row }),
    create: () => given('init', init()),
    add: (acc: Acc, input: { row: T }) => given('add', add(acc, input.row)),
    merge: (a: Acc, b: Acc) => given('merge', merge!(a, b)),
    result: (acc: Acc) => jsonResult(shared.kind, given('result', result(acc))),
    encode: (acc: Acc) => acc,
    decode: (json: Acc) => json,
  })
}
