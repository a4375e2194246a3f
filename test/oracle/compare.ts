import { expect } from 'vitest'
import type { Answer } from './oracle.js'

/** Rows compared as a whole: which are missing, which are too many, and of both enough to see why. */
function difference(actual: readonly string[], expected: readonly string[]) {
  const counts = new Map<string, number>()
  for (const row of expected) counts.set(row, (counts.get(row) ?? 0) + 1)
  for (const row of actual) counts.set(row, (counts.get(row) ?? 0) - 1)
  const missing = [...counts].filter(([, count]) => count > 0).map(([row]) => row)
  const surplus = [...counts].filter(([, count]) => count < 0).map(([row]) => row)
  return { missing: missing.length, surplus: surplus.length, such: [few(missing), few(surplus)] }
}

const few = (rows: string[]): string[] => rows.sort().slice(0, 5)
const NONE = { missing: 0, surplus: 0, such: [[], []] }

/** A run's results, expired rows and counters are the oracle's: all of them, each once, to the last bit. */
export function expectAnswer(actual: Answer, oracle: Answer): void {
  expect({
    counters: difference(actual.counters, oracle.counters),
    expired: difference(actual.expired, oracle.expired),
    results: difference(actual.results, oracle.results),
  }).toEqual({ counters: NONE, expired: NONE, results: NONE })
}
