import { readFileSync } from 'node:fs'
import { styleText } from 'node:util'
import type { WindowResult } from '../../lib/index.js'

interface Hour {
  readonly flights: number
  readonly meanDelay: number
  readonly worstDelay: number
  readonly shareDelayed: number
}

const HOUR_MS = 3_600_000
const SHADES = ' ▁▂▃▄▅▆▇█'

/** The week by hour for the busiest airports: a bar's height is the hour's flights, its colour the share that left late. */
export function picture(file: string, airports = 10): string {
  // Of each window the last pane holds: late flights are counted in it.
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
  // Two hours a column, so that a week fits a terminal.
  const head = Array.from({ length: days }, (_, day) =>
    new Date(first + day * 24 * HOUR_MS).toISOString().slice(5, 10).padEnd(12),
  )
  const lines = [
    `flights an hour, 0 to ${top}${process.stdout.isTTY ? `; ${red('red')} where over a third left more than 15 minutes late` : ''}`,
    `     ${head.join('')}   flights  mean delay`,
  ]
  for (const [airport, byHour] of busiest) {
    let bars = ''
    for (let column = 0; column < days * 12; column++) bars += bar(byHour, first + column * 2 * HOUR_MS, top)
    const flights = total(byHour)
    const delay = [...byHour.values()].reduce((sum, hour) => sum + hour.meanDelay * hour.flights, 0) / flights
    lines.push(
      `${airport}  ${bars}  ${flights.toLocaleString('en-US').padStart(8)}  ${delay.toFixed(1).padStart(6)} min`,
    )
  }
  return lines.join('\n')
}

function bar(byHour: Map<number, Hour>, start: number, top: number): string {
  const pair = [byHour.get(start), byHour.get(start + HOUR_MS)].filter((hour) => hour !== undefined)
  if (pair.length === 0) return ' '
  const flights = Math.max(...pair.map((hour) => hour.flights))
  const late =
    pair.reduce((sum, hour) => sum + hour.shareDelayed * hour.flights, 0) /
    pair.reduce((sum, hour) => sum + hour.flights, 0)
  const height = SHADES[Math.max(1, Math.round((flights / top) * (SHADES.length - 1)))]!
  return late > 1 / 3 ? red(height) : height
}

function red(text: string): string {
  return process.stdout.isTTY ? styleText('red', text) : text
}
