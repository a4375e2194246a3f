import { instant, resultsText } from '../../testing/explain/text.js'
import { bold, numberText } from '../text.js'
import type { KeyExplanation } from './explain.js'

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
