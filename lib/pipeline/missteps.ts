import { ConfigError } from '../base/index.js'

const STEPS = ['map', 'filter', 'flatMap', 'merge', 'sideOutput', 'keyBy', 'window', 'process', 'aggregate', 'to']
/** The names of aggregations in Kafka Streams, Flink and SQL. */
const FOLDS = ['count', 'sum', 'avg', 'min', 'max', 'reduce', 'fold']

/**
 * Defines the steps that must not follow a class, so that they throw a message about what must come before, instead of
 * `is not a function`. TypeScript refuses these steps already; this is for JavaScript and untyped code. Methods of the
 * class itself are kept.
 */
export function refuseOthers({ prototype }: { readonly prototype: object }, rule: string): void {
  for (const step of [...STEPS, ...FOLDS]) {
    if (step in prototype) continue
    const value = (): never => {
      const fold = FOLDS.includes(step) ? ' Folds are fields of an aggregate: .aggregate("name", { n: count() }).' : ''
      throw new ConfigError('bad-step', `${step}() cannot be called here. ${rule}${fold}`)
    }
    Object.defineProperty(prototype, step, { value })
  }
}
