import pipeline from '../examples/flights/pipeline.js'
import { ingest } from '../lib/handlers/index.js'
import { dynamodbStore } from '../lib/state/dynamodb/index.js'
import { memoryStore } from '../lib/state/memory/index.js'

// The ingest function with the AWS SDK loaded and a client created at import, as on DynamoDB. Its state is in memory:
// the first invocation is measured without a service.
export const store = await dynamodbStore('bench', { region: 'us-east-1' })
export const handler = ingest(pipeline, { state: memoryStore() })
