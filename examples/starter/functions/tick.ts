import { tick } from 'millrace/handlers'
import { environmentBindings } from 'millrace/lambda'
import pipeline from '../pipeline.js'

/** The schedule invokes this function once a minute. */
export const handler = tick(pipeline, await environmentBindings())
