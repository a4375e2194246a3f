import type { AggregateMap } from '../../aggregate/index.js'
import { Folds } from '../folds.js'
import { type Held, held } from './held.js'
import type { RowOperator } from './logic.js'

/** One row: its folds, as stored, decoded, or both. */
interface Entry {
  readonly time: number
  json: unknown[] | undefined
  accs: readonly any[] | undefined
}

/**
 * The last rows of a key, and the folds over them. Rows are added at the end and leave at the front, so the folds over
 * the older part are kept for each of its ends, and those over the newer part once. A row costs two merges on average,
 * however many rows there are.
 */
class Moving {
  readonly entries: Entry[]
  private readonly folds: Folds
  /** The folds from each entry to the end of the older part; the last entry first. */
  private older: (readonly any[])[] = []
  private newer: readonly any[] | undefined
  private isMerged: boolean

  constructor(folds: Folds, entries: Entry[]) {
    this.folds = folds
    this.entries = entries
    this.isMerged = entries.length === 0
  }

  add(entry: Entry): void {
    this.entries.push(entry)
    if (!this.isMerged) return
    this.newer = this.newer === undefined ? entry.accs! : this.folds.merge(this.newer, entry.accs!)
  }

  /** Removes the first rows. */
  drop(count: number): void {
    if (count === 0) return
    this.entries.splice(0, count)
    if (count > this.older.length) this.isMerged = false
    else this.older.length -= count
  }

  result(): Record<string, unknown> {
    if (!this.isMerged) this.merge()
    const older = this.older.at(-1)
    const { newer, folds } = this
    return folds.value(older === undefined ? newer! : newer === undefined ? older : folds.merge(older, newer))
  }

  private merge(): void {
    const { entries, folds } = this
    this.older = []
    this.newer = undefined
    for (let i = entries.length - 1; i >= 0; i--) {
      const entry = entries[i]!
      entry.accs ??= folds.decode(entry.json!)
      const after = this.older.at(-1)
      this.older.push(after === undefined ? entry.accs : folds.merge(entry.accs, after))
    }
    this.isMerged = true
  }
}

/** Gives each row with the folds over the last rows of its key: at most so many, or of so much event time. */
export function moving(
  map: AggregateMap<any, any>,
  rows: number | undefined,
  rangeMs: number | undefined,
  ttlMs: number | undefined,
): RowOperator<Held<Moving>> {
  const folds = new Folds(map)
  const hasTimes = rangeMs !== undefined
  const state = held<Moving>({
    decode: (json: any[][]) =>
      new Moving(
        folds,
        json.map((part) => {
          const [time, ...accs] = hasTimes ? part : [0, ...part]
          return { time, json: accs, accs: undefined }
        }),
      ),
    encode: ({ entries }) =>
      entries.map((entry) => {
        entry.json ??= folds.encode(entry.accs!)
        return hasTimes ? [entry.time, ...entry.json] : entry.json
      }),
    isOfFolds: true,
  })
  return {
    state,
    // A row that is exactly as old as the range still belongs to it.
    ttlMs: rangeMs === undefined ? ttlMs : rangeMs + 1,
    advice: rangeMs === undefined ? 'Use fewer rows, or smaller folds.' : 'Use a shorter range, or a limit of rows.',
    handlers: {
      onRow({ state: { kept }, now }, row) {
        const last = kept.get() ?? new Moving(folds, [])
        last.add({ time: now, json: undefined, accs: folds.added(undefined, row, kept.place()) })
        const { entries } = last
        let leaving = rows === undefined ? 0 : Math.max(0, entries.length - rows)
        if (rangeMs !== undefined) while (entries[leaving]!.time < now - rangeMs) leaving++
        last.drop(leaving)
        kept.set(last)
        return [{ row, value: last.result() }]
      },
    },
  }
}
