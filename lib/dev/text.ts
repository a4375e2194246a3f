import { styleText } from 'node:util'
import { columnsOf, wrapped } from './wrap.js'

/** Event time for people: 2001-01-01 05:00. */
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

/** Cells longer than this may be cut between words, so that a table fits. */
const TEXT_MIN = 24
const GAP = 2

/**
 * A table with its first column to the left and all others to the right, no line of it wider than `width`: first heads
 * go over several lines, then long texts do, then columns go into blocks, each with the first column, or, where even
 * that is too wide, each row is a block with a cell a line.
 */
export function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  width: number = columnsOf(),
): string {
  const widest = head.map((_, column) => Math.max(0, ...rows.map((cells) => cells[column]!.length)))
  // Heads on one line, on two, or on as many as they have words.
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

/** The least width at which a head takes so many lines. */
function headWidth(text: string, lines: number): number {
  let width = longestWord(text)
  while (wrapped(text, width).length > lines) width++
  return width
}

/** Sentences, and no positions or names, which are copied. */
const isText = (rows: readonly (readonly string[])[], column: number): boolean =>
  rows.every((cells) => longestWord(cells[column]!) <= TEXT_MIN)

/** Columns by block, the first in each. */
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
          // Heads of several lines stand right above their cells.
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

/** Styled only where the terminal takes it. */
export function bold(text: string): string {
  return process.stdout.isTTY ? styleText('bold', text) : text
}

export function dim(text: string): string {
  return process.stdout.isTTY ? styleText('dim', text) : text
}
