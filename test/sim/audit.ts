import type { WindowResult } from '../../lib/index.js'
import type { Event } from './scenarios.js'
import type { Outcome } from './world.js'

type Result = WindowResult<string, { rows: number; ids: readonly number[] }>

/** The last pane of each window: what a reader of the results ends up with. */
export function finals(rows: ReadonlyMap<string, any> | undefined): Map<string, Result> {
  const last = new Map<string, Result>()
  for (const result of (rows?.values() ?? []) as Iterable<Result>) {
    if (result.op === '-') continue
    const window = `${result.key}|${result.window.start}|${result.window.end}`
    const known = last.get(window)
    if (known === undefined || known.pane.index < result.pane.index) last.set(window, result)
  }
  return last
}

/** How often each (record, window) was counted or expired: once each, or something was lost or doubled. */
export function accounts(outcome: Outcome, late = 'late'): Map<string, number> {
  const times = new Map<string, number>()
  const count = (id: number, end: number): void => {
    times.set(`${id}@${end}`, (times.get(`${id}@${end}`) ?? 0) + 1)
  }
  for (const result of finals(outcome.rows.get('out')).values())
    for (const id of result.value.ids) count(id, result.window.end)
  for (const row of (outcome.rows.get(late)?.values() ?? []) as Iterable<{ payload: Event; window: { end: number } }>)
    count(row.payload.id, row.window.end)
  return times
}

/** All windows of a record, by the definition of the window function. */
export function expected(
  logs: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>,
  windowEnds: (time: number) => number[],
): string[] {
  const all: string[] = []
  for (const splits of Object.values(logs)) {
    for (const lines of Object.values(splits)) {
      for (const line of lines) {
        const event = JSON.parse(line) as Event
        for (const end of windowEnds(event.t)) all.push(`${event.id}@${end}`)
      }
    }
  }
  return all.sort()
}

/** Window ends by hand, not by the library. */
export const windowEnds: Readonly<Record<string, (time: number) => number[]>> = {
  tumbling: (t) => [Math.floor(t / 10_000) * 10_000 + 10_000],
  retracting: (t) => [Math.floor(t / 10_000) * 10_000 + 10_000],
  hopping: (t) => [0, 1, 2].map((i) => Math.floor(t / 4000) * 4000 - i * 4000 + 12_000),
  cumulate: (t) => {
    const base = Math.floor(t / 20_000) * 20_000
    return [5000, 10_000, 15_000, 20_000].map((step) => base + step).filter((end) => end > t)
  },
  chained: (t) => [Math.floor(t / 5000) * 5000 + 5000],
}
