import pipeline from '../examples/flights/pipeline.js'
import { tick } from '../lib/handlers/index.js'
import { state } from './state.js'

/** The schedule invokes this once a minute. */
export const handler = tick(pipeline, { state })
