import { advance } from 'millrace/handlers'
import { environmentBindings } from 'millrace/lambda'
import pipeline from '../pipeline.js'

/** Closes what ingest had no time to. */
export const handler = advance(pipeline, await environmentBindings())
