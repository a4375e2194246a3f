import pipeline from '../examples/flights/pipeline.js'
import { ingest } from '../lib/handlers/index.js'
import { memoryStore } from '../lib/state/memory/index.js'

// The ingest function with its state in memory: the same as `cold-sdk.ts`, without the AWS SDK.
export const handler = ingest(pipeline, { state: memoryStore() })
