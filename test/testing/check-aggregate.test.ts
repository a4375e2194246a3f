import { describe, expect, it } from 'vitest'
import {
  avg,
  collect,
  count,
  custom,
  distinctCount,
  first,
  last,
  max,
  maxBy,
  min,
  minBy,
  stddev,
  sum,
} from '../../lib/aggregate/index.js'
import { checkAggregate } from '../../lib/testing/index.js'

interface Sale {
  readonly shop: string
  readonly price: number
}
const sales: Sale[] = [0.1, 0.2, 0.3, 1e16, -1e16, 7, 7, 1e-9].map((price, i) => ({ shop: 'abc'[i % 3]!, price }))
const price = (sale: Sale): number => sale.price

/** The text of what is thrown; empty where nothing is. */
function caught(run: () => void): string {
  try {
    run()
    return ''
  } catch (thrown) {
    expect(thrown).toMatchObject({ name: 'MillraceError', code: 'bad-aggregate' })
    return (thrown as Error).message
  }
}

/** Without a merge tree to lean on: what each of these breaks is one rule. */
const base = {
  init: () => 0,
  add: (acc: number, sale: Sale) => acc + sale.price,
  merge: (a: number, b: number) => a + b,
}
const identity = <A>(acc: A): A => acc

describe('checkAggregate takes', () => {
  it.each([
    count<Sale>(),
    sum(price),
    avg(price),
    stddev(price),
    min(price),
    max((sale: Sale) => sale.shop),
    first(price),
    last(price),
    minBy(price, (sale: Sale) => sale.shop),
    maxBy(price, (sale: Sale) => sale.shop),
    collect(price, { max: 3 }),
    distinctCount((sale: Sale) => sale.shop),
    custom({
      name: 'ordered',
      init: () => '',
      add: (acc, sale: Sale) => `${acc}${sale.shop}`,
      result: identity,
      ordered: true,
    }),
  ])('invariant 13: $kind', (aggregate) => {
    checkAggregate<Sale>(aggregate, sales)
  })

  it('rows with places, by which ties go', () => {
    const rows = [
      { row: { shop: 'b', price: 1 }, timestamp: 5, split: 'x', position: '7' },
      { row: { shop: 'c', price: 2 }, timestamp: 5, split: 'w', position: '8' },
      { row: { shop: 'a', price: 3 }, timestamp: 4 },
    ]
    checkAggregate(
      last((sale: Sale) => sale.shop),
      rows,
    )
  })

  it('plain rows that have a field named row', () => {
    checkAggregate(
      sum((seat: { row: number; seat: string }) => seat.row),
      [
        { row: 1, seat: 'a' },
        { row: 2, seat: 'b' },
      ],
    )
  })
})

describe('checkAggregate refuses', () => {
  it('invariant 13: a sum of floats, naming the seed, the cut and both results', () => {
    const message = caught(() =>
      checkAggregate(custom({ ...base, name: 'float-sum', result: identity }), sales, { seed: 42 }),
    )
    expect(message).toMatch(
      /^The aggregate "custom:float-sum" depends on how its rows are divided into batches: in one batch they give 14\.[^ ]*, in batches of [\d, ]+ they give [^ ]+ \(seed \d+\)\. merge must be/,
    )
  })

  it('invariant 13: an average of averages', () => {
    const average = custom({
      name: 'average',
      init: (): { mean: number; n: number } => ({ mean: 0, n: 0 }),
      add: ({ mean, n }, sale: Sale) => ({ mean: (mean * n + sale.price) / (n + 1), n: n + 1 }),
      merge: (a, b) => ({ mean: (a.mean + b.mean) / 2, n: a.n + b.n }),
      result: ({ mean }) => mean,
    })
    expect(
      caught(() =>
        checkAggregate(
          average,
          [1, 2, 3, 4].map((p) => ({ shop: 'a', price: p })),
        ),
      ),
    ).toContain('depends on how')
  })

  it('invariant 13: a digest whose centroids hang on the order of merges', () => {
    const digest = custom({
      name: 'digest',
      init: (): number[][] => [],
      add: (centroids, sale: Sale) => squeeze([...centroids, [sale.price, 1]]),
      merge: (a, b) => squeeze([...a, ...b]),
      result: (centroids) => centroids[Math.floor(centroids.length / 2)]?.[0] ?? null,
    })
    const rows = Array.from({ length: 40 }, (_, i) => ({ shop: 'a', price: (i * 37) % 101 }))
    expect(caught(() => checkAggregate(digest, rows))).toContain('depends on how')
  })

  it('invariant 13: a merge that is not commutative, and fields whose order hangs on the cut', () => {
    const words = custom({
      name: 'w',
      init: () => '',
      add: (a, s: Sale) => a + s.shop,
      merge: (a, b) => a + b,
      result: identity,
    })
    const fields = custom({
      name: 'f',
      init: (): Record<string, number> => ({}),
      add: (acc, sale: Sale) => ({ ...acc, [sale.shop]: (acc[sale.shop] ?? 0) + 1 }),
      merge: (a, b) => {
        const merged = { ...a }
        for (const [shop, n] of Object.entries(b)) merged[shop] = (merged[shop] ?? 0) + n
        return merged
      },
      result: identity,
    })
    expect(caught(() => checkAggregate(words, sales))).toContain('depends on how')
    expect(caught(() => checkAggregate(fields, sales))).toContain('depends on how')
  })

  it('a merge that changes what it is given', () => {
    const list = {
      name: 'list',
      init: (): string[] => [],
      add: (acc: string[], s: Sale) => [...acc, s.shop],
      result: (acc: string[]) => acc.length,
    }
    const pushing = custom({
      ...list,
      merge: (a, b) => {
        a.push(...b)
        return a
      },
    })
    expect(caught(() => checkAggregate(pushing, sales))).toMatch(/failed in merge: .* merge must not change them\.$/)
  })

  it('a merge that changes a set, which no freezing stops', () => {
    const inner = distinctCount((sale: Sale) => sale.shop)
    const merge = (a: Set<string>, b: Set<string>) => {
      for (const text of b) a.add(text)
      return a
    }
    const message = caught(() => checkAggregate({ ...inner, merge } as typeof inner, sales))
    expect(message).toBe('The aggregate "distinct-count" has a merge that changes its argument accumulator.')
  })

  it('a result that changes the accumulator', () => {
    const sorting = custom({
      name: 'sorting',
      init: (): number[] => [],
      add: (acc, sale: Sale) => [...acc, sale.price],
      merge: (a, b) => [...a, ...b],
      result: (acc) => acc.sort((a, b) => a - b)[0],
    })
    expect(caught(() => checkAggregate(sorting, sales))).toContain('failed in result:')
  })

  it.each<[string, () => unknown, string]>([
    ['a Map', () => new Map([['a', 1]]), 'Map(["a",1]) is read back as {}'],
    ['a Date', () => new Date(0), 'Date(0) is read back as "1970-01-01T00:00:00.000Z"'],
    ['NaN', () => Number.NaN, 'NaN is read back as null'],
    ['-0', () => [-0], '[-0] is read back as [0]'],
    ['undefined in a field', () => ({ a: undefined }), '{"a":undefined} is read back as {}'],
    ['typed bytes', () => new Uint8Array(2), 'Uint8Array(0,0) is read back as {"0":0,"1":0}'],
    ['a bigint', () => 5n, 'Do not know how to serialize a BigInt'],
  ])('an accumulator that is %s', (_, init, words) => {
    const aggregate = custom<Sale, any, number>({ name: 'odd', init, add: identity, merge: identity, result: () => 0 })
    expect(caught(() => checkAggregate(aggregate, sales))).toBe(
      `The aggregate "custom:odd" has an accumulator that is not JSON: ${words}.`,
    )
  })

  it('an init that hands out one accumulator', () => {
    const shared: number[] = []
    const aggregate = custom({
      name: 'shared',
      init: () => shared,
      add: (acc, sale: Sale) => {
        acc.push(sale.price)
        return acc
      },
      merge: (a, b) => [...a, ...b],
      result: (acc) => acc.length,
    })
    expect(caught(() => checkAggregate(aggregate, sales))).toContain('init must create a new one each time')
  })

  it('an add that changes its rows', () => {
    const aggregate = custom({
      name: 'greedy',
      init: () => 0,
      add: (acc, sale: { price: number }) => acc + sale.price++,
      merge: (a, b) => a + b,
      result: identity,
    })
    expect(caught(() => checkAggregate(aggregate, [{ price: 1 }, { price: 2 }]))).toContain('changes the rows')
  })

  it('too few rows to be cut', () => {
    const words = 'needs at least two rows that it folds, so that they can be divided into batches; it has 1'
    expect(
      caught(() =>
        checkAggregate(
          sum((x: number | null) => x),
          [1, null],
        ),
      ),
    ).toBe(`The aggregate "sum" ${words}.`)
  })
})

describe('checkAggregate', () => {
  it('is deterministic: a seed that failed fails again, alone', () => {
    const bad = custom({ ...base, name: 'float-sum', result: identity })
    const message = caught(() => checkAggregate(bad, sales, { runs: 500, seed: 7 }))
    const seed = Number(/seed (\d+)/.exec(message)![1])
    expect(caught(() => checkAggregate(bad, sales, { runs: 1, seed }))).toBe(message)
  })

  it('leaves the rows as they are, and as free', () => {
    const rows = [{ tags: ['a'] }, { tags: ['b'] }]
    const keep = custom({
      name: 'k',
      init: (): unknown[] => [],
      add: (a, r: object) => [...a, r],
      merge: (a, b) => [...a, ...b],
      result: (a) => a.length,
    })
    checkAggregate(keep, rows)
    expect(rows).toEqual([{ tags: ['a'] }, { tags: ['b'] }])
    expect(Object.isFrozen(rows[0]!.tags)).toBe(false)
  })
})

/** Halves a list of centroids once it is long, as digests do: neighbours in the list, not in value. */
function squeeze(centroids: number[][]): number[][] {
  if (centroids.length < 8) return centroids
  const out: number[][] = []
  for (let i = 0; i < centroids.length; i += 2) {
    const [a, b] = [centroids[i]!, centroids[i + 1] ?? [0, 0]]
    const weight = a[1]! + b[1]!
    out.push([(a[0]! * a[1]! + b[0]! * b[1]!) / weight, weight])
  }
  return out.sort((a, b) => a[0]! - b[0]!)
}
