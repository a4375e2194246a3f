import fc from 'fast-check'
import { it } from 'vitest'
import { draws } from '../draws.js'

/**
 * Runs of each property, and where they begin. The seed is fixed, so that a run is the same every time; a failure
 * prints its seed and its path, and `FUZZ_SEED=… FUZZ_RUNS=… npx vitest run test/fuzz` repeats it.
 */
const RUNS = Number(process.env.FUZZ_RUNS ?? 0)
const SEED = Number(process.env.FUZZ_SEED ?? 20_261_121)

/**
 * A test that a property holds: `usual` runs of it where LONG=1, a fifth of them where not, or as many as FUZZ_RUNS
 * says.
 */
export function holds(name: string, usual: number, property: fc.IRawProperty<any, boolean>): void {
  const numRuns = RUNS > 0 ? RUNS : draws(Math.ceil(usual / 5), usual)
  it(name, async () => {
    await fc.assert(property as fc.IAsyncProperty<any>, { numRuns, seed: SEED })
  })
}

/**
 * Text of the characters that encodings trip over: their own marks, NUL, what UTF-8 cannot hold, and what replaces it.
 */
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
