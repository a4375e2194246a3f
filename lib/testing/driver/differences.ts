import { windowText } from '../explain/text.js'
import { type DriverRow, placeOf } from './sink-rows.js'
import type { FinalRows } from './ways.js'

/** A row that two runs do not have in common. */
export interface RowDifference {
  readonly sink: string
  readonly id: string
  /** The key and the window, if the row is a result of an operator or was made from one. The key is encoded text. */
  readonly key?: string
  readonly window?: { readonly start: number; readonly end: number }
  /** The row as JSON in the plain run, and in the other run; undefined if the run has no such row. */
  readonly plain: string | undefined
  readonly other: string | undefined
}

const SHOWN = 5
const CHARS = 300

/** The rows in which two runs differ, by sink and in the order of the sinks' rows. */
export function differences(plain: FinalRows, other: FinalRows): RowDifference[] {
  const found: RowDifference[] = []
  for (const sink of new Set([...plain.keys(), ...other.keys()])) {
    const mine = byId(plain.get(sink))
    const theirs = byId(other.get(sink))
    for (const id of new Set([...mine.keys(), ...theirs.keys()])) {
      const [before, after] = [mine.get(id), theirs.get(id)]
      if (before === after) continue
      const place = placeOf(id)
      found.push({
        sink,
        id,
        ...(place && { key: place.key, window: place.window }),
        plain: before,
        other: after,
      })
    }
  }
  return found
}

function byId(rows: readonly DriverRow[] = []): Map<string, string> {
  return new Map(rows.map(({ id, op, text }) => [id, op === '-' ? `a delete of ${text}` : text]))
}

/** Differences in words; `other` is the name of the other run. */
export function differencesText(list: readonly RowDifference[], other: string): string {
  const width = Math.max('plain run'.length, other.length)
  const lines = list
    .slice(0, SHOWN)
    .flatMap(({ sink, id, key, window, plain, other: after }) => [
      `sink "${sink}", ${key === undefined || window === undefined ? `row ${id}` : `key ${key}, window ${windowText(window)}`}`,
      `  ${'plain run'.padEnd(width)}  ${shown(plain)}`,
      `  ${other.padEnd(width)}  ${shown(after)}`,
    ])
  if (list.length > SHOWN) lines.push(`and ${list.length - SHOWN} more differences`)
  return lines.join('\n')
}

function shown(text: string | undefined): string {
  if (text === undefined) return 'no such row'
  return text.length > CHARS ? `${text.slice(0, CHARS)}…` : text
}
