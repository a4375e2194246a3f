import { glimpse } from '../../base/index.js'
import { type Rejected, stepLabel } from '../../pipeline/index.js'
import type { TracedResult, TracedRow, TracedStep } from '../../testing/tracing.js'
import type { RecordPlace } from '../input/places.js'
import { bold, numberText } from '../text.js'
import type { KeyExplanation, RecordExplanation, WindowsOfRow } from './explain.js'

const TEXT_CHARS = 200
const WINDOWS_SHOWN = 4
const RESULTS_SHOWN = 50

const instant = (ms: number | undefined): string => (ms === undefined ? 'none yet' : new Date(ms).toISOString())
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

/** What happened to a record, for the terminal. */
export function recordText(explanation: RecordExplanation): string {
  const { record, outcome, watermark, values, results, rows } = explanation
  const lines = [
    bold(`${placeText(record.place)}${record.source} ${record.split} position ${record.position}`),
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

function outcomeText({ outcome, rows, values }: RecordExplanation): string {
  const letter = rows.map(({ row }) => row.value as Partial<Rejected> | null).find((row) => row?.reason !== undefined)
  switch (outcome) {
    case 'rejected':
      return `rejected, ${letter?.reason ?? 'for an unknown reason'}: ${letter?.detail ?? ''}`
    case 'no value':
      return 'skipped: its value is null (a tombstone), so nothing is counted'
    case 'filtered':
      return 'filtered: no step passed a row on to an operator or a sink'
    case 'counted': {
      const windows = values.flatMap((value) => value.windows).flatMap((of) => of.windows)
      const expired = windows.filter(({ standing }) => standing === 'expired').length
      if (windows.length > 0 && expired === windows.length)
        return 'expired: its windows no longer accepted rows when it arrived'
      if (windows.length === 0) return 'passed on to sinks'
      return expired > 0 ? 'counted in some of its windows; the others no longer accepted rows' : 'counted'
    }
  }
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

function resultsText(results: readonly TracedResult[], rows: readonly TracedRow[]): string[] {
  const more = results.length > RESULTS_SHOWN ? [`  and ${numberText(results.length - RESULTS_SHOWN)} more`] : []
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

const placeText = (place: RecordPlace | undefined): string =>
  place === undefined ? '' : `${place.file}:${place.line}  `

/** The records with a key, for the terminal. */
export function keyText({ key, counts, records, expired, results, rows }: KeyExplanation): string {
  const entries = Object.entries(counts)
  if (entries.length === 0 && results.length === 0)
    return `No operator received a record with the key ${JSON.stringify(key)}.`
  const lines: string[] = []
  for (const [operator, count] of entries) {
    lines.push(
      bold(`${operator}: ${numberText(count)} record${count === 1 ? '' : 's'} with the key ${JSON.stringify(key)}`),
    )
    const of = records.filter((record) => record.operator === operator)
    for (const { place, source, split, position, time } of of) {
      const isExpired = expired.some((row) => row.split === split && row.position === position && row.source === source)
      const where = place === undefined ? `${source} ${split} position ${position}` : `${place.file}:${place.line}`
      lines.push(`  ${where}  ${instant(time)}${isExpired ? '  expired' : ''}`)
    }
    if (count > of.length) lines.push(`  and ${numberText(count - of.length)} more`)
  }
  if (results.length > 0) lines.push('', bold('results'), ...resultsText(results, rows))
  return lines.join('\n')
}
