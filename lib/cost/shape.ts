import { SPARE_LIFE_MS } from '../base/index.js'
import { type Plan, writersOf } from '../pipeline/index.js'

/** What of a pipeline its cost hangs on. */
export interface Shape {
  readonly sources: readonly { readonly name: string; readonly connector: string }[]
  readonly operators: readonly {
    readonly name: string
    readonly keyGroups: number
    /** Segments that a batch writes at least, where it has keys of all key groups. */
    readonly lanes: number
    /** How long a segment lives, ms. */
    readonly lifeMs: number
    readonly fields: number
    /** How often a slice closes while records come, ms of event time. */
    readonly sliceMs: number
    /** How often a window of a key ends. */
    readonly windowEveryMs: number
    /** Whether its results become items of a table. */
    readonly hasTable: boolean
  }[]
  /** Without operators: whether each record becomes an item of a table. */
  readonly passesToTable: boolean
}

/** Reads a plan. A sink that is no table on a laptop is one where it is deployed. */
export function shapeOf(plan: Plan): Shape {
  const { minAdvanceMs } = plan.pipeline
  const isTable = (connector: string): boolean => connector !== 'console' && connector !== 'callback'
  const outputs = plan.sinks.filter((sink) => sink !== plan.pipeline.deadLetter)
  return {
    sources: plan.sources.map(({ name, connector }) => ({ name, connector })),
    operators: plan.operators.map(({ name, keyGroups, lanes, fields, slices, node: { window } }) => ({
      name,
      keyGroups,
      lanes,
      lifeMs: slices.readMs + SPARE_LIFE_MS,
      fields: fields.length,
      sliceMs: Math.max(slices.widthMs, minAdvanceMs),
      windowEveryMs: window.stepMs,
      hasTable: outputs.some(
        (sink) => isTable(sink.connector) && writersOf(plan, sink.name).some((writer) => writer.name === name),
      ),
    })),
    passesToTable: plan.operators.length === 0 && outputs.some(({ connector }) => isTable(connector)),
  }
}
