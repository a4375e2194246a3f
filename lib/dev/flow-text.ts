import type { StepFlow } from './flow.js'
import type { RejectedRows } from './rejected.js'
import { numberText, table } from './text.js'

/** What became of all rows, step by step, for the terminal. */
export function flowText(flow: readonly StepFlow[]): string {
  const rows = flow.map(({ depth, step, in: entered, out, note }) => [
    `${'  '.repeat(depth)}${step}`,
    numberText(entered),
    numberText(out),
    note,
  ])
  return table(['step', 'in', 'out', ''], rows)
}

/** What was rejected or came too late, by reason, with one example each and where to look. Empty where there is nothing. */
export function rejectedText(rejected: readonly RejectedRows[]): string {
  return rejected
    .map(({ sink, file, reason, rows, example: { source, split, position, detail, place } }) => {
      const where = place === undefined ? `${source} ${split} position ${position}` : `${place.file}:${place.line}`
      return `${reason}: ${numberText(rows)} row${rows === 1 ? '' : 's'} in ${sink} (${file})\n  such as ${where}: ${detail}`
    })
    .join('\n')
}
