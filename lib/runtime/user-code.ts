import { MillraceError, messageOf, RecordRejection, settled } from '../base/index.js'
import type { OperatorPlan } from '../pipeline/index.js'

/** Code of the user's that throws says where: `what` begins the detail of the dead letter. */
export function named(what: string, thrown: unknown): MillraceError {
  if (thrown instanceof MillraceError && !(thrown instanceof RecordRejection)) return thrown
  const reason = thrown instanceof RecordRejection ? thrown.code : 'step-threw'
  return new RecordRejection(reason, `${what}: ${messageOf(thrown)}`)
}

/** What the detail of a dead letter calls a fold of an operator. */
export function fieldOf({ name, fields }: OperatorPlan, i: number): string {
  return `Field "${fields[i]}" of "${name}"`
}

/** A function of the user's that says which one it is where it throws, and that must not give a promise. */
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
