import { frozen } from '../json-value.js'
import { type Held, held } from './held.js'
import type { RowOperator } from './logic.js'

/** Gives the first row of a key. It is known from then on for `withinMs`; undefined: for ever. */
export function keepFirst(withinMs: number | undefined): RowOperator<Held<1>> {
  return {
    state: held<1>({ decode: () => 1, encode: (seen) => seen }),
    // It is written once, so its ttl counts from the first row.
    ttlMs: withinMs,
    handlers: {
      onRow({ state: { kept } }, row) {
        if (kept.get() !== undefined) return []
        kept.set(1)
        return [row]
      },
    },
  }
}

/** The row that is held, with its event time. */
type Newest = [timestamp: number, row: unknown]

/** Gives the last row of a key once no newer one has come for `withinMs`. */
export function keepLast(withinMs: number): RowOperator<Held<Newest>> {
  return {
    state: held<Newest>({ decode: frozen, encode: (newest) => newest }),
    handlers: {
      onRow({ state: { kept }, timers, timestamp, now }, row) {
        const newest = kept.get()
        if (newest !== undefined && timestamp < newest[0]) return
        kept.set([timestamp, row])
        // The last ms that belongs to it: a row that comes exactly `withinMs` later is another one.
        timers.set('within', now + withinMs - 1)
      },
      onTimer({ state: { kept } }) {
        const [, row] = kept.get()!
        kept.clear()
        return [row]
      },
    },
  }
}
