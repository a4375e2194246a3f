import pipeline from '../examples/flights/pipeline.js'
import { advance } from '../lib/handlers/index.js'
import { environmentBindings } from '../lib/lambda/index.js'

/** Closes what ingest had no time to close. */
export const handler = advance(pipeline, await environmentBindings())
