import pipeline from '../examples/flights/pipeline.js'
import { tick } from '../lib/handlers/index.js'
import { bindings } from './bindings.js'

/** The schedule invokes this once a minute. */
export const handler = tick(pipeline, bindings)
