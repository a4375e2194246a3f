export { gridMs, type Interval, Slices, sliceMs } from './slices.js'
export { cumulate, describeWindow, hopping, tumbling, type WindowSpec } from './window.js'
