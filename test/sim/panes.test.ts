import { describe, expect, it } from 'vitest'
import {
  type Accumulation,
  collect,
  cumulate,
  fileSource,
  hopping,
  ndjson,
  outOfOrder,
  type Pipeline,
  pipeline,
  tumbling,
} from '../../lib/index.js'
import { fileDecoder } from '../../lib/sources/file/decoder.js'
import type { Event } from './scenarios.js'
import { random, simulate } from './world.js'

/** Random windows over random logs; the oracle below shares no code with the library. SIM_SEEDS runs more. */
const SEEDS = Number(process.env.SIM_SEEDS ?? 120) * 3
const decoder = fileDecoder()

interface Case {
  readonly kind: 'tumbling' | 'hopping' | 'cumulate'
  readonly size: number
  readonly step: number
  readonly lateness: number
  readonly bound: number
  readonly accumulation: Accumulation
  readonly keyGroups: number
  readonly logs: Record<string, Event[]>
}

/** All times in whole seconds. */
function caseOf(seed: number): Case {
  const R = random(seed)
  const pick = (n: number): number => Math.floor(R() * n)
  const [kind, size, step] = (
    [
      ['tumbling', 10, 10],
      ['hopping', 12, 4],
      ['hopping', 10, 4],
      ['hopping', 6, 9],
      ['cumulate', 20, 5],
      ['tumbling', 4, 4],
    ] as const
  )[pick(6)]!
  let id = 0
  const log = (): Event[] => {
    let t = pick(10)
    return Array.from({ length: 14 }, () => {
      t += pick(6)
      return { id: id++, t: t - pick(22), k: `k${pick(2)}` }
    })
  }
  return {
    kind,
    size,
    step,
    lateness: [0, 0, 3, 7, 15, 25][pick(6)]!,
    bound: pick(4),
    accumulation: (['accumulating', 'discarding', 'retracting'] as const)[pick(3)]!,
    keyGroups: 1 + pick(3),
    logs: { p0: log(), p1: log(), p2: log() },
  }
}

function pipelineOf(c: Case): Pipeline {
  const window =
    c.kind === 'tumbling'
      ? tumbling(`${c.size}s`)
      : c.kind === 'hopping'
        ? hopping(`${c.size}s`, `${c.step}s`)
        : cumulate(`${c.size}s`, `${c.step}s`)
  const source = {
    ...fileSource('events', { timestamp: (e: Event) => e.t * 1000, watermark: outOfOrder(c.bound * 1000) }),
    open: async () => decoder,
  }
  return pipeline('panes', { keyGroups: c.keyGroups, deadLetter: ndjson('dead'), minAdvance: 0 }, (p) =>
    p
      .from(source)
      .keyBy((e) => e.k)
      .window(window, { allowedLateness: c.lateness * 1000, accumulation: c.accumulation, late: ndjson('late') })
      .aggregate('w', { ids: collect((e: Event) => e.id, { max: 1000 }) })
      .to(ndjson('out')),
  )
}

const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b))

/** The slice's width: the grid, or the largest round divisor of it that allowed lateness leaves (design, section 1). */
function widthOf({ kind, size, step, lateness }: Case): number {
  const grid = kind === 'hopping' ? gcd(size, step) : step
  return lateness === 0 || lateness >= grid
    ? grid
    : [10, 5, 2, 1].find((width) => width <= lateness && grid % width === 0)!
}

function windowsOf({ kind, size, step }: Case, t: number): [number, number][] {
  if (kind === 'cumulate') {
    const base = Math.floor(t / size) * size
    return Array.from({ length: size / step }, (_, i): [number, number] => [base, base + (i + 1) * step]).filter(
      ([, end]) => end > t,
    )
  }
  const windows: [number, number][] = []
  for (let start = Math.floor(t / step) * step; start > t - size; start -= step) windows.unshift([start, start + size])
  return windows
}

/** For each (key, window): the slices in which its panes close, and what comes with each; and the expired rows. */
function oracle(c: Case): { panes: string[]; expired: string[] } {
  const width = widthOf(c)
  const sliceEnd = (t: number): number => (Math.floor(t / width) + 1) * width
  const byWindow = new Map<string, Map<number, Event[]>>()
  const expired: string[] = []
  for (const log of Object.values(c.logs)) {
    let own = Number.NEGATIVE_INFINITY
    for (const event of log) {
      for (const [start, end] of windowsOf(c, event.t)) {
        if (end + c.lateness <= own) {
          expired.push(`${event.id}@${start}-${end}`)
          continue
        }
        const name = `${event.k}|${start}|${end}`
        const closing = end > own ? end : sliceEnd(own)
        const panes = byWindow.get(name) ?? new Map<number, Event[]>()
        byWindow.set(name, panes)
        panes.set(closing, [...(panes.get(closing) ?? []), event])
      }
      own = Math.max(own, event.t - c.bound)
    }
  }
  const panes: string[] = []
  for (const [name, closings] of byWindow) {
    const end = Number(name.split('|')[2])
    let before: Event[] = []
    for (const [index, [closing, own]] of [...closings].sort((a, b) => a[0] - b[0]).entries()) {
      const all = [...before, ...own]
      const last = closing >= sliceEnd(end + c.lateness - 1)
      const row = (op: string, events: Event[]) =>
        [name, index, closing === end ? 'on-time' : 'late', index === 0, last, op, idsOf(events)].join(';')
      if (c.accumulation === 'retracting' && index > 0) panes.push(row('-', before))
      panes.push(row(c.accumulation === 'retracting' ? '+' : '', c.accumulation === 'discarding' ? own : all))
      before = all
    }
  }
  return { panes: panes.sort(), expired: expired.sort() }
}

const idsOf = (events: readonly Event[]): string =>
  events
    .map((event) => event.id)
    .sort((a, b) => a - b)
    .join()

describe('laws 1, 7, 8: panes of windows of folds', () => {
  it(`equal the oracle's for ${SEEDS} random windows, latenesses, accumulations and key groups`, {
    timeout: 120_000,
  }, async () => {
    let late = 0
    for (let seed = 1; seed <= SEEDS; seed++) {
      const c = caseOf(seed)
      const logs = {
        events: Object.fromEntries(
          Object.entries(c.logs).map(([split, events]) => [split, events.map((event) => JSON.stringify(event))]),
        ),
      }
      const outcome = await simulate(pipelineOf(c), { seed, logs, crash: 0, redeliver: 0, stray: 0 })
      expect(outcome.finished && outcome.errors.length === 0, `seed ${seed}`).toBe(true)
      const panes = [...(outcome.rows.get('out')?.values() ?? [])].map(({ key, window, pane, op, value }) =>
        [
          `${key}|${window.start / 1000}|${window.end / 1000}`,
          pane.index,
          pane.timing,
          pane.first,
          pane.last,
          op ?? '',
          [...value.ids].sort((a, b) => a - b).join(),
        ].join(';'),
      )
      const expired = [...(outcome.rows.get('late')?.values() ?? [])].map(
        (row) => `${row.payload.id}@${row.window.start / 1000}-${row.window.end / 1000}`,
      )
      const truth = oracle(c)
      expect(panes.sort(), `seed ${seed} ${JSON.stringify({ ...c, logs: undefined })}`).toEqual(truth.panes)
      expect(expired.sort(), `seed ${seed}`).toEqual(truth.expired)
      late += panes.filter((pane) => pane.includes(';late;')).length
    }
    expect(late, 'late panes occur, or this tests little').toBeGreaterThan(SEEDS / 4)
  })
})
