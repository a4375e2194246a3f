export { gridMs, type Interval, roundDownMs, Slices, sliceMs, type WindowStanding } from './slices.js'
export { cumulate, describeWindow, hopping, tumbling, type WindowSpec } from './window.js'
