export { type Progress, type RunOptions, type RunSummary, run } from './run.js'
export { type Status, statusOf } from './status.js'
export { conservation, summaryText } from './summary.js'
