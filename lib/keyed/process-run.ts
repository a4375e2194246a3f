import { messageOf, reasonOf } from '../base/index.js'
import {
  accessOf,
  type Compiled,
  handlerOf,
  isTimer,
  KeyRun,
  RUN_LIMITS,
  type RunLimits,
  type Shape,
  type Stored,
  type Work,
} from './key-run.js'
import type { KeyedRejection, KeyedResult, KeyStep, StepOf } from './logic.js'

/** The step of a process function. */
export function processStep(shape: Shape, limits: RunLimits = RUN_LIMITS): StepOf {
  const compiled = { ...shape, limits, access: accessOf(shape.specs.map(([field]) => field)) }
  return (step) => attempt(compiled, step, step.state()) ?? carefully(compiled, step)
}

/** Everything at once. Undefined if user code threw, or the state cannot be stored. */
function attempt(shape: Compiled, step: KeyStep, stored: Stored | undefined): KeyedResult | undefined {
  const run = new KeyRun(shape, step, stored)
  try {
    for (let work = run.next(); work !== undefined; work = run.next()) run.handle(work)
    return { ...run.stored(), outputs: run.outputs, rejected: [] }
  } catch {
    return undefined
  }
}

/** Row by row, and timer by timer, each with the state before it at hand: what throws is rejected alone. */
function carefully(shape: Compiled, step: KeyStep): KeyedResult {
  const rejected: KeyedRejection[] = []
  let run = new KeyRun(shape, step, step.state())
  let before = run.stored().state
  for (let work = run.next(); work !== undefined; work = run.next()) {
    const outputs = run.outputs.length
    try {
      run.handle(work)
      before = run.stored().state
    } catch (thrown) {
      run.outputs.length = outputs
      run = run.restored(before === undefined ? undefined : JSON.parse(before), work)
      before = run.stored().state
      rejected.push(rejection(shape, step, work, thrown, rejected.length))
    }
  }
  return { ...run.stored(), outputs: run.outputs, rejected }
}

/** V8's messages for a change of what is frozen. */
const FROZEN = /read only|read-only|not extensible|Cannot (?:delete|redefine) property/

function detailOf(shape: Compiled, work: Work, thrown: unknown): string {
  const what = handlerOf(shape, work)
  const message = messageOf(thrown)
  if (message.startsWith(what)) return message
  return thrown instanceof TypeError && FROZEN.test(message)
    ? `${what}: ${message}. Rows and values of state are frozen: create a new object, such as { ...value, count: 1 }.`
    : `${what}: ${message}`
}

function rejection(shape: Compiled, step: KeyStep, work: Work, thrown: unknown, n: number): KeyedRejection {
  const code = reasonOf(thrown)
  const detail = detailOf(shape, work, thrown)
  const id = `${step.end}/rejected/${n}`
  return isTimer(work)
    ? {
        reason: code,
        detail,
        split: shape.name,
        position: String(work.time),
        timestamp: work.time,
        payload: { timer: work.name, time: work.time },
        id,
      }
    : {
        reason: code,
        detail,
        split: work.split,
        position: work.position,
        timestamp: work.timestamp,
        payload: work.value,
        id,
      }
}
