export { DEPLOYMENT, type Deployment, type Measured } from './estimate.js'
export { type CostReport, costReport } from './report.js'
export { shapeOf } from './shape.js'
export { parseRate, parseSize, type Workload } from './workload.js'
