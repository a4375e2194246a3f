import type { StepFlow } from './flow.js'
import type { RejectedRows } from './rejected.js'
import { bold, numberText } from './text.js'
import { columnsOf, wrapped } from './wrap.js'

const GAP = 2
const NOTE_INDENT = 4
const STEP_MIN = 12

/**
 * What happened to all rows, step by step, for the terminal. The note on a step is beside it, or below it if the line
 * would be too wide.
 */
export function flowText(flow: readonly StepFlow[], width = columnsOf()): string {
  const rows = flow.map(({ depth, step, in: entered, out, note }) => ({
    step: `${'  '.repeat(depth)}${step}`,
    in: numberText(entered),
    out: numberText(out),
    note,
    depth,
  }))
  const widest = (name: 'step' | 'in' | 'out'): number => Math.max(name.length, ...rows.map((row) => row[name].length))
  const numbers = widest('in') + widest('out') + 2 * GAP
  const steps = Math.max(STEP_MIN, Math.min(widest('step'), width - numbers))
  const isBeside = rows.every(({ note }) => steps + numbers + GAP + note.length <= width)
  const line = (step: string, entered: string, out: string): string =>
    [cut(step, steps).padEnd(steps), entered.padStart(widest('in')), out.padStart(widest('out'))].join(' '.repeat(GAP))
  return [
    bold(line('step', 'in', 'out')),
    ...rows.flatMap(({ step, in: entered, out, note, depth }) => {
      const first = line(step, entered, out)
      if (note === '') return [first]
      if (isBeside) return [`${first}${' '.repeat(GAP)}${note}`]
      const indent = Math.min(2 * depth + NOTE_INDENT, width - STEP_MIN)
      return [first, ...wrapped(note, width - indent).map((part) => `${' '.repeat(indent)}${part}`)]
    }),
  ].join('\n')
}

const cut = (text: string, length: number): string => (text.length > length ? `${text.slice(0, length - 1)}…` : text)
/**
 * What was rejected or arrived too late, by reason, with one example each and its location. Empty if there is nothing.
 */
export function rejectedText(rejected: readonly RejectedRows[]): string {
  return rejected
    .map(({ sink, file, reason, rows, example: { source, split, position, detail, place } }) => {
      const where = place === undefined ? `${source} ${split} position ${position}` : `${place.file}:${place.line}`
      return `${reason}: ${numberText(rows)} row${rows === 1 ? '' : 's'} in ${sink} (${file})\n  for example ${where}: ${detail}`
    })
    .join('\n')
}
