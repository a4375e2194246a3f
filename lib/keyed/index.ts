export { Folds } from './folds.js'
export type { KeyedLogic, KeyedOutput, KeyedRejection, KeyedResult, KeyedRow, KeyStep, StepOf } from './logic.js'
export { type RowOperator, rowLogic } from './operators/logic.js'
export type { Score } from './operators/ranking.js'
export {
  type ProcessContext,
  type ProcessHandlers,
  processLogic,
  type Rows,
  type Timer,
  type Timers,
} from './process.js'
export { runningLogic } from './running/running.js'
export {
  type AccessOf,
  type AggregateState,
  aggregate,
  type ListState,
  list,
  type MapState,
  map,
  type StateMap,
  type StateOptions,
  type StateSpec,
  type ValueState,
  value,
} from './state.js'
export type { KeyedWindowSpec } from './windows/assign.js'
export { type EarlyTrigger, windowsLogic } from './windows/windows.js'
