import pipeline from '../examples/flights/pipeline.js'
import { advance } from '../lib/handlers/index.js'
import { bindings } from './bindings.js'

/** Closes what ingest had no time to. */
export const handler = advance(pipeline, bindings)
