import { named, settled } from '../base/index.js'
import type { OperatorPlan } from '../pipeline/index.js'

/**
 * How the detail of a dead letter names one fold of an operator. With state for each key, the operator names its own.
 */
export function fieldOf({ name, fields, logic }: OperatorPlan, i: number): string {
  if (logic !== undefined) return `A row of "${name}"`
  return `Field "${fields[i]}" of "${name}"`
}

/** Wraps a user function, so that an error names the function, and so that a returned promise is rejected. */
export function guarded<T, M, V>(what: string, fn: (value: T, meta: M) => V): (value: T, meta: M) => V {
  return (value, meta) => {
    let given: V
    try {
      given = fn(value, meta)
    } catch (thrown) {
      throw named(what, thrown)
    }
    return settled(what, given)
  }
}
