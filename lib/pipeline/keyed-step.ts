import { ConfigError, type Duration, milliseconds, SLICE_MS_MAX, SLICE_MS_MIN } from '../base/index.js'
import type { KeyedLogic } from '../keyed/index.js'
import type { SinkNode } from '../ports/index.js'
import type { OperatorStep } from './graph.js'

/** The node of an operator before it has its id, input and key. */
export type KeyedNode = Omit<OperatorStep, 'id' | 'input' | 'key'>

/** The length of a slice, ms; 0 if the plan chooses it. */
export function sliceLength(what: string, given: Duration | undefined): number {
  if (given === undefined) return 0
  const ms = milliseconds(given, `every of ${what}`, SLICE_MS_MIN)
  if (ms <= SLICE_MS_MAX) return ms
  throw new ConfigError('bad-duration', `every of ${what} may be at most 1h; it is ${given}.`)
}

/** The node of an operator with state for each key. `everyMs`: the length of its slices; 0 if the plan chooses it. */
export function keyedStep(name: string, everyMs: number, logic: KeyedLogic, late?: SinkNode<any>): KeyedNode {
  return {
    kind: 'aggregate',
    name,
    window: Object.freeze({ kind: 'tumbling', sizeMs: everyMs, stepMs: everyMs }),
    offsetMs: 0,
    allowedLatenessMs: 0,
    accumulation: 'accumulating',
    emit: 'panes',
    emptyForMs: 0,
    late,
    aggregates: Object.freeze({ rows: logic.entry }),
    logic,
  }
}
