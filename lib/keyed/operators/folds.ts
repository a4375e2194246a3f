import type { Aggregate, AggregateMap, Place } from '../../aggregate/index.js'
import { messageOf, RecordRejection } from '../../base/index.js'
import { copied } from '../json-value.js'

/** The folds of an operator, by field. An accumulator of each, in order, makes `Accs`. */
export type Accs = readonly any[]

export class Folds {
  private readonly fields: readonly string[]
  private readonly folds: readonly Aggregate<any, any, any, any, any>[]

  constructor(folds: AggregateMap<any, any>) {
    this.fields = Object.keys(folds)
    this.folds = Object.values(folds)
  }

  /** Accumulators that hold one row more; of that row alone if there are none before. They may be changed. */
  add(before: Accs | undefined, row: unknown, place: Place): Accs {
    return this.folds.map((fold, i) =>
      this.named(i, () => {
        const input = fold.read(row)
        const acc = before === undefined ? fold.create() : before[i]
        return input === undefined ? acc : fold.add(acc, input, 1, place)
      }),
    )
  }

  merge(a: Accs, b: Accs): Accs {
    return this.folds.map((fold, i) => this.named(i, () => fold.merge(a[i], b[i])))
  }

  result(accs: Accs): Record<string, unknown> {
    const value: Record<string, unknown> = {}
    // A custom fold may give its accumulator itself.
    for (const [i, fold] of this.folds.entries())
      value[this.fields[i]!] = this.named(i, () => copied(fold.result(accs[i])))
    return value
  }

  encode(accs: Accs): unknown[] {
    return this.folds.map((fold, i) => fold.encode(accs[i]))
  }

  decode(json: readonly any[]): Accs {
    return this.folds.map((fold, i) => fold.decode(json[i]))
  }

  /** Adds to an error which field threw it. */
  private named<V>(i: number, work: () => V): V {
    try {
      return work()
    } catch (thrown) {
      const code = thrown instanceof RecordRejection ? thrown.code : 'step-threw'
      throw new RecordRejection(code, `field "${this.fields[i]}": ${messageOf(thrown)}`)
    }
  }
}
