/**
 * How often a suite that draws at random, or samples a long list, does so. `npm test` takes the short form, so that it
 * is over in minutes; LONG=1, as `.ci/run` has it, the long one. Either is bounded work of fixed seeds, and the same
 * every time.
 */
export const LONG = process.env.LONG === '1'

export const draws = (short: number, long: number): number => (LONG ? long : short)
