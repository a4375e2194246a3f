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
  if (isFold(aggregates))
    throw new ConfigError(
      'bad-aggregate',
      `The aggregate "${name}" takes its folds by field, such as { n: count() }; it got ${aggregates.kind}() alone. Give it a field.`,
    )
  const entries = Object.entries(aggregates ?? {})
  if (entries.length === 0) {
    throw new ConfigError(
      'bad-aggregate',
      `The aggregate "${name}" needs at least one fold, such as { rows: count() }.`,
    )
  }
  for (const [field, aggregate] of entries) {
    if (isFold(aggregate)) continue
    throw new ConfigError(
      'bad-aggregate',
      `Field "${field}" of the aggregate "${name}" is not a fold. Use a function such as count(), sum() or custom().`,
    )
  }
}

const isFold = (value: any): value is Aggregate<any, any, any, any, any> => typeof value?.read === 'function'
