import { ConfigError } from '../../base/index.js'
import type { RunSummary } from '../run.js'
import { takenOf } from '../summary.js'
import { numberText } from '../text.js'

/** How many records a run may reject before it counts as failed: a number, a percentage, or any number below all. */
export interface MaxRejected {
  readonly text: string
  allows(rejected: number, taken: number): boolean
}

/** The exit code of a run that rejected more records than allowed. */
export const TOO_MANY_REJECTED = 3

/**
 * Parses `--max-rejected`: `10` or `2.5%`. By default a run may reject any number of records, but not all of them.
 * @throws {ConfigError} `bad-max-rejected`
 */
export function maxRejected(text: string | undefined): MaxRejected {
  if (text === undefined)
    return { text: 'fewer than all', allows: (rejected, taken) => rejected === 0 || rejected < taken }
  const found = /^(\d{1,12}(?:\.\d{1,6})?)(%?)$/.exec(text)
  const most = Number(found?.[1])
  if (found !== null && found[2] === '%' && most <= 100)
    return { text, allows: (rejected, taken) => rejected * 100 <= taken * most }
  if (found !== null && found[2] === '' && Number.isInteger(most))
    return { text, allows: (rejected) => rejected <= most }
  throw new ConfigError(
    'bad-max-rejected',
    `--max-rejected must be a number of records, such as 10, or a percentage, such as 2.5%; it is ${JSON.stringify(text)}.`,
  )
}

/** The error message for a run that rejected more records than allowed; undefined if it did not. */
export function tooManyRejected(summary: RunSummary, most: MaxRejected): string | undefined {
  const { taken, rejected } = takenOf(summary)
  if (most.allows(rejected, taken)) return undefined
  const sinks = [...new Set(summary.rejected.filter(({ reason }) => reason !== 'expired').map(({ file }) => file))]
  const look = sinks.length === 0 ? '' : ` See ${sinks.join(' and ')}.`
  return `${numberText(rejected)} of ${numberText(taken)} records were rejected; --max-rejected allows ${most.text}.${look}`
}
