import { ConfigError } from '../../base/index.js'
import type { RunSummary } from '../run.js'
import { takenOf } from '../summary.js'
import { numberText } from '../text.js'

/** How many records may be rejected before a run counts as failed: a number, a percentage, or all but the last one. */
export interface MaxRejected {
  readonly text: string
  allows(rejected: number, taken: number): boolean
}

/** The exit code of a run that rejected more than it may. */
export const TOO_MANY_REJECTED = 3

/**
 * `--max-rejected`: `10` or `2.5%`. By default a run may reject any number of records, but not all of them.
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
    `--max-rejected is a number of records, such as 10, or a percentage of them, such as 2.5%; it is ${JSON.stringify(text)}.`,
  )
}

/** The sentence for a run that rejected more than it may; undefined for one that did not. */
export function tooManyRejected(summary: RunSummary, most: MaxRejected): string | undefined {
  const { taken, rejected } = takenOf(summary)
  if (most.allows(rejected, taken)) return undefined
  const sinks = [...new Set(summary.rejected.filter(({ reason }) => reason !== 'expired').map(({ file }) => file))]
  const look = sinks.length === 0 ? '' : ` Look at ${sinks.join(' and ')}.`
  return `${numberText(rejected)} of ${numberText(taken)} records were rejected; --max-rejected allows ${most.text}.${look}`
}
