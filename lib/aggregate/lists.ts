import { ConfigError, checkOptions, shown } from '../base/index.js'
import { type Aggregate, compareOrigins, type Place, reader } from './aggregate.js'
import { beats, type Comparable, readComparable } from './order.js'
import { collect } from './sets.js'
import { readJson, refused, typeName } from './values.js'

/**
 * The texts of the first `max` rows that have one (default 100), joined by a separator (default ','), in the order
 * (timestamp, split, position). Null over nothing. Null and undefined are left out; what is no string rejects the
 * record (`bad-value`). Cannot take rows back.
 * @example stringJoin(order => order.id, { separator: ' ' })
 */
export function stringJoin<T, M = unknown>(
  of: (row: T, meta: M) => string | null | undefined,
  options: { readonly separator?: string; readonly max?: number } = {},
): Aggregate<T, string | null, any, any, M> {
  checkOptions('stringJoin()', options, { separator: true, max: true })
  const { separator = ',', max } = options
  if (typeof separator !== 'string')
    throw new ConfigError('bad-aggregate', `The separator of stringJoin() must be a string; it is ${shown(separator)}.`)
  const read = reader('stringJoin', of)
  const list = collect<T, string, M>(
    (row, meta) => {
      const value: unknown = read(row, meta)
      if (value === null || value === undefined) return value as never
      if (typeof value === 'string') return value
      throw refused('stringJoin', 'joins strings', typeName(value))
    },
    max === undefined ? {} : { max },
  )
  const { '~rows': _, ...rest } = list
  return Object.freeze({
    ...rest,
    kind: 'string-join',
    options: { ...list.options, separator },
    result: (acc: any) => {
      const texts = list.result(acc)
      return texts.length === 0 ? null : texts.join(separator)
    },
  })
}

interface Ranked {
  readonly by: Comparable
  readonly value: unknown
  readonly timestamp: number
  readonly split: string
  readonly position: string
}

const N_MAX = 10_000

export interface TopOptions {
  /** `largest` (default) first, or `smallest`. */
  readonly order?: 'largest' | 'smallest'
}

/**
 * The values of the n rows that are largest by a finite number or a string, the largest first; of equals the earliest,
 * by (timestamp, split, position). [] over nothing. A row whose `by` or `of` is null or undefined is left out. Numbers
 * come after strings. Values are JSON; NaN, an infinity or a wrong type of either rejects the record (`bad-value`).
 * Cannot take rows back.
 * @example topN(3, flight => flight.delay, flight => flight.number)
 * @example topN(3, flight => flight.delay, flight => flight.number, { order: 'smallest' })
 */
export function topN<T, V, M = unknown>(
  n: number,
  by: (row: T, meta: M) => number | string | null | undefined,
  of: (row: T, meta: M) => V,
  options: TopOptions = {},
): Aggregate<T, readonly NonNullable<V>[], any, Ranked[], M> {
  checkOptions('topN()', options, { order: true })
  const { order = 'largest' } = options
  if (order !== 'largest' && order !== 'smallest')
    throw new ConfigError(
      'bad-aggregate',
      `The order of topN() must be 'largest' or 'smallest'; it is ${shown(order)}.`,
    )
  if (!Number.isSafeInteger(n) || n < 1 || n > N_MAX)
    throw new ConfigError(
      'bad-aggregate',
      `The n of topN() must be a whole number from 1 to ${N_MAX}; it is ${shown(n)}.`,
    )
  const sign = order === 'largest' ? -1 : 1
  const rankOf = reader('topN', by)
  const pickOf = reader('topN', of, ', as its third argument,')
  const compare = (a: Ranked, b: Ranked): number =>
    beats(a.by, b.by, sign) ? -1 : beats(b.by, a.by, sign) ? 1 : compareOrigins(a, b)
  return Object.freeze({
    kind: 'top-n',
    options: { n, order },
    invertible: false,
    ordered: false,
    fragile: false,
    read(row: T, meta?: M) {
      const rank = readComparable('topN', rankOf(row, meta))
      if (rank === undefined) return undefined
      const value = readJson('topN', pickOf(row, meta))
      return value === undefined ? undefined : { by: rank, value }
    },
    create: () => [],
    add(acc: Ranked[], { by: rank, value }: Pick<Ranked, 'by' | 'value'>, _: 1 | -1, place: Place) {
      const { timestamp, split, position } = place
      const ranked = { by: rank, value, timestamp, split, position }
      if (acc.length >= n && compare(ranked, acc[n - 1]!) >= 0) return acc
      let at = acc.length
      while (at > 0 && compare(acc[at - 1]!, ranked) > 0) at--
      acc.splice(at, 0, ranked)
      if (acc.length > n) acc.length = n
      return acc
    },
    merge(a: Ranked[], b: Ranked[]) {
      const both: Ranked[] = []
      for (let i = 0, j = 0; both.length < n && (i < a.length || j < b.length); )
        both.push(j >= b.length || (i < a.length && compare(a[i]!, b[j]!) <= 0) ? a[i++]! : b[j++]!)
      return both
    },
    result: (acc: Ranked[]) => acc.map(({ value }) => value as NonNullable<V>),
    encode: (acc: Ranked[]) => acc.map((r) => [r.by, r.timestamp, r.split, r.position, r.value]),
    decode: (json: readonly [Comparable, number, string, string, unknown][]): Ranked[] =>
      json.map((r) => ({ by: r[0], timestamp: r[1], split: r[2], position: r[3], value: r[4] })),
  })
}
