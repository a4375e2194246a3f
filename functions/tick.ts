import pipeline from '../examples/flights/pipeline.js'
import { tick } from '../lib/handlers/index.js'
import { environmentBindings } from '../lib/lambda/index.js'

/** Invoked by the schedule once a minute. */
export const handler = tick(pipeline, await environmentBindings())
