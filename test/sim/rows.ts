import { collect, count, custom, max, sum } from '../../lib/index.js'
import type { PlainRow } from './process.js'
import { isFussy, numberOf, type RowsSpec, tagOf } from './spec.js'

/** Operators of one input over the rows of a key, each written twice: with the library, and plainly over all rows. */

/** What is known of a row, for the operator after it. */
const shape = (row: any, more: object = {}) => ({ id: tagOf(row), v: numberOf(row), k: tagOf(row) % 5, ...more })
const near = (row: any, other: any) => shape(row, { other: other === null ? null : tagOf(other) })
const summed = (value: any, more: object) => ({ id: value.n, v: value.sum, k: value.n % 5, value, ...more })

/** A number with many ties, or a tuple. Some rows cannot be ranked. */
function scoreOf(row: any): number | [number, number] {
  if (isFussy(numberOf(row))) throw new Error('a row cannot be ranked')
  const v = Math.round(numberOf(row)) % 7
  return tagOf(row) % 2 === 0 ? v : [v, tagOf(row) % 3]
}
const identityOf = (row: any): number => tagOf(row) % 6
export const partOf = (row: any): string => `p${tagOf(row) % 3}`

const folds = () => ({
  n: count(),
  sum: sum(numberOf),
  max: max(numberOf),
  tags: collect(tagOf, { max: 1000 }),
  trail: custom({
    name: 'trail',
    ordered: true,
    init: () => '',
    add: (acc: string, row: any) => `${acc}>${tagOf(row)}`,
    result: (acc: string) => acc,
  }),
  fussy: custom({
    name: 'fussy',
    init: () => ({ n: 0 }),
    add: (acc: { n: number }, row: any) => {
      acc.n++
      if (isFussy(numberOf(row))) throw new Error('a fold throws half-way')
      return acc
    },
    merge: (a: { n: number }, b: { n: number }) => ({ n: a.n + b.n }),
    result: (acc: { n: number }) => acc.n,
  }),
})

/** The operator, made by the library. */
export function rowOperator(keyed: any, name: string, spec: RowsSpec): any {
  const every = { every: spec.everyMs }
  const ttl = spec.ttlMs > 0 ? { ttl: spec.ttlMs } : {}
  const { timeMs, rows } = spec
  switch (spec.kind) {
    case 'first':
    case 'last': {
      const by = spec.hasPart ? { by: partOf } : {}
      return keyed.deduplicate(name, { keep: spec.kind, within: timeMs, ...by, ...every }).map((row: any) => shape(row))
    }
    case 'ever':
      return keyed.deduplicate(name, { keep: 'first', within: 'forever', ...every }).map((row: any) => shape(row))
    case 'lag':
      return keyed.lag(name, { offset: rows, ...ttl, ...every }, near)
    case 'lead':
      return keyed.lead(name, { offset: rows, timeout: timeMs, ...every }, near)
    case 'topN':
      return keyed
        .topN(name, { n: rows, by: scoreOf, ...(spec.hasPart && { identity: identityOf }), ...ttl, ...every })
        .map(({ rank, row }: any) => shape(row, { rank }))
    case 'rank':
      return keyed
        .rank(name, { n: rows, by: scoreOf, order: 'lowest', ...ttl, ...every })
        .map(({ rank, row }: any) => shape(row, { rank }))
    case 'count':
      return keyed
        .countWindow(rows, { ...(timeMs > 0 && { timeout: timeMs }), ...every })
        .aggregate(name, folds())
        .map(({ value, window, count }: any) => summed(value, { span: window, count }))
    case 'slide':
      return keyed
        .countWindow(rows, { slide: spec.slide, ...(spec.slide !== rows && ttl), ...every })
        .aggregate(name, folds())
        .map(({ value, window, count }: any) => summed(value, { span: window, count }))
    case 'over':
      return keyed.over(name, { rows, ...ttl, ...every }, folds(), (row: any, value: any) =>
        summed(value, { of: tagOf(row) }),
      )
    case 'range':
      return keyed.over(
        name,
        { range: timeMs, ...(spec.hasPart && { rows }), ...every },
        folds(),
        (row: any, value: any) => summed(value, { of: tagOf(row) }),
      )
  }
}

interface Given {
  readonly row: any
  readonly timestamp: number
  /** When it was given: its slice is the one that holds this time. */
  readonly time: number
}

/** All that the operator gives for a key, whose rows are in order. `sorted` puts rows in the order of their origin. */
export function plainRows(
  spec: RowsSpec,
  all: readonly PlainRow[],
  sorted: (rows: readonly PlainRow[]) => PlainRow[],
): { given: Given[]; refused: { split: string; position: string; payload: unknown; time: number }[]; last: number } {
  const canThrow = ['topN', 'rank', 'count', 'slide', 'over', 'range'].includes(spec.kind)
  const isRefused = ({ value }: PlainRow): boolean => canThrow && isFussy(numberOf(value))
  const refused = all.filter(isRefused).map((row) => ({ ...row.place, payload: row.value as unknown, time: row.turn }))
  const given = gives(
    spec,
    all.filter((row) => !isRefused(row)),
    (rows) => {
      const numbers = rows.map(({ value }) => numberOf(value))
      return {
        n: rows.length,
        sum: numbers.reduce((a, b) => a + b, 0),
        max: Math.max(...numbers),
        tags: sorted(rows).map(({ value }) => tagOf(value)),
        trail: rows.map(({ value }) => `>${tagOf(value)}`).join(''),
        fussy: rows.length,
      }
    },
  )
  const times = [...all.map(({ turn }) => turn), ...given.map(({ time }) => time)]
  return { given, refused, last: Math.max(...times) }
}

const at = (row: PlainRow, value: any): Given => ({ row: value, timestamp: row.timestamp, time: row.turn })
const then = (time: number, value: any): Given => ({ row: value, timestamp: time, time })

/** The rows up to one, as far back as no gap was too long. */
function since(rows: readonly PlainRow[], i: number, ttlMs: number): readonly PlainRow[] {
  let from = i
  while (from > 0 && (ttlMs === 0 || rows[from]!.turn < rows[from - 1]!.turn + ttlMs)) from--
  return rows.slice(from, i + 1)
}

function gives(spec: RowsSpec, rows: readonly PlainRow[], fold: (rows: readonly PlainRow[]) => any): Given[] {
  const { timeMs, slide } = spec
  const n = spec.rows
  // Windows that do not overlap have no ttl.
  const ttlMs = spec.kind === 'slide' && slide === n ? 0 : spec.ttlMs
  const history = rows.map((_, i) => since(rows, i, ttlMs))
  switch (spec.kind) {
    case 'ever':
      return rows.slice(0, 1).map((row) => at(row, shape(row.value)))
    case 'first': {
      const kept: PlainRow[] = []
      for (const row of rows) if (kept.length === 0 || row.turn - kept.at(-1)!.turn >= timeMs) kept.push(row)
      return kept.map((row) => at(row, shape(row.value)))
    }
    case 'last': {
      // Runs of rows, each less than `timeMs` after the one before that was not older than the newest.
      const out: Given[] = []
      let newest: PlainRow | undefined
      const end = (): number => newest!.turn + timeMs - 1
      for (const row of rows) {
        if (newest !== undefined && row.turn > end()) {
          out.push(then(end(), shape(newest.value)))
          newest = undefined
        }
        if (newest === undefined || row.timestamp >= newest.timestamp) newest = row
      }
      if (newest !== undefined) out.push(then(end(), shape(newest.value)))
      return out
    }
    case 'lag':
      return rows.map((row, i) => at(row, near(row.value, history[i]!.at(-1 - n)?.value ?? null)))
    case 'lead': {
      const waits = rows.map((row, i) => {
        const next = rows[i + n]
        const until = row.turn + timeMs - 1
        return next !== undefined && next.turn <= until
          ? { isTimer: 0, ...at(next, near(row.value, next.value)) }
          : { isTimer: 1, ...then(until, near(row.value, null)) }
      })
      return waits.sort((a, b) => a.time - b.time || a.isTimer - b.isTimer)
    }
    case 'topN':
      return rows.flatMap((row, i) => {
        const after = best(spec, history[i]!)
        const before = best(spec, history[i]!.slice(0, -1))
        return after.flatMap((one, rank) =>
          one === before[rank] ? [] : [at(row, shape(one.value, { rank: rank + 1 }))],
        )
      })
    case 'rank':
      return rows.map((row, i) => {
        const better = history[i]!.filter((one) => order(one, row) < 0).length
        return at(row, shape(row.value, { rank: better < n ? better + 1 : null }))
      })
    case 'count': {
      const out: Given[] = []
      let open: PlainRow[] = []
      const end = (): number => (timeMs > 0 && open.length > 0 ? open[0]!.turn + timeMs - 1 : Number.POSITIVE_INFINITY)
      for (const row of rows) {
        if (row.turn > end()) {
          out.push(then(end(), counted(open, fold)))
          open = []
        }
        open.push(row)
        if (open.length < n) continue
        out.push(at(row, counted(open, fold)))
        open = []
      }
      if (end() < Number.POSITIVE_INFINITY) out.push(then(end(), counted(open, fold)))
      return out
    }
    case 'slide':
      return rows.flatMap((row, i) =>
        history[i]!.length % slide === 0 ? [at(row, counted(history[i]!.slice(-n), fold))] : [],
      )
    case 'over':
      return rows.map((row, i) => at(row, summed(fold(history[i]!.slice(-n)), { of: tagOf(row.value) })))
    case 'range':
      return rows.map((row, i) => {
        const near = rows.slice(0, i + 1).filter(({ turn }) => turn >= row.turn - timeMs)
        return at(row, summed(fold(spec.hasPart ? near.slice(-n) : near), { of: tagOf(row.value) }))
      })
  }
}

function counted(rows: readonly PlainRow[], fold: (rows: readonly PlainRow[]) => any): any {
  const times = rows.map(({ timestamp }) => timestamp)
  return summed(fold(rows), { span: { first: Math.min(...times), last: Math.max(...times) }, count: rows.length })
}

/** Below 0 if the first has the lower score. A number counts as a tuple of one, which comes before longer ones. */
function order(a: PlainRow, b: PlainRow): number {
  const [[v, w = -1], [x, y = -1]] = [a, b].map(({ value }) => [scoreOf(value)].flat()) as [number[], number[]]
  return v! - x! || w - y
}

/** The n rows with the highest scores; of equal ones, the first to come. Of an identity, the best alone. */
function best(spec: RowsSpec, rows: readonly PlainRow[]): PlainRow[] {
  const inOrder = rows
    .map((row, i) => ({ row, i }))
    .sort((a, b) => order(b.row, a.row) || a.i - b.i)
    .map(({ row }) => row)
  const known = new Set<number>()
  const counting = inOrder.filter(({ value }) => {
    const isKnown = spec.hasPart && known.has(identityOf(value))
    known.add(identityOf(value))
    return !isKnown
  })
  return counting.slice(0, spec.rows)
}
