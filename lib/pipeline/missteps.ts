import { ConfigError } from '../base/index.js'

const STEPS = ['map', 'filter', 'flatMap', 'merge', 'sideOutput', 'keyBy', 'window', 'process', 'aggregate', 'to']
/** Operators with state for each key, which follow keyBy(). */
const KEYED = ['deduplicate', 'lag', 'lead', 'topN', 'rank', 'countWindow', 'over']
/** Names from Spark, Flink and SQL, and what Millrace calls them. */
const RENAMED: Readonly<Record<string, string>> = {
  dropDuplicates: 'deduplicate',
  dropDuplicatesWithinWatermark: 'deduplicate',
  distinct: 'deduplicate',
  rowNumber: 'topN',
}
/** The names of aggregations in Kafka Streams, Flink and SQL. */
const FOLDS = ['count', 'sum', 'avg', 'min', 'max', 'reduce', 'fold']

/**
 * Defines the steps that must not follow a class, so that they throw a message about what must come before, instead of
 * `is not a function`. TypeScript refuses these steps already; this is for JavaScript and untyped code. Methods of the
 * class itself are kept.
 */
export function refuseOthers({ prototype }: { readonly prototype: object }, rule: string): void {
  const isKeyed = 'deduplicate' in prototype
  for (const step of [...STEPS, ...KEYED, ...FOLDS, ...Object.keys(RENAMED)]) {
    if (step in prototype) continue
    const value = (): never => {
      const name = Object.hasOwn(RENAMED, step) ? RENAMED[step]! : step
      if (name !== step && isKeyed) throw new ConfigError('bad-step', `There is no ${step}(). Use ${name}().`)
      if (KEYED.includes(name) && 'keyBy' in prototype)
        throw new ConfigError(
          'bad-step',
          `${step}() cannot be called here. It needs a key: .keyBy(row => row.id).${name}(…).`,
        )
      const fold = FOLDS.includes(step) ? ' Folds are fields of an aggregate: .aggregate("name", { n: count() }).' : ''
      throw new ConfigError('bad-step', `${step}() cannot be called here. ${rule}${fold}`)
    }
    Object.defineProperty(prototype, step, { value })
  }
}
