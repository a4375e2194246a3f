import { styleText } from 'node:util'

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

/** A table with its first column to the left and all others to the right. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((cell, column) => Math.max(cell.length, ...rows.map((cells) => cells[column]!.length)))
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
      .join('  ')
      .trimEnd()
  return [bold(line(head)), ...rows.map(line)].join('\n')
}

/** Styled only where the terminal takes it. */
export function bold(text: string): string {
  return process.stdout.isTTY ? styleText('bold', text) : text
}

export function dim(text: string): string {
  return process.stdout.isTTY ? styleText('dim', text) : text
}
