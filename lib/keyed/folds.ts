import type { Aggregate, AggregateMap, Json, Place } from '../aggregate/aggregate.js'
import { named } from '../base/index.js'
import { copied } from './json-value.js'

/** The folds of an operator, by field. There is an accumulator of each, in order. An error names its field. */
export class Folds {
  readonly fields: readonly string[]
  readonly folds: readonly Aggregate<any, any, any, any, any>[]

  constructor(aggregates: AggregateMap<any, any>) {
    this.fields = Object.keys(aggregates)
    this.folds = Object.values(aggregates)
  }

  /** The fields with the names of their folds, for people. */
  get label(): string {
    return this.fields.map((field, i) => `${field}: ${this.folds[i]!.kind}`).join(', ')
  }

  /** What identifies the stored folds. */
  get described(): Json {
    return this.fields.map((field, i) => ({ field, kind: this.folds[i]!.kind, options: this.folds[i]!.options }))
  }

  /** What each fold takes of a row; undefined if it leaves the row out. */
  read(row: unknown, meta?: unknown): unknown[] {
    return this.each((fold) => fold.read(row, meta))
  }

  create(): any[] {
    return this.each((fold) => fold.create())
  }

  /** Adds a row to accumulators, and changes them. */
  add(accs: any[], inputs: readonly unknown[], place: Place, weight: 1 | -1 = 1): void {
    const { folds } = this
    let i = 0
    try {
      for (; i < folds.length; i++)
        if (inputs[i] !== undefined) accs[i] = folds[i]!.add(accs[i], inputs[i], weight, place)
    } catch (thrown) {
      throw this.named(i, thrown)
    }
  }

  /** Accumulators that hold one row more; of that row alone if there are none before. Those before may be changed. */
  added(before: readonly any[] | undefined, row: unknown, place: Place): any[] {
    const accs = before === undefined ? this.create() : [...before]
    this.add(accs, this.read(row), place)
    return accs
  }

  merge(a: readonly any[], b: readonly any[]): any[] {
    return this.each((fold, i) => fold.merge(a[i], b[i]))
  }

  /** The value of a result. It shares nothing with the accumulators, which a custom fold may give as they are. */
  value(accs: readonly any[]): Record<string, unknown> {
    const results = this.each((fold, i) => copied(fold.result(accs[i])))
    return Object.fromEntries(this.fields.map((field, i) => [field, results[i]]))
  }

  encode(accs: readonly any[], into: unknown[] = []): unknown[] {
    for (let i = 0; i < this.folds.length; i++) into.push(this.folds[i]!.encode(accs[i]))
    return into
  }

  /** Reads the accumulators that begin at an index. `split`: the split that wrote them, if there is one. */
  decode(json: readonly any[], at = 0, split?: string): any[] {
    return this.folds.map((fold, i) => fold.decode(json[at + i], split))
  }

  /** Calls each fold, and names its field if it throws. */
  private each(work: (fold: Aggregate<any, any, any, any, any>, i: number) => unknown): any[] {
    const { folds } = this
    const given: unknown[] = []
    let i = 0
    try {
      for (; i < folds.length; i++) given.push(work(folds[i]!, i))
    } catch (thrown) {
      throw this.named(i, thrown)
    }
    return given
  }

  private named(i: number, thrown: unknown): Error {
    return named(`field "${this.fields[i]}"`, thrown)
  }
}
