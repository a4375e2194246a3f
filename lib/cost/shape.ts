import { SPARE_LIFE_MS } from '../base/index.js'
import { type Plan, writersOf } from '../pipeline/index.js'

/** The parts of a pipeline that its cost depends on. */
export interface Shape {
  readonly sources: readonly { readonly name: string; readonly connector: string }[]
  readonly stages: number
  /** How often the watermark is published at most, ms of event time. */
  readonly minAdvanceMs: number
  readonly operators: readonly {
    readonly name: string
    readonly stage: number
    readonly keyGroups: number
    /** The minimum number of segments per batch, if the batch has keys of all key groups. */
    readonly lanes: number
    /** How long a segment is kept, ms. */
    readonly lifeMs: number
    readonly fields: number
    /** The width of a slice, ms of event time; one slice closes per width while records arrive. */
    readonly widthMs: number
    readonly sliceMs: number
    /** How often a window of a key ends. */
    readonly windowEveryMs: number
    /** Whether it keeps state for each key. Its segments then hold whole rows. */
    readonly isKeyed: boolean
    /** Whether its results become items of a table. */
    readonly hasTable: boolean
  }[]
  /** For a pipeline without operators: whether each record becomes an item of a table. */
  readonly passesToTable: boolean
}

/** Reads a plan. A sink that writes files locally counts as a table, because it is one when deployed. */
export function shapeOf(plan: Plan): Shape {
  const { minAdvanceMs } = plan.pipeline
  const isTable = (connector: string): boolean => connector !== 'console' && connector !== 'callback'
  const outputs = plan.sinks.filter((sink) => sink !== plan.pipeline.deadLetter)
  return {
    sources: plan.sources.map(({ name, connector }) => ({ name, connector })),
    stages: plan.stages.length,
    minAdvanceMs,
    operators: plan.operators.map(({ name, stage, keyGroups, lanes, fields, slices, logic }) => ({
      name,
      stage,
      keyGroups,
      widthMs: slices.widthMs,
      lanes,
      lifeMs: slices.readMs + SPARE_LIFE_MS,
      fields: fields.length,
      sliceMs: Math.max(slices.widthMs, minAdvanceMs),
      windowEveryMs: slices.spec.stepMs,
      isKeyed: logic !== undefined,
      hasTable: outputs.some(
        (sink) => isTable(sink.connector) && writersOf(plan, sink.name).some((writer) => writer.name === name),
      ),
    })),
    passesToTable: plan.operators.length === 0 && outputs.some(({ connector }) => isTable(connector)),
  }
}
