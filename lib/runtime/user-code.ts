import { MillraceError, messageOf, RecordRejection, settled } from '../base/index.js'
import type { OperatorPlan } from '../pipeline/index.js'

/** Adds to an error from user code where it was thrown: `what` begins the detail of the dead letter. */
export function named(what: string, thrown: unknown): MillraceError {
  if (thrown instanceof MillraceError && !(thrown instanceof RecordRejection)) return thrown
  const reason = thrown instanceof RecordRejection ? thrown.code : 'step-threw'
  return new RecordRejection(reason, `${what}: ${messageOf(thrown)}`)
}

/** How the detail of a dead letter names one fold of an operator. */
export function fieldOf({ name, fields }: OperatorPlan, i: number): string {
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
