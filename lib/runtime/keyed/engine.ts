export { KeyedState } from './keyed-state.js'
