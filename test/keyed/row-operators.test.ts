import { describe, expect, it } from 'vitest'
import { collect, count, custom, sum, topN } from '../../lib/aggregate/index.js'
import { Random } from '../../lib/testing/random.js'
import { operatorKey, row } from './steps.js'

const v = (value: number, turn: number, timestamp = turn, position?: string) =>
  row({ v: value }, turn, timestamp, position)
const values = (rows: unknown): unknown => (rows as { v: number }[]).map((one) => one.v)

describe('deduplicate', () => {
  const first = (within: any = 10) => operatorKey((rows) => rows.deduplicate('d', { keep: 'first', within }))
  const last = () => operatorKey((rows) => rows.deduplicate('d', { keep: 'last', within: 10 }))

  it('gives the first row, and drops those that come less than within after it', async () => {
    const k = await first()
    expect(values(k.given(100, v(1, 5), v(2, 5, 5, '6'), v(3, 9), v(4, 14), v(5, 15), v(6, 24), v(7, 25)))).toEqual([
      1, 5, 7,
    ])
  })

  it('counts within from the first row: duplicates do not extend it; then the state is freed', async () => {
    const k = await first()
    k.given(6, v(1, 5))
    expect(k.due).toBe(15)
    const { stored } = k
    expect(k.given(15, v(2, 14))).toEqual([])
    // A duplicate changes nothing of what is stored.
    expect(k.stored).toBe(stored)
    expect(k.given(16)).toEqual([])
    expect([k.stored, k.due]).toEqual([undefined, undefined])
  })

  it('knows a key for ever only if that is asked for', async () => {
    const k = await first('forever')
    expect(values(k.given(100, v(1, 5), v(2, 50)))).toEqual([1])
    expect(k.due).toBeUndefined()
    expect(k.given(1e12, v(3, 1e11))).toEqual([])
  })

  it('takes a late row at the time of the watermark', async () => {
    const k = await first()
    const { outputs } = k.slice(100, v(1, 40, 3), v(2, 49, 49), v(3, 50, 41))
    expect(outputs.map(({ value, timestamp }: any) => [value.v, timestamp])).toEqual([
      [1, 3],
      [3, 41],
    ])
  })

  it('gives the last row when no newer one has come for within', async () => {
    const k = await last()
    expect(k.given(20, v(1, 5), v(2, 14), v(3, 14, 14, '15'))).toEqual([])
    expect(k.due).toBe(23)
    const { outputs } = k.slice(30)
    expect(outputs).toMatchObject([{ value: { v: 3 }, timestamp: 23 }])
    expect([k.stored, k.due]).toEqual([undefined, undefined])
  })

  it('takes a row exactly within later for another one', async () => {
    const k = await last()
    expect(values(k.given(100, v(1, 5), v(2, 15), v(3, 24)))).toEqual([1, 3])
  })

  it('neither keeps nor waits for a late row that is older', async () => {
    const k = await last()
    const { outputs } = k.slice(100, v(1, 20), v(2, 25, 19), v(3, 28, 20), v(4, 60, 3))
    // Of rows with one event time, the last that is processed.
    expect(outputs.map(({ value, timestamp }: any) => [value.v, timestamp])).toEqual([
      [3, 37],
      [4, 69],
    ])
  })
})

describe('lag and lead', () => {
  const pairs = (given: unknown, field: string): unknown =>
    (given as any[]).map((one) => [one.row.v, one[field]?.v ?? null])

  it('lag gives the row before, or the one before that', async () => {
    const one = await operatorKey((rows) => rows.lag('l', {}))
    expect(pairs(one.given(10, v(1, 1), v(2, 1, 1, '2'), v(3, 4)), 'previous')).toEqual([
      [1, null],
      [2, 1],
      [3, 2],
    ])
    const two = await operatorKey((rows) => rows.lag('l', { offset: 2 }))
    expect(pairs(two.given(10, v(1, 1), v(2, 2), v(3, 3), v(4, 4)), 'previous')).toEqual([
      [1, null],
      [2, null],
      [3, 1],
      [4, 2],
    ])
    expect(JSON.parse(two.stored!).s.kept).toEqual([{ v: 3 }, { v: 4 }])
  })

  it('lag gives a late row with the row that was processed before it', async () => {
    const k = await operatorKey((rows) => rows.lag('l', {}))
    const { outputs } = k.slice(100, v(1, 10), v(2, 20, 5), v(3, 21))
    expect(outputs.map(({ value, timestamp }: any) => [value.row.v, value.previous?.v, timestamp])).toEqual([
      [1, undefined, 10],
      [2, 1, 5],
      [3, 2, 21],
    ])
  })

  it('lag forgets rows a ttl after the last one', async () => {
    const k = await operatorKey((rows) => rows.lag('l', { ttl: 10 }))
    expect(pairs(k.given(40, v(1, 1), v(2, 10), v(3, 20), v(4, 31)), 'previous')).toEqual([
      [1, null],
      [2, 1],
      [3, null],
      [4, null],
    ])
    expect(k.due).toBe(41)
    k.given(42)
    expect(k.stored).toBeUndefined()
  })

  it('lead gives the row after when it comes, or null after the timeout', async () => {
    const k = await operatorKey((rows) => rows.lead('l', { timeout: 10 }))
    const { outputs } = k.slice(100, v(1, 1), v(2, 10), v(3, 20), v(4, 20, 20, '21'))
    expect(outputs.map(({ value, timestamp }: any) => [value.row.v, value.next?.v ?? null, timestamp])).toEqual([
      [1, 2, 10],
      [2, null, 19],
      [3, 4, 20],
      [4, null, 29],
    ])
    expect([k.stored, k.due]).toEqual([undefined, undefined])
  })

  it('lead waits for each row on its own', async () => {
    const k = await operatorKey((rows) => rows.lead('l', { offset: 2, timeout: 10 }))
    expect(pairs(k.given(6, v(1, 1), v(2, 1, 1, '2'), v(3, 5)), 'next')).toEqual([[1, 3]])
    expect(JSON.parse(k.stored!)).toEqual({
      s: {
        kept: [
          [10, { v: 2 }],
          [14, { v: 3 }],
        ],
      },
      t: [['timeout', 10]],
    })
    expect(pairs(k.given(12), 'next')).toEqual([[2, null]])
    expect(pairs(k.given(13, v(4, 12)), 'next')).toEqual([])
    expect(pairs(k.given(40), 'next')).toEqual([
      [3, null],
      [4, null],
    ])
  })

  it('lead gives rows that time out together in their order', async () => {
    const k = await operatorKey((rows) => rows.lead('l', { offset: 3, timeout: 10 }))
    expect(pairs(k.given(40, v(1, 1), v(2, 1, 1, '2'), v(3, 1, 1, '3')), 'next')).toEqual([
      [1, null],
      [2, null],
      [3, null],
    ])
  })
})

describe('topN and rank', () => {
  const by = (one: any): any => one.v
  const ranks = (given: unknown): unknown => (given as any[]).map(({ rank, row: of }) => [rank, of.v])
  const top = (options: object = {}) => operatorKey((rows) => rows.topN('t', { n: 3, by, ...options }))

  it('gives every rank that a row changes', async () => {
    const k = await top()
    expect(k.given(2, v(5, 1))).toEqual([{ key: 'k', rank: 1, row: { v: 5 } }])
    expect(ranks(k.given(3, v(7, 2)))).toEqual([
      [1, 7],
      [2, 5],
    ])
    expect(ranks(k.given(4, v(6, 3)))).toEqual([
      [2, 6],
      [3, 5],
    ])
    expect(ranks(k.given(5, v(9, 4)))).toEqual([
      [1, 9],
      [2, 7],
      [3, 6],
    ])
    expect(ranks(k.given(6, v(6, 5), v(1, 5, 5, '6')))).toEqual([])
  })

  it('prefers the earlier of equal rows, and can prefer low scores, text and tuples', async () => {
    const named = (name: string, score: any, turn: number) => row({ name, v: score }, turn)
    const tied = await top()
    const names = (given: unknown): unknown => (given as any[]).map(({ rank, row: of }) => [rank, of.name])
    expect(names(tied.given(9, named('a', 5, 1), named('b', 5, 2), named('c', 5, 3), named('d', 5, 4)))).toEqual([
      [1, 'a'],
      [2, 'b'],
      [3, 'c'],
    ])
    const low = await top({ n: 2, order: 'lowest' })
    expect(names(low.given(9, named('a', 'x', 1), named('b', 3, 2), named('c', 'w', 3)))).toEqual([
      [1, 'a'],
      [1, 'b'],
      [2, 'a'],
      [2, 'c'],
    ])
    const tuples = await top({ n: 1 })
    expect(
      names(tuples.given(9, named('a', [1, 'x'], 1), named('b', [1, 'y'], 2), named('c', [1], 3), named('d', 2, 4))),
    ).toEqual([
      [1, 'a'],
      [1, 'b'],
      [1, 'd'],
    ])
  })

  it('counts the best row of each identity', async () => {
    const k = await top({ n: 2, identity: (one: any) => one.who })
    const of = (who: string, score: number, turn: number) => row({ who, v: score }, turn)
    const given = (...rows: any[]) => ranks(k.given(k.stored === undefined ? 2 : rows[0].turn + 1, ...rows))
    expect(given(of('a', 5, 1))).toEqual([[1, 5]])
    expect(given(of('b', 7, 2))).toEqual([
      [1, 7],
      [2, 5],
    ])
    // Neither a worse nor an equal row of the same identity counts.
    expect(given(of('b', 6, 3))).toEqual([])
    expect(given(of('b', 7, 4))).toEqual([])
    expect(given(of('a', 6, 5))).toEqual([[2, 6]])
    expect(given(of('a', 8, 6))).toEqual([
      [1, 8],
      [2, 7],
    ])
    expect(given(of('c', 7.5, 7))).toEqual([[2, 7.5]])
    expect(given(of('b', 9, 8))).toEqual([
      [1, 9],
      [2, 8],
    ])
  })

  it('drops the ranking a ttl after the last row, whether or not that was ranked', async () => {
    const k = await top({ n: 1, ttl: 10 })
    expect(ranks(k.given(30, v(5, 1), v(4, 10), v(3, 19), v(2, 29)))).toEqual([
      [1, 5],
      [1, 2],
    ])
    expect(k.due).toBe(39)
    k.given(40)
    expect(k.stored).toBeUndefined()
  })

  it('changes nothing of what is stored if a row is not ranked and there is no ttl', async () => {
    const k = await top({ n: 1 })
    k.given(2, v(5, 1))
    const { stored } = k
    k.given(9, v(4, 3))
    expect(k.stored).toBe(stored)
  })

  it('rejects a row that cannot be ranked, by the name of the operator', async () => {
    const k = await top()
    const { outputs, rejected } = k.slice(9, v(1, 1), v(Number.NaN, 2), v(2, 3))
    expect(ranks(outputs.map(({ value }) => value))).toEqual([
      [1, 1],
      [1, 2],
      [2, 1],
    ])
    expect(rejected).toMatchObject([
      {
        reason: 'bad-value',
        detail: 'topN("t"): by must return a finite number, a string, or a tuple of them; it returned NaN.',
      },
    ])
    // biome-ignore lint/suspicious/noSparseArray: a hole is no number.
    for (const bad of [undefined, null, {}, [], [1, null], [,]]) {
      const other = await operatorKey((rows) => rows.rank('r', { n: 3, by: () => bad }))
      expect(other.slice(9, v(1, 1)).rejected[0]).toMatchObject({
        reason: 'bad-value',
        detail: expect.stringContaining('rank("r"): by must return'),
      })
    }
    const promised = await operatorKey((rows) => rows.topN('t', { n: 3, by: () => Promise.resolve(1) }))
    expect(promised.slice(9, v(1, 1)).rejected[0]!.detail).toBe(
      'topN("t"): by must be synchronous; it returned a promise. Remove async from it.',
    )
  })

  it('rank gives each row with one more than the number of better ones, as far as rank n', async () => {
    const k = await operatorKey((rows) => rows.rank('r', { n: 3, by, ttl: 100 }))
    const given = k.given(50, ...[5, 7, 5, 5, 6, 5, 9].map((score, i) => v(score, i + 1))) as any[]
    expect(given.map(({ row: of, rank }) => [of.v, rank])).toEqual([
      [5, 1],
      [7, 1],
      [5, 2],
      [5, 2],
      [6, 2],
      [5, 3],
      [9, 1],
    ])
    expect((k.given(51, v(5, 50)) as any[])[0].rank).toBeNull()
    // Only scores are stored.
    expect(JSON.parse(k.stored!).s.kept).toEqual([9, 7, 6])
    expect((k.given(200, v(1, 150)) as any[])[0].rank).toBe(1)
  })
})

describe('countWindow', () => {
  const folds = {
    n: count(),
    ids: collect((one: any) => one.v),
    best: topN(
      1,
      (one: any) => one.v,
      (one: any) => one.v,
    ),
  }
  const windows = (options: object, size = 3) =>
    operatorKey((rows) => rows.countWindow(size, options).aggregate('c', folds))
  const short = (given: unknown): unknown =>
    (given as any[]).map(({ value, window, count }) => [value.ids, window.first, window.last, count])

  it('gives a result for each size rows, and keeps nothing between them', async () => {
    const k = await windows({})
    const given = k.given(9, v(1, 1), v(2, 1, 1, '2'), v(3, 3), v(4, 4))
    expect(given).toEqual([
      {
        key: 'k',
        value: { n: 3, ids: [1, 2, 3], best: [3] },
        window: { first: 1, last: 3 },
        count: 3,
        id: 'c|"k"|9/0',
      },
    ])
    expect(short(k.given(20, v(5, 11), v(6, 12, 2)))).toEqual([[[6, 4, 5], 2, 11, 3]])
    expect(k.stored).toBeUndefined()
  })

  it('waits for ever without a timeout', async () => {
    const k = await windows({})
    k.given(9, v(1, 1))
    expect(k.due).toBeUndefined()
    expect(short(k.given(1e12, v(2, 1e11), v(3, 1e11 + 1)))).toEqual([[[1, 2, 3], 1, 1e11 + 1, 3]])
  })

  it('closes an incomplete window after the timeout; a row exactly then belongs to the next', async () => {
    const k = await windows({ timeout: 10 })
    const { outputs } = k.slice(100, v(1, 1), v(2, 10), v(3, 11), v(4, 12), v(5, 13), v(6, 13, 13, '14'))
    expect(short(outputs.map(({ value }) => value))).toEqual([
      [[1, 2], 1, 10, 2],
      [[3, 4, 5], 11, 13, 3],
      [[6], 13, 13, 1],
    ])
    expect(outputs.map(({ timestamp }) => timestamp)).toEqual([10, 13, 22])
    expect(new Set(outputs.map(({ value }: any) => value.id)).size).toBe(3)
    expect([k.stored, k.due]).toEqual([undefined, undefined])
  })

  it('slides: every slide rows, the last size rows', async () => {
    const of = async (size: number, slide: number) => {
      const k = await windows({ slide }, size)
      const rows = Array.from({ length: 9 }, (_, i) => v(i + 1, i + 1))
      return (k.given(100, ...rows) as any[]).map(({ value }) => value.ids.join(''))
    }
    expect(await of(4, 2)).toEqual(['12', '1234', '3456', '5678'])
    expect(await of(3, 2)).toEqual(['12', '234', '456', '678'])
    expect(await of(2, 3)).toEqual(['23', '56', '89'])
    expect(await of(3, 3)).toEqual(['123', '456', '789'])
    expect(await of(2, 1)).toEqual(['1', '12', '23', '34', '45', '56', '67', '78', '89'])
  })

  it('keeps a sliding window in parts, and forgets it after the ttl', async () => {
    const k = await windows({ slide: 50, ttl: 10 }, 100)
    k.given(121, ...Array.from({ length: 120 }, (_, i) => v(i, i + 1)))
    expect(JSON.parse(k.stored!).s.kept).toHaveLength(1 + 2)
    expect(k.due).toBe(130)
    k.given(131)
    expect(k.stored).toBeUndefined()
  })

  it('rejects a row that a fold refuses or throws on, and counts the others', async () => {
    const halfway = custom({
      name: 'halfway',
      init: () => ({ n: 0 }),
      add: (acc: { n: number }, one: any) => {
        acc.n++
        if (one.v === 2) throw new Error('halfway')
        return acc
      },
      merge: (a, b) => ({ n: a.n + b.n }),
      result: (acc) => acc.n,
    })
    const k = await operatorKey((rows) =>
      rows.countWindow(3).aggregate('c', { total: sum((one: any) => one.v), halfway }),
    )
    const { outputs, rejected } = k.slice(9, v(1, 1), v(2, 2), v(Number.NaN, 3), v(3, 4), v(4, 5))
    expect(outputs.map(({ value }: any) => value.value)).toEqual([{ total: 8, halfway: 3 }])
    expect(rejected.map(({ reason, detail }) => [reason, detail])).toEqual([
      ['step-threw', 'countWindow("c"): field "halfway": halfway'],
      ['bad-value', expect.stringMatching(/^countWindow\("c"\): field "total": sum\(\) /)],
    ])
  })
})

describe('over', () => {
  const ids = { ids: collect((one: any) => one.v) }
  const over = (options: object, folds: any = ids) => operatorKey((rows) => rows.over('o', options, folds))
  const short = (given: unknown): unknown => (given as any[]).map(({ row: of, value }) => [of.v, value.ids.join('')])

  it('folds the last rows, with the row itself', async () => {
    const k = await over({ rows: 2 })
    expect(short(k.given(9, v(1, 1), v(2, 1, 1, '2'), v(3, 4)))).toEqual([
      [1, '1'],
      [2, '12'],
      [3, '23'],
    ])
    expect(short(k.given(20, v(4, 11), v(5, 12)))).toEqual([
      [4, '34'],
      [5, '45'],
    ])
  })

  it('folds the rows of a range, both ends with it, and frees them then', async () => {
    const k = await over({ range: 10 })
    expect(short(k.given(22, v(1, 1), v(2, 5), v(3, 11), v(4, 12), v(5, 12, 12, '13')))).toEqual([
      [1, '1'],
      [2, '12'],
      [3, '123'],
      [4, '234'],
      [5, '2345'],
    ])
    expect(k.due).toBe(23)
    const { stored } = k
    expect(k.given(23)).toEqual([])
    expect(k.stored).toBe(stored)
    k.given(24)
    expect(k.stored).toBeUndefined()
    const edge = await over({ range: 10 })
    edge.given(22, v(1, 12))
    expect(short(edge.given(23, v(2, 22)))).toEqual([[2, '12']])
  })

  it('measures the range of a late row from the watermark', async () => {
    const k = await over({ range: 10 })
    expect(short(k.given(100, v(1, 1), v(2, 20), v(3, 21, 2), v(4, 31)))).toEqual([
      [1, '1'],
      [2, '2'],
      // By its own event time, row 3 is the first.
      [3, '32'],
      [4, '34'],
    ])
  })

  it('takes a range and a number of rows together', async () => {
    const k = await over({ range: 10, rows: 2 })
    expect(short(k.given(100, v(1, 1), v(2, 2), v(3, 3), v(4, 20)))).toEqual([
      [1, '1'],
      [2, '12'],
      [3, '23'],
      [4, '4'],
    ])
  })

  it('forgets rows a ttl after the last one', async () => {
    const k = await over({ rows: 3, ttl: 10 })
    expect(short(k.given(100, v(1, 1), v(2, 10), v(3, 20)))).toEqual([
      [1, '1'],
      [2, '12'],
      [3, '3'],
    ])
  })

  it('merges twice for each row, however many rows it folds', async () => {
    let merges = 0
    const counted = custom({
      name: 'counted',
      init: () => 0,
      add: (n: number) => n + 1,
      merge: (a: number, b: number) => {
        merges++
        return a + b
      },
      result: (n) => n,
    })
    const k = await over({ rows: 500 }, { n: counted })
    const given = k.given(10_000, ...Array.from({ length: 3_000 }, (_, i) => v(i, i + 1))) as any[]
    expect(given.at(-1).value.n).toBe(500)
    expect(merges).toBeLessThanOrEqual(3 * 3_000)
  })

  it('dead-letters the rows that would make the state of a key too large, and goes on when others have left', async () => {
    const k = await over({ range: 1_000 }, { texts: collect(() => 'x'.repeat(900)) })
    const { outputs, rejected } = k.slice(121, ...Array.from({ length: 120 }, (_, i) => v(i, i + 1)))
    expect(rejected.length).toBeGreaterThan(5)
    expect(rejected[0]).toMatchObject({
      reason: 'state-too-large',
      detail:
        'over("o"): The state of one key of over("o") may have at most 100000 characters as JSON; after this call it would have more. Use a shorter range, or a limit of rows.',
    })
    expect(outputs.length + rejected.length).toBe(120)
    expect(k.given(2_000, v(999, 1_050))).toHaveLength(1)
  })
})

describe('every operator', () => {
  const by = (one: any): any => one.v % 7
  const folds = { n: count(), total: sum((one: any) => one.v), ids: collect((one: any) => one.v, { max: 1_000 }) }
  const operators: Record<string, (rows: any) => any> = {
    first: (rows) => rows.deduplicate('x', { keep: 'first', within: 40 }),
    last: (rows) => rows.deduplicate('x', { keep: 'last', within: 15 }),
    lag: (rows) => rows.lag('x', { offset: 3, ttl: 60 }),
    lead: (rows) => rows.lead('x', { offset: 2, timeout: 25 }),
    topN: (rows) => rows.topN('x', { n: 4, by, ttl: 50 }),
    identity: (rows) => rows.topN('x', { n: 4, by, identity: (one: any) => one.v % 5 }),
    rank: (rows) => rows.rank('x', { n: 6, by, order: 'lowest', ttl: 50 }),
    tumbling: (rows) => rows.countWindow(5, { timeout: 30 }).aggregate('x', folds),
    sliding: (rows) => rows.countWindow(6, { slide: 4, ttl: 60 }).aggregate('x', folds),
    rows: (rows) => rows.over('x', { rows: 6, ttl: 60 }, folds),
    range: (rows) => rows.over('x', { range: 40 }, folds),
    both: (rows) => rows.over('x', { range: 40, rows: 4 }, folds),
  }

  it.each(Object.keys(operators))('%s: gives the same however time is cut into slices', async (name) => {
    const random = new Random(7)
    let turn = 0
    const rows = Array.from({ length: 150 }, (_, i) => {
      turn += random.below(4) === 0 ? random.below(70) : random.below(6)
      const late = random.below(5) === 0 ? random.below(30) : 0
      return v(i, turn, turn - late, String(i).padStart(6, '0'))
    })
    const run = async (widthMs: number) => {
      const k = await operatorKey(operators[name]!)
      const given: unknown[] = []
      for (let end = widthMs; end < turn + widthMs + 500; end += widthMs) {
        const { outputs, rejected } = k.slice(end, ...rows.filter((one) => one.turn < end && one.turn >= end - widthMs))
        expect(rejected).toEqual([])
        for (const { value, timestamp } of outputs) {
          const { id: _, ...rest } = value as any
          given.push([rest, timestamp])
        }
      }
      return { given, stored: k.stored }
    }
    const whole = await run(1_000_000)
    expect(whole.given.length).toBeGreaterThan(10)
    for (const widthMs of [1, 7, 100]) expect(await run(widthMs)).toEqual(whole)
  })
})
