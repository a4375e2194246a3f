import { type Duration, Token } from 'aws-cdk-lib'
import { nearest } from '../../lib/base/index.js'
import { refuse } from './refuse.js'

/** Refuses a value that is not a Duration of the CDK, such as a number. */
export function checkDuration(where: string, option: string, value: Duration | undefined): void {
  if (value === undefined || typeof (value as Partial<Duration>).toMilliseconds === 'function') return
  const fix =
    typeof value === 'number'
      ? `Give Duration.seconds(${value}), or another unit.`
      : 'Give Duration.minutes(1), for example.'
  refuse(where, option, value, 'It must be a Duration of aws-cdk-lib.', fix)
}

/** Refuses a value that is not a resource of the CDK. `property` is one that all resources of its kind have. */
export function checkResource(where: string, option: string, value: unknown, property: string, fix: string): void {
  if (value === undefined || (typeof value === 'object' && value !== null && property in value)) return
  refuse(
    where,
    option,
    value === null ? 'not given' : typeof value === 'object' ? 'another object' : value,
    'It must be a resource of the CDK, not its name or ARN.',
    fix,
  )
}

/** Refuses a word that is not in a list; the message names the nearest one. */
export function checkWord(where: string, option: string, value: unknown, words: readonly string[]): void {
  if (Token.isUnresolved(value) || words.includes(value as string)) return
  const near = typeof value === 'string' ? nearest(value, words) : undefined
  refuse(
    where,
    option,
    value,
    `It must be one of ${words.join(', ')}.`,
    near === undefined ? 'Give one of those.' : `Did you mean ${near}?`,
  )
}
