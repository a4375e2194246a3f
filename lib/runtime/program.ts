import { type Key, named, RecordRejection, ROWS_PER_RECORD_MAX, settled } from '../base/index.js'
import { countedSteps, type OperatorPlan, type Plan } from '../pipeline/index.js'
import type { RecordMeta, SinkNode } from '../ports/index.js'
import { fieldOf, guarded } from './user-code.js'

/** Where a row leaves the stateless steps of its input. */
export type Terminal =
  | { readonly kind: 'operator'; readonly index: number; readonly operator: OperatorPlan }
  | { readonly kind: 'sink'; readonly index: number; readonly sink: SinkNode<any> }

/**
 * The rows that one record became, before any of them is counted. The user's code has finished, and no state has
 * changed yet (invariant 14). The object is reused for every record; only the first `count` slots are valid.
 */
export class Rows {
  count = 0
  readonly terminal: Terminal[] = []
  readonly value: unknown[] = []
  readonly key: Key[] = []
  /** What each fold of the operator reads from the row. */
  readonly inputs: unknown[][] = []
  /**
   * What the steps counted for the record. The first `noted` slots hold a counter each, and the amount to add to it.
   */
  noted = 0
  readonly counter: number[] = []
  readonly by: number[] = []

  /**
   * Returns the slot for one more row.
   * @throws {RecordRejection} `too-many-rows`
   */
  next(): number {
    if (this.count < ROWS_PER_RECORD_MAX) return this.count // guard: rows-of-a-record
    throw new RecordRejection(
      'too-many-rows',
      `A record can become at most ${ROWS_PER_RECORD_MAX} rows; the steps made more from this one. Check its flatMap.`,
    )
  }

  /**
   * Notes that a step counts something for the record. The count applies once the record is accepted: a rejected record
   * is not counted by any step.
   */
  note(counter: number, by: number): void {
    this.counter[this.noted] = counter
    this.by[this.noted++] = by
  }
}

/** `meta` is the batch's only metadata object, updated for each record; undefined for an operator's result. */
type Step = (value: any, meta: RecordMeta | undefined) => void

/** The stateless steps after one input, compiled once into nested closures. */
export class Program {
  readonly rows = new Rows()
  readonly terminals: Terminal[] = []
  /** Whether the steps may drop a row, or send it along another branch than other rows. */
  mayDrop = false
  private readonly counted: readonly number[]
  private readonly start: Step

  constructor(plan: Plan, node: number) {
    this.counted = countedSteps(plan, node)
    this.start = this.after(plan, node, false)
  }

  /**
   * Runs the steps for one record, or for an operator's result, which has no `meta`. Errors from user code reach the
   * caller.
   */
  run(value: unknown, meta: RecordMeta | undefined): Rows {
    this.rows.count = 0
    this.rows.noted = 0
    this.start(value, meta)
    return this.rows
  }

  private after(plan: Plan, node: number, diverted: boolean): Step {
    const readers = plan.readers[node]!.filter(
      (reader) => (reader.kind === 'side') === diverted || plan.pipeline.nodes[node]!.kind !== 'divert',
    )
    const steps = readers.map((reader) => this.step(plan, reader.id))
    if (steps.length === 1) return steps[0]!
    return (value, meta) => {
      for (const step of steps) step(value, meta)
    }
  }

  private step(plan: Plan, id: number): Step {
    const node = plan.pipeline.nodes[id]!
    const counter = this.counted.indexOf(id)
    if (counter >= 0) this.mayDrop = true
    const { rows } = this
    switch (node.kind) {
      case 'map': {
        const { fn } = node
        const next = this.after(plan, id, false)
        return (value, meta) => next(settled('The function of map()', fn(value, meta)), meta)
      }
      case 'filter': {
        const { fn } = node
        const next = this.after(plan, id, false)
        return (value, meta) => {
          if (settled('The function of filter()', fn(value, meta))) next(value, meta)
          else rows.note(counter, 1)
        }
      }
      case 'flat-map': {
        const { fn } = node
        const next = this.after(plan, id, false)
        return (value, meta) => {
          const what = 'The function of flatMap()'
          let made = 0
          for (const row of settled(what, fn(value, meta))) {
            made++
            next(settled(what, row), meta)
          }
          if (made > 0) rows.note(counter, made)
        }
      }
      case 'divert': {
        const { fn } = node
        const next = this.after(plan, id, false)
        const side = this.after(plan, id, true)
        return (value, meta) => {
          if (!settled('The test of sideOutput()', fn(value, meta))) return next(value, meta)
          rows.note(counter, 1)
          side(value, meta)
        }
      }
      case 'side':
      case 'merge':
        return this.after(plan, id, false)
      case 'sink':
        return this.emit({ kind: 'sink', index: this.terminals.length, sink: node.sink })
      case 'aggregate': {
        const operator = plan.operators.find((candidate) => candidate.node === node)!
        return this.enter({ kind: 'operator', index: this.terminals.length, operator }, operator)
      }
      case 'source':
        throw new TypeError('a source has no input')
    }
  }

  private emit(terminal: Terminal): Step {
    this.terminals.push(terminal)
    const { rows } = this
    return (value) => {
      const slot = rows.next()
      rows.terminal[slot] = terminal
      rows.value[slot] = value
      rows.count = slot + 1
    }
  }

  /**
   * The user's key function and every fold's read function run here, so that an error leaves all accumulators
   * unchanged.
   */
  private enter(terminal: Terminal, operator: OperatorPlan): Step {
    const key = guarded<any, RecordMeta | undefined, Key>(`The key of "${operator.name}"`, operator.key)
    const { folds } = operator
    this.terminals.push(terminal)
    const { rows } = this
    return (value, meta) => {
      const slot = rows.next()
      rows.terminal[slot] = terminal
      rows.value[slot] = value
      rows.key[slot] = key(value, meta)
      let inputs = rows.inputs[slot]
      if (inputs === undefined) {
        inputs = []
        rows.inputs[slot] = inputs
      }
      let i = 0
      try {
        for (; i < folds.length; i++) inputs[i] = folds[i]!.read(value, meta)
      } catch (thrown) {
        throw named(fieldOf(operator, i), thrown)
      }
      rows.count = slot + 1
    }
  }
}
