export type { Aggregate, AggregateMap, Json, Place, ResultOf } from './aggregate.js'
export { avg, count, stddev, sum } from './numbers.js'
export { first, last, max, maxBy, min, minBy } from './order.js'
export { type CustomAggregate, collect, custom, distinctCount } from './sets.js'
