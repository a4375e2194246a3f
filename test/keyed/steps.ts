import type { KeyedResult, KeyedRow, ProcessHandlers, StepOf } from '../../lib/keyed/index.js'
import { type Compiled, RUN_LIMITS, type RunLimits } from '../../lib/keyed/key-run.js'
import { processStep } from '../../lib/keyed/process-run.js'
import type { StateMap } from '../../lib/keyed/state.js'
import { pipeline, type Stream } from '../../lib/pipeline/index.js'
import { sink, source } from '../pipeline/fixtures.js'

interface Options<S> {
  readonly state?: S
  readonly ttlMs?: number
  readonly limits?: Partial<RunLimits>
}

/** A row whose timestamp is its time, unless it is late. */
export const row = (value: unknown, turn: number, timestamp = turn, position = `${turn}`): KeyedRow => ({
  value,
  turn,
  timestamp,
  split: 's',
  position,
})

/** Slices of one key, one after another, with the state as text between them. */
class Slices {
  /** What is stored, as text. */
  stored: string | undefined
  due: number | undefined
  private readonly step: StepOf
  private end = 0

  constructor(step: StepOf) {
    this.step = step
  }

  /** Processes the slice up to a time. */
  slice(end: number, ...rows: KeyedRow[]): KeyedResult {
    const { stored } = this
    const result = this.step({
      key: 'k',
      text: 'k',
      start: this.end,
      end,
      entries: rows.length === 0 ? undefined : rows,
      state: () => (stored === undefined ? undefined : JSON.parse(stored)),
    })
    this.end = end
    this.stored = result.state
    this.due = result.due
    return result
  }

  /** The values that a slice gives, none of which may have been rejected. */
  given(end: number, ...rows: KeyedRow[]): unknown[] {
    const { outputs, rejected } = this.slice(end, ...rows)
    if (rejected.length > 0) throw new Error(rejected[0]!.detail)
    return outputs.map(({ value }) => value)
  }
}

/** A key of a process function. */
export class Key<S extends StateMap> extends Slices {
  constructor(handlers: ProcessHandlers<any, any, S, any>, { state, ttlMs, limits }: Options<S> = {}) {
    const specs = Object.entries(state ?? {}) as unknown as Compiled['specs']
    const ttls = specs.map(([, spec]) => spec.ttlMs ?? ttlMs)
    super(processStep({ name: 'p', specs, ttls, handlers }, { ...RUN_LIMITS, ...limits }))
  }
}

/** A key of an operator of a pipeline, as the pipeline declares it. */
export async function operatorKey(declare: (rows: any) => Stream<any, any>): Promise<Slices> {
  const made = pipeline('p', { deadLetter: sink('dead') }, (p) => {
    declare(p.from(source('rows')).keyBy(() => 'k')).to(sink('out'))
  })
  const operator = made.nodes.find((node) => node.kind === 'aggregate')!
  return new Slices(await operator.logic!.load())
}

/** Handlers for one kind of row: a function that is called with the context. */
export type Call<S extends StateMap> = (ctx: Parameters<ProcessHandlers<any, any, S, any>['onRow']>[0]) => unknown
export const calls = <S extends StateMap>(): ProcessHandlers<Call<S>, any, S, any> => ({
  onRow: (ctx, call) => [call(ctx)],
  onTimer: (ctx, { name, time }) => [{ name, time, now: ctx.now }],
})
