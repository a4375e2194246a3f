import { encodeKey, glimpse, type Key, RecordRejection, settled } from '../../base/index.js'
import { frozen } from '../json-value.js'
import { type Held, held } from './held.js'
import type { RowOperator } from './logic.js'

export type Score = number | string | readonly (number | string)[]

export interface Ranking {
  readonly n: number
  readonly by: (row: any) => Score
  /** 1: the lowest is the best; -1: the highest. */
  readonly sign: 1 | -1
  readonly ttlMs: number | undefined
}

/** One of the best rows, and the text of its identity. */
type Best = readonly [score: Score, row: unknown, identity?: string]

/** Keeps the best n rows of a key, and gives every rank that a row changes. */
export function topRows(
  { n, by, sign, ttlMs }: Ranking,
  identity: ((row: any) => Key) | undefined,
): RowOperator<Held<Best[]>> {
  return {
    state: held<Best[]>({ decode: frozenParts, encode: (best) => best }),
    ttlMs,
    advice: 'Use a smaller n, or smaller rows.',
    handlers: {
      onRow({ key, state: { kept } }, row) {
        const score = scoreOf(by, row)
        const of = identity && encodeKey(settled('identity', identity(row)))
        const best = kept.get() ?? []
        // Without a ttl, a row that changes nothing costs no write.
        if (ttlMs !== undefined) kept.touch()
        const at = place(best, score, sign, true, scoreOfBest)
        const own = of === undefined ? -1 : best.findIndex(([, , other]) => other === of)
        // Of one identity the best row counts, and of equals the first.
        if (at >= n || (own >= 0 && at > own)) return []
        if (own >= 0) best.splice(own, 1)
        best.splice(at, 0, of === undefined ? [score, row] : [score, row, of])
        if (best.length > n) best.pop()
        kept.set(best)
        const changed = best.slice(at, own >= 0 ? own + 1 : best.length)
        return changed.map(([, of], i) => ({ key, rank: at + i + 1, row: of }))
      },
    },
  }
}

/** Gives each row with its rank among the rows of its key so far, as far as it is one of the first n. */
export function ranked({ n, by, sign, ttlMs }: Ranking): RowOperator<Held<Score[]>> {
  return {
    state: held<Score[]>({ decode: (scores) => scores, encode: (scores) => scores }),
    ttlMs,
    advice: 'Use a smaller n.',
    handlers: {
      onRow({ state: { kept } }, row) {
        const score = scoreOf(by, row)
        const scores = kept.get() ?? []
        if (ttlMs !== undefined) kept.touch()
        const better = place(scores, score, sign, false, (one) => one)
        if (better >= n) return [{ row, rank: null }]
        scores.splice(better, 0, score)
        if (scores.length > n) scores.pop()
        kept.set(scores)
        return [{ row, rank: better + 1 }]
      },
    },
  }
}

const scoreOfBest = ([score]: Best): Score => score

function frozenParts(best: Best[]): Best[] {
  for (const [, row] of best) frozen(row)
  return best
}

/** How many of the sorted items come before a score; equal ones too, if `isAfterEqual`. */
function place<I>(
  items: readonly I[],
  score: Score,
  sign: 1 | -1,
  isAfterEqual: boolean,
  of: (item: I) => Score,
): number {
  let low = 0
  let high = items.length
  while (low < high) {
    const middle = (low + high) >> 1
    const order = compareScores(of(items[middle]!), score) * sign
    if (order < 0 || (order === 0 && isAfterEqual)) low = middle + 1
    else high = middle
  }
  return low
}

/** Numbers come before strings, and a tuple before one that it begins. */
function compareScores(a: Score, b: Score): number {
  const [as, bs] = [parts(a), parts(b)]
  for (let i = 0; i < as.length && i < bs.length; i++) {
    const order = comparePart(as[i]!, bs[i]!)
    if (order !== 0) return order
  }
  return as.length - bs.length
}

const parts = (score: Score): readonly (number | string)[] => (Array.isArray(score) ? score : [score as number])

function comparePart(a: number | string, b: number | string): number {
  if (typeof a !== typeof b) return typeof a === 'number' ? -1 : 1
  return a < b ? -1 : a > b ? 1 : 0
}

const isPart = (part: unknown): boolean => typeof part === 'string' || Number.isFinite(part)

function scoreOf(by: Ranking['by'], row: unknown): Score {
  const score: unknown = settled('by', by(row))
  const isScore = Array.isArray(score) ? score.length > 0 && Array.from(score).every(isPart) : isPart(score)
  if (isScore) return score as Score
  throw new RecordRejection(
    'bad-value',
    `by must return a finite number, a string, or a tuple of them; it returned ${Array.isArray(score) ? 'an array with other values' : glimpse(score)}.`,
  )
}
