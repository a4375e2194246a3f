import fc from 'fast-check'
import { it } from 'vitest'

/**
 * Runs of each property, and where they begin. The seed is fixed, so that a run is the same every time; a failure prints its seed and its path, and
 * `FUZZ_SEED=… FUZZ_RUNS=… npx vitest run test/fuzz` repeats it.
 */
const RUNS = Number(process.env.FUZZ_RUNS ?? 0)
const SEED = Number(process.env.FUZZ_SEED ?? 20_261_121)
const MINUTE_MS = 60_000

/** A test that a property holds: `usual` runs of it, or as many as FUZZ_RUNS says. */
export function holds(name: string, usual: number, property: fc.IRawProperty<any, boolean>): void {
  const numRuns = RUNS > 0 ? RUNS : usual
  it(name, { timeout: MINUTE_MS * Math.max(1, numRuns / usual) }, async () => {
    await fc.assert(property as fc.IAsyncProperty<any>, { numRuns, seed: SEED })
  })
}

/** Text of the characters that encodings trip over: their own marks, NUL, what UTF-8 cannot hold, and what replaces it. */
export const trickyText = (maxLength: number): fc.Arbitrary<string> =>
  fc.string({
    unit: fc.constantFrom(
      ...'#|;,:~/@"\\[]{}-+.019naé\0\n\ufffd\ufeff\uffff',
      '\ud800',
      '\udc00',
      '😀',
      '\u2028',
      '__proto__',
    ),
    maxLength,
  })
