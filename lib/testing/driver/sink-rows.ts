import { rowJson } from '../../base/index.js'
import type { Sink, SinkRow } from '../../ports/index.js'

/** A row that a sink received. */
export interface DriverRow {
  /** Unique in its sink. A delete has the id of the row that it deletes, followed by `|-`. */
  readonly id: string
  readonly op: '+' | '-'
  readonly value: unknown
  /** The value as JSON, as it was when the sink received it. */
  readonly text: string
}

/** The id of a result: operator, key, window and pane, followed by what later steps appended. */
const RESULT_ID = /^([^|]*)\|(.*)\|(-?\d+)-(-?\d+)\|(\d+)(.*)$/s

/** What a row's id says, if the row is a result of an operator or was made from one. */
export interface ResultPlace {
  readonly operator: string
  /** The key, as encoded text. */
  readonly key: string
  readonly window: { readonly start: number; readonly end: number }
  readonly pane: number
}

export function placeOf(id: string): ResultPlace | undefined {
  const [, operator, key, start, end, pane] = RESULT_ID.exec(id) ?? []
  if (operator === undefined) return undefined
  return { operator, key: key!, window: { start: Number(start), end: Number(end) }, pane: Number(pane) }
}

/**
 * The rows in an order that does not depend on hashes of keys: first the rows of records, then results by the end of
 * their window, then by key. `isStable` keeps rows of records in the order in which they were written.
 */
export function arranged(rows: readonly DriverRow[], isStable: boolean): DriverRow[] {
  const placed = rows.map((row) => ({ row, place: placeOf(row.id) }))
  placed.sort((a, b) => {
    if (a.place === undefined || b.place === undefined) {
      if (a.place !== undefined || b.place !== undefined) return a.place === undefined ? -1 : 1
      return isStable ? 0 : compare(a.row.id, b.row.id)
    }
    const [of, to] = [a.place, b.place]
    return (
      of.window.end - to.window.end ||
      of.window.start - to.window.start ||
      compare(of.operator, to.operator) ||
      byKey(of.key, to.key) ||
      of.pane - to.pane ||
      compare(b.row.op, a.row.op) ||
      compare(a.row.id, b.row.id)
    )
  })
  return placed.map(({ row }) => row)
}

/** The order of encoded keys: numbers by value, everything else by text. */
export function byKey(a: string, b: string): number {
  const difference = Number(a) - Number(b)
  return Number.isNaN(difference) ? compare(a, b) : difference
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** The rows of all sinks of a run, in order. */
export class SinkRows {
  private readonly settled = new Map<string, DriverRow[]>()
  private readonly fresh = new Map<string, DriverRow[]>()
  private readonly known = new Set<string>()
  private readonly written: (sink: string, rows: readonly SinkRow[]) => void

  /** `written` is called with the rows of every write. */
  constructor(written: (sink: string, rows: readonly SinkRow[]) => void = () => undefined) {
    this.written = written
  }

  /** A sink that keeps its rows here. */
  open(name: string): Sink {
    return {
      write: async (batches) => {
        for (const { rows } of batches) {
          this.written(name, rows)
          for (const row of rows) this.add(name, row)
        }
      },
      close: async () => undefined,
    }
  }

  /** Arranges the rows that were written since the last call. A command's rows always follow the previous command's. */
  settle(): void {
    for (const [name, rows] of this.fresh) {
      const before = this.settled.get(name)
      const after = arranged(rows, true)
      if (before === undefined) this.settled.set(name, after)
      else before.push(...after)
    }
    this.fresh.clear()
  }

  of(name: string): readonly DriverRow[] {
    return this.settled.get(name) ?? []
  }

  private add(name: string, { id, op, value }: SinkRow): void {
    const place = `${name} ${id} ${op ?? ''}`
    if (this.known.has(place)) return
    this.known.add(place)
    const rows = this.fresh.get(name) ?? []
    this.fresh.set(name, rows)
    // What the pipeline changes later must not change what the sink was given.
    rows.push({ id, op: op ?? '+', value: copied(value), text: rowJson(value) })
  }
}

function copied(value: unknown): unknown {
  try {
    return structuredClone(value)
  } catch {
    return value
  }
}
