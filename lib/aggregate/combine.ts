import { ConfigError, checkFunction, settled } from '../base/index.js'
import type { Aggregate, AggregateMap, Json, Place, ResultOf } from './aggregate.js'

/**
 * A fold of those rows only for which a test holds, as SQL's FILTER (WHERE …). Everything else is as the fold has it.
 * @example where(order => order.status === 'paid', sum(order => order.amount))
 */
export function where<T, R, In, Acc, M = unknown>(
  test: (row: T, meta: M) => unknown,
  fold: Aggregate<T, R, In, Acc, M>,
): Aggregate<T, R, In, Acc, M> {
  checkFunction('bad-aggregate', 'where()', test)
  checkFold('where()', fold)
  const { '~rows': _, ...rest } = fold
  return Object.freeze({
    ...rest,
    kind: fold.kind,
    options: { ...fold.options, where: true },
    read: (row: T, meta?: M) => (settled('The test of where()', test(row, meta!)) ? fold.read(row, meta) : undefined),
  })
}

/**
 * Several folds as one, whose result is an object of theirs: what a nested field of a result is made of. A row that all
 * of them leave out is left out. Can take rows back where all of them can.
 * @example struct({ orders: count(), total: sum(order => order.amount) })
 */
export function struct<T, F extends AggregateMap<T, M>, M = unknown>(
  folds: F,
): Aggregate<T, ResultOf<F>, readonly unknown[], unknown[], M> {
  if (typeof folds !== 'object' || folds === null || Array.isArray(folds) || Object.keys(folds).length === 0)
    throw new ConfigError('bad-aggregate', 'struct() is given an object of folds, such as { orders: count() }.')
  const names = Object.keys(folds)
  const parts = names.map((name) => {
    checkFold(`The field "${name}" of struct()`, folds[name]!)
    return folds[name]!
  })
  const options = Object.fromEntries(
    names.map((name, i): [string, Json] => [name, { kind: parts[i]!.kind, options: parts[i]!.options }]),
  )
  return Object.freeze({
    kind: 'struct',
    options,
    invertible: parts.every((part) => part.invertible),
    ordered: parts.some((part) => part.ordered),
    fragile: parts.some((part) => part.fragile),
    read(row: T, meta?: M) {
      const inputs = parts.map((part) => part.read(row, meta))
      return inputs.some((input) => input !== undefined) ? inputs : undefined
    },
    create: () => parts.map((part) => part.create()),
    add(acc: unknown[], inputs: readonly unknown[], weight: 1 | -1, place: Place) {
      for (let i = 0; i < parts.length; i++)
        if (inputs[i] !== undefined) acc[i] = parts[i]!.add(acc[i], inputs[i], weight, place)
      return acc
    },
    merge: (a: unknown[], b: unknown[]) => parts.map((part, i) => part.merge(a[i], b[i])),
    result: (acc: unknown[]) =>
      Object.fromEntries(names.map((name, i) => [name, parts[i]!.result(acc[i])])) as ResultOf<F>,
    encode: (acc: unknown[]) => parts.map((part, i) => part.encode(acc[i])),
    decode: (json: readonly unknown[]) => parts.map((part, i) => part.decode(json[i])),
  })
}

function checkFold(what: string, fold: Aggregate<any, any, any, any, any>): void {
  if (typeof fold?.read === 'function' && typeof fold.merge === 'function') return
  throw new ConfigError('bad-aggregate', `${what} takes a fold, such as count() or sum(row => row.amount).`)
}
