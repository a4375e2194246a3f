import { styleText } from 'node:util'
import { columnsOf, wrapped } from './wrap.js'

/** Event time in readable form: 2001-01-01 05:00. */
export function timeText(ms: number | undefined): string {
  return ms === undefined ? '-' : new Date(ms).toISOString().slice(0, 16).replace('T', ' ')
}

export function numberText(value: number): string {
  return Math.round(value).toLocaleString('en-US')
}

/** `1 file`, `2,000 files`. */
export function timesText(count: number, noun: string): string {
  return `${numberText(count)} ${noun}${count === 1 ? '' : 's'}`
}

/** Cells longer than this may be wrapped between words, so that a table fits. */
const TEXT_MIN = 24
const GAP = 2

/**
 * A table with its first column left-aligned and all others right-aligned, with no line wider than `width`. To fit, it
 * first wraps heads over several lines, then long texts. Then it splits the columns into blocks, each with the first
 * column. If even that is too wide, each row becomes a block with one cell per line.
 */
export function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  width: number = columnsOf(),
): string {
  const widest = head.map((_, column) => Math.max(0, ...rows.map((cells) => cells[column]!.length)))
  // Heads on one line, on two, or with one word per line.
  const levels = [1, 2, Number.POSITIVE_INFINITY].map((lines) =>
    head.map((cell, column) => Math.max(headWidth(cell, lines), widest[column]!)),
  )
  const fitting = levels.find((widths) => total(widths) <= width)
  if (fitting !== undefined) return drawn(head, rows, fitting)
  const least = levels.at(-1)!
  const hasText = (column: number): boolean => column > 0 && widest[column]! > TEXT_MIN && isText(rows, column)
  const texts = head.map((_, column) => hasText(column))
  const spare = width - total(least.map((size, column) => (texts[column] ? 0 : size)))
  const share = Math.floor(spare / texts.filter(Boolean).length)
  if (share >= TEXT_MIN)
    return drawn(
      head,
      rows,
      least.map((size, column) => (texts[column] ? Math.min(size, share) : size)),
    )
  if (least.some((size, column) => column > 0 && least[0]! + GAP + size > width)) return stacked(head, rows, width)
  return blocks(least, width)
    .map((columns) => {
      const of = <T>(cells: readonly T[]): T[] => columns.map((column) => cells[column]!)
      return drawn(of(head), rows.map(of), of(levels.find((widths) => total(of(widths)) <= width)!))
    })
    .join('\n\n')
}

const total = (widths: readonly number[]): number => widths.reduce((sum, size) => sum + size + GAP, -GAP)
const longestWord = (text: string): number => Math.max(...text.split(' ').map((word) => word.length))

/** The smallest width at which a head fits on that many lines. */
function headWidth(text: string, lines: number): number {
  let width = longestWord(text)
  while (wrapped(text, width).length > lines) width++
  return width
}

/** Sentences may be wrapped, but not positions or names, because users copy them. */
const isText = (rows: readonly (readonly string[])[], column: number): boolean =>
  rows.every((cells) => longestWord(cells[column]!) <= TEXT_MIN)

/** The columns of each block; each block begins with the first column. */
function blocks(widths: readonly number[], width: number): number[][] {
  const made: number[][] = []
  for (let column = 1; column < widths.length; column++) {
    const last = made.at(-1)
    if (last !== undefined && total([...last, column].map((one) => widths[one]!)) <= width) last.push(column)
    else made.push([0, column])
  }
  return made
}

function drawn(head: readonly string[], rows: readonly (readonly string[])[], widths: readonly number[]): string {
  const lines = (cells: readonly string[]): string[] => {
    const parts = cells.map((cell, column) => wrapped(cell, widths[column]!))
    const isCut = widths.map((size, column) => rows.some((row) => row[column]!.length > size))
    const height = Math.max(...parts.map((part) => part.length))
    return Array.from({ length: height }, (_, at) =>
      parts
        .map((part, column) => {
          // Heads of fewer lines are aligned to the bottom, directly above their cells.
          const text = part[cells === head ? at - (height - part.length) : at] ?? ''
          return column === 0 || isCut[column] ? text.padEnd(widths[column]!) : text.padStart(widths[column]!)
        })
        .join(' '.repeat(GAP))
        .trimEnd(),
    )
  }
  return [...lines(head).map(bold), ...rows.flatMap(lines)].join('\n')
}

/** Each row as lines of a name and a value. */
function stacked(head: readonly string[], rows: readonly (readonly string[])[], width: number): string {
  const names = Math.min(Math.max(...head.map((cell) => cell.length)), Math.floor(width / 3))
  const line = (name: string, value: string): string[] =>
    wrapped(value, width - names - GAP).map(
      (part, at) => `${(at === 0 ? name.slice(0, names) : '').padEnd(names)}${' '.repeat(GAP)}${part}`,
    )
  return rows
    .map((cells) => cells.flatMap((cell, column) => (cell === '' ? [] : line(head[column]!, cell))).join('\n'))
    .join('\n\n')
}

/** Styled only if the terminal supports it. */
export function bold(text: string): string {
  return process.stdout.isTTY ? styleText('bold', text) : text
}

export function dim(text: string): string {
  return process.stdout.isTTY ? styleText('dim', text) : text
}
