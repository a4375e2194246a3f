import { advance } from 'millrace/handlers'
import { environmentBindings } from 'millrace/lambda'
import pipeline from '../pipeline.js'

/** Closes windows that ingest had no time to close. */
export const handler = advance(pipeline, await environmentBindings())
