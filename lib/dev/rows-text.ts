import { readFileSync } from 'node:fs'
import { numberText, table, timesText, timeText } from './text.js'

const MINUTE_MS = 60_000
/** Rows are read only from the start of a file; this is the most that is ever shown. */
const ROWS_MAX = 1_000

interface ResultFile {
  readonly name: string
  readonly file: string
  readonly rows: number
}

interface Result {
  readonly key: unknown
  readonly value: unknown
  readonly window: { readonly start: number; readonly end: number }
}

/** The first rows of a file of results: window results as a table, other rows as they are. */
export function rowsText({ name, file, rows }: ResultFile, count: number): string {
  const most = Math.min(count, ROWS_MAX)
  const lines = readFileSync(file, 'utf8')
    .split('\n', most)
    .filter((line) => line !== '')
  const of =
    lines.length < rows ? `the first ${numberText(lines.length)} of ${timesText(rows, 'row')}` : timesText(rows, 'row')
  const title = `${name}: ${of}`
  if (lines.length === 0) return title
  const parsed = lines.map((line) => JSON.parse(line) as unknown)
  return `${title}\n${parsed.every(isResult) ? resultTable(parsed) : lines.join('\n')}`
}

function isResult(row: unknown): row is Result {
  const { key, value, window } = (row ?? {}) as Partial<Result>
  return key !== undefined && typeof value === 'object' && value !== null && typeof window?.start === 'number'
}

function resultTable(rows: readonly Result[]): string {
  const fields = [...new Set(rows.flatMap(({ value }) => Object.keys(value as object)))]
  return table(
    ['key', 'from', 'to', ...fields],
    rows.map(({ key, value, window }) => [
      text(key),
      clockText(window.start),
      clockText(window.end),
      ...fields.map((field) => text((value as Record<string, unknown>)[field])),
    ]),
  )
}

const text = (value: unknown): string => (typeof value === 'string' ? value : (JSON.stringify(value) ?? '-'))
const clockText = (ms: number): string =>
  ms % MINUTE_MS === 0
    ? timeText(ms)
    : new Date(ms)
        .toISOString()
        .replace('T', ' ')
        .replace(/(\.000)?Z$/, '')
