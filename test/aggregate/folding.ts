import fc from 'fast-check'
import type { Aggregate, Place } from '../../lib/aggregate/index.js'
import { RecordRejection } from '../../lib/base/index.js'
import { draws } from '../draws.js'

/** A row of a test: its value and where it came from. No two rows have one place. */
export interface Placed<V> extends Place {
  readonly value: V
}

/** A way to fold: which batch each row goes to, whether batches are stored between, and which pairs are merged. */
export interface Cut {
  readonly batches: readonly number[]
  readonly merges: readonly number[]
}

export function placed<V>(values: fc.Arbitrary<V>, maxLength = 12): fc.Arbitrary<Placed<V>[]> {
  const row = fc.record({
    value: values,
    timestamp: fc.integer({ min: -3, max: 3 }),
    split: fc.constantFrom('a', 'b'),
    watermark: fc.integer({ min: -3, max: 5 }),
  })
  return fc.array(row, { maxLength }).map((rows) =>
    rows.map(({ value, timestamp, split, watermark }, index) => ({
      value,
      timestamp,
      split,
      turn: Math.max(timestamp, watermark),
      position: String(index).padStart(4, '0'),
    })),
  )
}

export const cuts: fc.Arbitrary<Cut> = fc.record({
  batches: fc.array(fc.nat({ max: 4 }), { minLength: 12, maxLength: 12 }),
  merges: fc.array(fc.nat(), { minLength: 12, maxLength: 12 }),
})

/** The accumulator as another process reads it. */
export function stored<A>(aggregate: Aggregate<any, any, any, A>, acc: A): A {
  return aggregate.decode(JSON.parse(JSON.stringify(aggregate.encode(acc))))
}

/** Folds rows as one batch does. */
export function fold<A>(aggregate: Aggregate<any, any, any, A>, rows: readonly Placed<any>[], weight: 1 | -1 = 1): A {
  let acc = aggregate.create()
  for (const row of rows) {
    const input = aggregate.read(row)
    if (input !== undefined) acc = aggregate.add(acc, input, weight, row)
  }
  return acc
}

/** Merges accumulators pair by pair, the way `merges` says, and stores what is between. */
export function join<A>(aggregate: Aggregate<any, any, any, A>, accs: A[], merges: readonly number[]): A {
  const left = [...accs]
  for (const number of merges) {
    if (left.length < 2) break
    const [a] = left.splice(number % left.length, 1)
    const at = (number >> 4) % left.length
    const merged = number & 1 ? merge(aggregate, a!, left[at]!) : merge(aggregate, left[at]!, a!)
    left[at] = number & 2 ? stored(aggregate, merged) : merged
  }
  return left.reduce((a, b) => merge(aggregate, a, b))
}

/** Merges two accumulators, which must stay as they are: warm containers keep them. */
function merge<A>(aggregate: Aggregate<any, any, any, A>, a: A, b: A): A {
  const before = JSON.stringify([aggregate.encode(a), aggregate.encode(b)])
  const merged = aggregate.merge(a, b)
  if (JSON.stringify([aggregate.encode(a), aggregate.encode(b)]) !== before) throw new Error('merge changed its input')
  return merged
}

/** Folds rows cut into batches, each stored as JSON, and merged in some order. */
export function foldCut<R>(aggregate: Aggregate<any, R>, rows: readonly Placed<any>[], { batches, merges }: Cut): R {
  const accs = [0, 1, 2, 3, 4].map((batch) => {
    const mine = rows.filter((_, index) => batches[index % batches.length] === batch)
    return stored(aggregate, fold(aggregate, mine))
  })
  return aggregate.result(join(aggregate, accs, merges))
}

/** Instead of a result that is refused, or of a read. */
export const REFUSED = 'bad-value'

export function outcome<R>(run: () => R): R | typeof REFUSED {
  try {
    return run()
  } catch (thrown) {
    if (thrown instanceof RecordRejection && thrown.code === REFUSED) return REFUSED
    throw thrown
  }
}

/**
 * Invariant 13 for one aggregate: however it is cut and merged, the result is what the oracle says, to the last bit.
 * The short form takes a third of the runs.
 */
export function matchesOracle<V, R>(
  aggregate: Aggregate<Placed<V>, any>,
  values: fc.Arbitrary<V>,
  oracle: (rows: readonly Placed<V>[]) => R | typeof REFUSED,
  numRuns = 200,
  form: (result: any) => unknown = (result) => result,
): void {
  const property = fc.property(placed(values), cuts, (rows, cut) => {
    const wanted = oracle(rows)
    const whole = outcome(() => form(aggregate.result(fold(aggregate, rows))))
    const cutResult = outcome(() => form(foldCut(aggregate, rows, cut)))
    if (!same(whole, wanted)) throw new Error(`folded at once: ${text(whole)}, not ${text(wanted)}`)
    if (!same(cutResult, wanted)) throw new Error(`cut: ${text(cutResult)}, not ${text(wanted)}`)
  })
  fc.assert(property, { numRuns: draws(Math.ceil(numRuns / 3), numRuns) })
}

const text = (value: unknown): string =>
  Object.is(value, -0) ? '-0' : typeof value === 'number' ? String(value) : JSON.stringify(value)

function same(a: unknown, b: unknown): boolean {
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((value, i) => same(value, b[i]))
  return Object.is(a, b)
}
