import { draws } from '../draws.js'
import type { Variant } from './variants.js'

/** Fewer flights than this have no late rows, or none that expire, in some variant. */
const ROWS_MIN = 5_000
/** More than this only take longer. */
const ROWS_MAX = 7_500

/**
 * A variant as this run asks it: in the short form of the first quarter of its flights, or of as many as show all that
 * there is.
 */
export function drawn(variant: Variant, rowsMax = ROWS_MAX): Variant {
  const quarter = Math.min(rowsMax, Math.max(ROWS_MIN, Math.ceil(variant.rows / 4)))
  return { ...variant, rows: draws(Math.min(variant.rows, quarter), variant.rows) }
}
