import { ConfigError } from '../base/index.js'

const STEPS = ['map', 'filter', 'flatMap', 'merge', 'sideOutput', 'keyBy', 'window', 'aggregate', 'to']
/** What Kafka Streams, Flink and SQL fold a window by. */
const FOLDS = ['count', 'sum', 'avg', 'min', 'max', 'reduce', 'fold']

/**
 * Steps that may not follow here, and that TypeScript refuses: in JavaScript, and where types were given up, they say
 * what has to come before instead of `is not a function`. What a class has itself stays.
 */
export function refuseOthers({ prototype }: { readonly prototype: object }, rule: string): void {
  for (const step of [...STEPS, ...FOLDS]) {
    if (step in prototype) continue
    const value = (): never => {
      const fold = FOLDS.includes(step) ? ' Folds are fields of an aggregate: .aggregate("name", { n: count() }).' : ''
      throw new ConfigError('bad-step', `${step}() cannot follow here. ${rule}${fold}`)
    }
    Object.defineProperty(prototype, step, { value })
  }
}
