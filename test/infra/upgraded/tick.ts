import { tick } from '../../../lib/handlers/index.js'
import { environmentBindings } from '../../../lib/lambda/index.js'
import pipeline from './pipeline.js'

export const handler = tick(pipeline, await environmentBindings())
