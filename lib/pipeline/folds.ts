import type { Aggregate, AggregateMap } from '../aggregate/index.js'
import { ConfigError, checkName, glimpse } from '../base/index.js'

/**
 * Checks the name and the folds of an aggregate.
 * @throws {ConfigError} `bad-aggregate`, `bad-name`
 */
export function checkFolds(name: string, aggregates: AggregateMap<any, any>): void {
  if (typeof name !== 'string')
    throw new ConfigError(
      'bad-aggregate',
      `aggregate() takes a name, then its folds by field: .aggregate('orders', { n: count() }); the name is ${glimpse(name)}.`,
    )
  checkName('stateful step', name)
  checkFoldMap('bad-aggregate', `the aggregate "${name}"`, aggregates, ' Give it a field.')
}

/**
 * Checks the folds of an operator. `what` is how messages name it, and `advice` ends the message for a fold alone.
 * @throws {ConfigError} `code`
 */
export function checkFoldMap(code: string, what: string, folds: AggregateMap<any, any>, advice = ''): void {
  const subject = what.replace(/^the /, 'The ')
  if (isFold(folds))
    throw new ConfigError(
      code,
      `${subject} takes its folds by field, such as { n: count() }; it got ${folds.kind}() alone.${advice}`,
    )
  const entries = typeof folds === 'object' && folds !== null ? Object.entries(folds) : []
  if (entries.length === 0)
    throw new ConfigError(code, `${subject} needs at least one fold, such as { rows: count() }.`)
  for (const [field, fold] of entries) {
    if (isFold(fold)) continue
    throw new ConfigError(
      code,
      `Field "${field}" of ${what} is not a fold. Use a function such as count(), sum() or custom().`,
    )
  }
}

const isFold = (value: any): value is Aggregate<any, any, any, any, any> => typeof value?.read === 'function'
