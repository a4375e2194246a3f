import type { OperatorPlan, Plan } from '../../pipeline/index.js'
import type { Host } from '../host.js'
import type { KeyedState } from './keyed-state.js'

type Engine = typeof import('./engine.js')

let engine: Engine | undefined

/** Loads what a pipeline with keyed state needs. A pipeline without it never loads any of this. */
async function loadEngine(): Promise<Engine> {
  engine ??= await import('./engine.js')
  return engine
}

/** The keyed state of a key group, with nothing read yet. */
export async function openState(host: Host, operator: OperatorPlan, keyGroup: number): Promise<KeyedState> {
  const { KeyedState } = engine ?? (await loadEngine())
  return new KeyedState({ host, operator, keyGroup }, await operator.logic!.load())
}

/** Loads everything that the operators of a plan need, for a host whose time is not that of the machine. */
export async function loadKeyed(plan: Plan): Promise<void> {
  for (const { logic } of plan.operators) {
    if (logic === undefined) continue
    await loadEngine()
    await logic.load()
  }
}
