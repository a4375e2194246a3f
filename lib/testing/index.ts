export { type CheckOptions, checkAggregate, type RowAt } from './check-aggregate.js'
export { FAULTS, type Fault, type FaultKind } from './sim/faults.js'
export { type Simulated, type SimulatedRows, type SimulateOptions, simulate } from './simulate.js'
export { type RawPayload, raw, type SimulateInput } from './simulate-input.js'
