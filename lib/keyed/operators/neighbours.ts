import { frozen } from '../json-value.js'
import { type Held, held } from './held.js'
import type { RowOperator } from './logic.js'

/** Gives each row with the one `offset` rows before it. */
export function lagging(offset: number, ttlMs: number | undefined): RowOperator<Held<unknown[]>> {
  return {
    state: held<unknown[]>({ decode: (rows: unknown[]) => rows.map(frozen), encode: (rows) => rows }),
    ttlMs,
    handlers: {
      onRow({ state: { kept } }, row) {
        const rows = kept.get() ?? []
        const previous = rows.length < offset ? null : rows[0]
        rows.push(row)
        if (rows.length > offset) rows.shift()
        kept.set(rows)
        return [{ row, previous }]
      },
    },
  }
}

/** A row that waits, and the last ms at which the row that it waits for may come. */
type Waiting = readonly [until: number, row: unknown]

/** Gives each row with the one `offset` rows after it, or with null when `timeoutMs` is over. */
export function leading(offset: number, timeoutMs: number): RowOperator<Held<Waiting[]>> {
  return {
    state: held<Waiting[]>({
      decode: (rows: Waiting[]) => rows.map(([until, row]) => [until, frozen(row)]),
      encode: (rows) => rows,
    }),
    handlers: {
      onRow({ state: { kept }, timers, now }, row) {
        const rows = kept.get() ?? []
        rows.push([now + timeoutMs - 1, row])
        kept.set(rows)
        const given = rows.length > offset ? rows.shift() : undefined
        if (given !== undefined || rows.length === 1) timers.set('timeout', rows[0]![0])
        return given && [{ row: given[1], next: row }]
      },
      onTimer({ state: { kept }, timers }, { time }) {
        const rows = kept.get()!
        const given: unknown[] = []
        while (rows.length > 0 && rows[0]![0] <= time) given.push({ row: rows.shift()![1], next: null })
        if (rows.length > 0) timers.set('timeout', rows[0]![0])
        else kept.clear()
        return given
      },
    },
  }
}
