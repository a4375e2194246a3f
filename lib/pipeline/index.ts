export { type Advice, adviceOf } from './advice.js'
export { describe, stepLabel } from './describe.js'
export { difference } from './difference.js'
export { type Accumulation, type GraphNode, inputsOf, type Pipeline, type PipelineOptions, stepName } from './graph.js'
export { fingerprint, type Manifest, manifest } from './manifest.js'
export { hostDeadLetter, pipeline } from './pipeline.js'
export { operatorNamed, plan } from './plan.js'
export type { ProcessOptions } from './process-options.js'
export type { LetterBytes, LetterRecord, Pane, Rejected, RunningResult, WindowResult } from './result.js'
export type { CountWindowResult, Ranked } from './row-operators.js'
export type {
  CountWindowOptions,
  DeduplicateOptions,
  LagOptions,
  LeadOptions,
  OverOptions,
  RankOptions,
  TopNOptions,
} from './row-options.js'
export { writersOf } from './rules.js'
export type { RunningOptions } from './running-step.js'
export type { InputPlan, OperatorPlan, Plan, StagePlan } from './stages.js'
export { countedSteps, rowsOfSteps, type StepCounts, type StepRows, stepsAfter } from './steps.js'
export { Builder, KeyedStream, Stream, WindowedStream } from './stream.js'
export type { WindowOptions } from './window-options.js'
