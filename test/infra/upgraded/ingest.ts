import { ingest } from '../../../lib/handlers/index.js'
import { environmentBindings } from '../../../lib/lambda/index.js'
import pipeline from './pipeline.js'

export const handler = ingest(pipeline, await environmentBindings())
