import { readFileSync } from 'node:fs'
import { styleText } from 'node:util'
import { columnsOf, fitText } from '../../lib/dev/wrap.js'
import type { WindowResult } from '../../lib/index.js'

interface Hour {
  readonly flights: number
  readonly meanDelay: number
  readonly worstDelay: number
  readonly shareDelayed: number
}

const HOUR_MS = 3_600_000
const SHADES = ' ▁▂▃▄▅▆▇█'

/** The width of an airport's name before the bars, and of its numbers after them. */
const NAME_CHARS = 5
const NUMBERS_CHARS = 24
/** Hours per column: the smallest number that fits is used. */
const COLUMN_HOURS = [2, 3, 4, 6, 8, 12, 24]

/**
 * The week of the busiest airports by hour. The height of a bar is the number of flights; it is red if many left late.
 */
export function picture(file: string, width = columnsOf(), airports = 10): string {
  // The last pane of a window replaces earlier ones: it includes late flights.
  const hours = new Map<string, Map<number, Hour>>()
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    if (line === '') continue
    const result = JSON.parse(line) as WindowResult<string, Hour>
    let byHour = hours.get(result.key)
    if (byHour === undefined) {
      byHour = new Map()
      hours.set(result.key, byHour)
    }
    byHour.set(result.window.start, result.value)
  }
  const total = (byHour: Map<number, Hour>): number => [...byHour.values()].reduce((sum, hour) => sum + hour.flights, 0)
  const busiest = [...hours].sort((a, b) => total(b[1]) - total(a[1])).slice(0, airports)
  if (busiest.length === 0) return 'No results yet.'
  const starts = busiest.flatMap(([, byHour]) => [...byHour.keys()])
  const first = Math.floor(Math.min(...starts) / (24 * HOUR_MS)) * 24 * HOUR_MS
  const days = Math.ceil((Math.max(...starts) + HOUR_MS - first) / (24 * HOUR_MS))
  const top = Math.max(...busiest.flatMap(([, byHour]) => [...byHour.values()].map((hour) => hour.flights)))
  const barsWidth = width - NAME_CHARS - NUMBERS_CHARS
  const hoursEach = COLUMN_HOURS.find((each) => (days * 24) / each <= barsWidth) ?? 24
  const columns = Math.ceil((days * 24) / hoursEach)
  const lines = [
    fitText(
      `flights per hour, 0 to ${top}${process.stdout.isTTY ? `; ${red('red')} if more than a third left over 15 minutes late` : ''}`,
      width,
    ),
    `${' '.repeat(NAME_CHARS)}${dayNames(first, columns, hoursEach)}   flights  mean delay`,
  ]
  for (const [airport, byHour] of busiest) {
    let bars = ''
    for (let column = 0; column < columns; column++)
      bars += bar(byHour, first + column * hoursEach * HOUR_MS, hoursEach, top)
    const flights = total(byHour)
    const delay = [...byHour.values()].reduce((sum, hour) => sum + hour.meanDelay * hour.flights, 0) / flights
    lines.push(
      `${airport}  ${bars}  ${flights.toLocaleString('en-US').padStart(8)}  ${delay.toFixed(1).padStart(6)} min`,
    )
  }
  return lines.join('\n')
}

/** The dates, each above its first column. A date that does not fit is left out. */
function dayNames(first: number, columns: number, hoursEach: number): string {
  const text = Array<string>(columns).fill(' ')
  let free = 0
  for (let column = 0; column < columns; column += 24 / hoursEach) {
    const name = new Date(first + column * hoursEach * HOUR_MS).toISOString().slice(5, 10)
    if (column < free || column + name.length > columns) continue
    text.splice(column, name.length, ...name)
    free = column + name.length + 1
  }
  return text.join('')
}

/** The bar of a column: the flights of its busiest hour. */
function bar(byHour: Map<number, Hour>, start: number, count: number, top: number): string {
  const some = Array.from({ length: count }, (_, hour) => byHour.get(start + hour * HOUR_MS)).filter(
    (hour) => hour !== undefined,
  )
  if (some.length === 0) return ' '
  const flights = Math.max(...some.map((hour) => hour.flights))
  const late =
    some.reduce((sum, hour) => sum + hour.shareDelayed * hour.flights, 0) /
    some.reduce((sum, hour) => sum + hour.flights, 0)
  const height = SHADES[Math.max(1, Math.round((flights / top) * (SHADES.length - 1)))]!
  return late > 1 / 3 ? red(height) : height
}

function red(text: string): string {
  return process.stdout.isTTY ? styleText('red', text) : text
}
