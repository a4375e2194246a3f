import pipeline from '../examples/flights/pipeline.js'
import { ingest } from '../lib/handlers/index.js'
import { bindings } from './bindings.js'

/** Every event source mapping of the pipeline invokes this. */
export const handler = ingest(pipeline, bindings)
