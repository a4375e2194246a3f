import { glimpse } from '../../base/index.js'
import { type Rejected, stepLabel } from '../../pipeline/index.js'
import type { TracedResult, TracedRow, TracedStep } from '../tracing.js'
import { type RecordPosition, type TracedRecord, type Verdict, verdictOf, type WindowsOfRow } from './record-trace.js'

const TEXT_CHARS = 200
const WINDOWS_SHOWN = 4
const RESULTS_SHOWN = 50

/** A time, or that there is none yet. */
export const instant = (ms: number | undefined): string => (ms === undefined ? 'none yet' : new Date(ms).toISOString())
const cut = (text: string): string => (text.length > TEXT_CHARS ? `${text.slice(0, TEXT_CHARS)}…` : text)
const json = (value: unknown): string =>
  cut(JSON.stringify(value, (_, inner) => (typeof inner === 'bigint' ? `${inner}n` : inner)) ?? String(value))

/** A window, such as `2026-01-01 10:00 to 10:05`, with seconds if they are not 0. */
export function windowText({ start, end }: { readonly start: number; readonly end: number }): string {
  const [from, to] = [new Date(start).toISOString(), new Date(end).toISOString()]
  const time = (text: string): string =>
    text
      .slice(11, -1)
      .replace(/\.000$/, '')
      .replace(/^(\d\d:\d\d):00$/, '$1')
  const isSameDay = from.slice(0, 10) === to.slice(0, 10)
  return `${from.slice(0, 10)} ${time(from)} to ${isSameDay ? '' : `${to.slice(0, 10)} `}${time(to)}`
}

/** A traced record with its text, and the place that it came from if it came from a file. */
interface RecordToTell extends TracedRecord {
  readonly record: RecordPosition & {
    readonly text: string
    readonly place?: { readonly file: string; readonly line: number }
  }
}

/** How headings are written. */
export type Heading = (text: string) => string

/** What happened to a record, in words. */
export function recordText(explanation: RecordToTell, bold: Heading = (text) => text): string {
  const { record, outcome, watermark, values, results, rows } = explanation
  const { place } = record
  const from = place === undefined ? '' : `${place.file}:${place.line}  `
  const lines = [
    bold(`${from}${record.source} ${record.split} position ${record.position}`),
    `record     ${cut(record.text)}`,
    `outcome    ${outcomeText(explanation)}`,
    `watermark  of the split: ${instant(watermark.before)} before this record, ${instant(watermark.after)} after it`,
  ]
  for (const [i, { value, time, steps, windows }] of values.entries()) {
    if (values.length > 1) lines.push('', bold(`value ${i + 1} of ${values.length}`), `  ${json(value)}`)
    lines.push(`time       ${typeof time === 'number' || time instanceof Date ? instant(Number(time)) : glimpse(time)}`)
    if (steps.length > 0) lines.push('', bold('steps'), ...stepsText(steps, windows))
  }
  const own = rows.filter(({ row }) => !results.some(({ result }) => isRowOf(row.id, result.id)))
  if (own.length > 0)
    lines.push('', bold(outcome === 'rejected' ? 'written' : 'written for this record'), ...rowsText(own))
  if (results.length > 0) lines.push('', bold('results that contain it'), ...resultsText(results, rows))
  else if (outcome === 'counted' && values.some(({ windows }) => windows.length > 0))
    lines.push('', 'No result contains it.')
  return lines.join('\n')
}

const OUTCOMES: Readonly<Record<Exclude<Verdict, 'rejected'>, string>> = {
  'no value': 'skipped: its value is null (a tombstone), so nothing is counted',
  filtered: 'filtered: no step passed a row on to an operator or a sink',
  'passed on': 'passed on to sinks',
  counted: 'counted',
  late: 'counted',
  'partly expired': 'counted in some of its windows; the others no longer accepted rows',
  expired: 'expired: its windows no longer accepted rows when it arrived',
}

function outcomeText(traced: TracedRecord): string {
  const verdict = verdictOf(traced)
  if (verdict !== 'rejected') return OUTCOMES[verdict]
  const letter = rejectionOf(traced)
  return `rejected, ${letter?.reason ?? 'for an unknown reason'}: ${letter?.detail ?? ''}`
}

/** The dead letter of a rejected record. */
export function rejectionOf({ rows }: TracedRecord): Partial<Rejected> | undefined {
  return (
    rows.map(({ row }) => row.value as Partial<Rejected> | null).find((row) => row?.reason !== undefined) ?? undefined
  )
}

function stepsText(steps: readonly TracedStep[], windows: readonly WindowsOfRow[]): string[] {
  const left = [...windows]
  const least = Math.min(...steps.map(({ depth }) => depth))
  return steps.flatMap(({ node, depth, value, gave, threw }) => {
    const indent = '  '.repeat(depth - least + 1)
    if (threw !== undefined) return [`${indent}${name(node)}  threw: ${threw}`, `${indent}  on ${json(value)}`]
    switch (node.kind) {
      case 'filter':
        return [`${indent}${name(node)}  ${gave ? 'kept' : 'dropped'}`]
      case 'divert':
        return [`${indent}${name(node)}  ${gave ? 'to the side output' : 'passed on'}`]
      case 'flat-map': {
        const made = gave as readonly unknown[]
        return [`${indent}${name(node)}  ${made.length} row${made.length === 1 ? '' : 's'}: ${json(made)}`]
      }
      case 'aggregate': {
        const entry = left.shift()
        const into = entry === undefined ? [] : windowsText(entry).map((line) => `${indent}  ${line}`)
        return [`${indent}${node.name}  key ${json(gave)}`, ...into]
      }
      default:
        return [`${indent}${name(node)}  ${json(gave)}`]
    }
  })
}

const name = (node: TracedStep['node']): string => (node.kind === 'aggregate' ? node.name : stepLabel(node))

function windowsText({ windows }: WindowsOfRow): string[] {
  if (windows.length === 0) return ['in no window: the windows have gaps']
  const words = { open: 'counted in', late: 'counted late in', expired: 'expired, no longer accepted by' }
  return (['open', 'late', 'expired'] as const).flatMap((standing) => {
    const of = windows.filter((window) => window.standing === standing)
    if (of.length === 0) return []
    const shown = of.slice(0, WINDOWS_SHOWN).map(windowText).join('; ')
    return [`${words[standing]} ${shown}${of.length > WINDOWS_SHOWN ? `; and ${of.length - WINDOWS_SHOWN} more` : ''}`]
  })
}

/** Results, each with the rows that sinks received for it. */
export function resultsText(results: readonly TracedResult[], rows: readonly TracedRow[]): string[] {
  const more =
    results.length > RESULTS_SHOWN ? [`  and ${(results.length - RESULTS_SHOWN).toLocaleString('en-US')} more`] : []
  return results
    .slice(0, RESULTS_SHOWN)
    .flatMap(({ operator, result, steps }) => {
      const { key, window, pane, op, value } = result
      const first = pane.timing === 'on-time' ? 'on time' : 'late'
      return [
        `  ${operator}  ${json(key)}  ${windowText(window)}  pane ${pane.index}, ${first}${op === '-' ? ', retracted' : ''}`,
        `    ${json(value)}`,
        ...stepsText(steps, []).map((line) => `  ${line}`),
        ...rowsText(rows.filter(({ row }) => isRowOf(row.id, result.id))).map((line) => `  ${line}`),
      ]
    })
    .concat(more)
}

/** A delete has the id of its result, followed by `|-`. */
const isRowOf = (row: string, result: string): boolean =>
  row === result || row === `${result}|-` || row.startsWith(`${result}/`)

/** If a row is the result itself, only the sink is shown. */
function rowsText(rows: readonly TracedRow[]): string[] {
  return rows.map(({ sink, row: { id, value, op } }) => {
    if (op !== '-' && (value as { id?: unknown } | null)?.id === id) return `  -> ${sink}`
    const reason = (value as Partial<Rejected> | null)?.reason
    return `  -> ${sink}  ${op === '-' ? 'a delete' : typeof reason === 'string' ? reason : json(value)}`
  })
}
