import type { Json, Place } from '../../aggregate/index.js'
import type { Cell, StateSpec } from '../state.js'

/**
 * A state that only the code of an operator reads and writes, so nothing of it is checked or copied. `touch` says that
 * it was written, which its ttl counts from.
 */
export interface Held<V> {
  get(): V | undefined
  set(value: V): void
  clear(): void
  touch(): void
  /** The place of the row that is being processed. */
  place(): Place
}

interface Form<V> {
  readonly decode: (json: any) => V
  readonly encode: (value: V) => unknown
  /** It holds accumulators of folds, which may contain what is no JSON. */
  readonly isOfFolds?: boolean
}

export function held<V>({ decode, encode, isOfFolds = false }: Form<V>): StateSpec<Held<V>> {
  return {
    kind: isOfFolds ? 'aggregate' : 'value',
    options: {},
    ttlMs: undefined,
    open(stored, place) {
      let value: V | undefined = stored === undefined ? undefined : decode(stored)
      const touch = (): void => {
        cell.isWritten = true
      }
      const cell: Cell<Held<V>> = {
        isWritten: false,
        json: () => (value === undefined ? undefined : (encode(value) as Json)),
        access: {
          get: () => value,
          set: (next) => {
            value = next
            touch()
          },
          clear: () => {
            value = undefined
          },
          touch,
          place,
        },
      }
      return cell
    },
  }
}
