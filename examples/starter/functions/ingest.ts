import { ingest } from 'millrace/handlers'
import { environmentBindings } from 'millrace/lambda'
import pipeline from '../pipeline.js'

/** Every event source mapping invokes this function. */
export const handler = ingest(pipeline, await environmentBindings())
