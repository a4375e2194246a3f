import { type Aggregate, comparePlaces, type Place } from '../aggregate/aggregate.js'
import { checkJson } from './json-value.js'
import type { KeyedRow } from './logic.js'

/** The number of array elements of a row, as ingest collects it: position, timestamp, delay of its turn, value. */
const STRIDE = 4

/**
 * Collects the rows of a key in a slice, for operators that process rows one by one. In a segment they are one flat
 * array. The split is that of the segment, so it is given to `decode`.
 */
export const keyedRows: Aggregate<any, readonly KeyedRow[], unknown, any[], any> = Object.freeze({
  kind: 'rows',
  options: {},
  invertible: true,
  ordered: true,
  fragile: false,
  read(row: unknown) {
    const value = row === undefined ? null : row
    checkJson(value, 'A row')
    return value
  },
  create: () => [],
  add(acc: any[], value: unknown, _: 1 | -1, place: Place) {
    const { position, timestamp, turn } = place
    acc.push(position, timestamp, turn - timestamp, value)
    return acc
  },
  merge: (a: any[], b: any[]) => a.concat(b),
  result: (rows: KeyedRow[]) => rows,
  encode: (acc: any[]) => acc,
  decode(json: readonly any[], split = ''): KeyedRow[] {
    const rows: KeyedRow[] = []
    for (let at = 0; at < json.length; at += STRIDE) {
      const timestamp: number = json[at + 1]
      rows.push({ value: json[at + 3], turn: timestamp + json[at + 2], timestamp, split, position: json[at] })
    }
    return rows
  },
})

/** The rows in their order. Rows of one record have the same place, and keep the order in which the steps gave them. */
export function inTurn(rows: readonly KeyedRow[]): readonly KeyedRow[] {
  for (let i = 1; i < rows.length; i++)
    if (comparePlaces(rows[i - 1]!, rows[i]!) > 0) return [...rows].sort(comparePlaces)
  return rows
}
