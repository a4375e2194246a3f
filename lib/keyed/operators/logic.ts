import type { Json } from '../../aggregate/index.js'
import { type KeyedLogic, lazily, type StepOf } from '../logic.js'
import type { ProcessContext, ProcessHandlers } from '../process.js'
import { keyedRows } from '../rows.js'
import type { StateSpec } from '../state.js'

/** One handler for the rows and one for the timers of a key, over one state. */
export interface RowOperator<Access> {
  readonly state: StateSpec<Access>
  readonly ttlMs?: number | undefined
  /** What makes a state smaller that is too large. */
  readonly advice?: string
  readonly handlers: ProcessHandlers<any, any, Record<'kept', StateSpec<Access>>, any>
}

export type RowContext<Access> = ProcessContext<any, Record<'kept', StateSpec<Access>>>

interface Declared {
  /** The method that declares it. */
  readonly kind: string
  readonly name: string
  readonly options: Readonly<Record<string, Json>>
  readonly load: () => Promise<RowOperator<any>>
}

/** Rows are processed one by one, and cannot be taken back. */
const entry = Object.freeze({ ...keyedRows, invertible: false })

/** The logic of an operator that is a process function of our own. It is loaded when the first slice closes. */
export function rowLogic({ kind, name, options, load }: Declared): KeyedLogic {
  const loaded = async (): Promise<StepOf> => {
    const [{ processStep }, operator] = await Promise.all([import('../process-run.js'), load()])
    const { state, ttlMs, handlers, advice } = operator
    const what = `${kind}("${name}")`
    return processStep({ name, what, specs: [['kept', state]], ttls: [ttlMs], handlers, ...(advice && { advice }) })
  }
  return {
    kind,
    results: 'once',
    options,
    entry,
    load: lazily(loaded),
  }
}
