export { type CheckOptions, checkAggregate, type RowAt } from './check-aggregate.js'
