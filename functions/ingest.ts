import pipeline from '../examples/flights/pipeline.js'
import { ingest } from '../lib/handlers/index.js'
import { environmentBindings } from '../lib/lambda/index.js'

/** Every event source mapping of the pipeline invokes this. */
export const handler = ingest(pipeline, await environmentBindings())
