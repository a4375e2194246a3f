import pipeline from '../examples/flights/pipeline.js'
import { ingest } from '../lib/handlers/index.js'
import { environmentBindings } from '../lib/lambda/index.js'

/** Invoked by every event source mapping of the pipeline. */
export const handler = ingest(pipeline, await environmentBindings())
