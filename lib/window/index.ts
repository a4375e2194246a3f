export { gridMs, type Interval, Slices, sliceMs, type WindowStanding } from './slices.js'
export { cumulate, describeWindow, hopping, tumbling, type WindowSpec } from './window.js'
