/** Bytes of a write unit. */
export const UNIT_BYTES = 1_024

/** The expected number of distinct values among `some` draws from `all` values, if all are equally likely. */
export function distinctOf(all: number, some: number): number {
  return all <= 1 ? Math.min(all, some) : all * (1 - (1 - 1 / all) ** some)
}
