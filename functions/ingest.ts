import pipeline from '../examples/flights/pipeline.js'
import { ingest } from '../lib/handlers/index.js'
import { state } from './state.js'

/** Every event source mapping of the pipeline invokes this. */
export const handler = ingest(pipeline, { state })
