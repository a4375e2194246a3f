import { DynamoDBClient } from '@aws-sdk/client-dynamodb'

/** Answers with the credentials that a client of the bundle finds. */
export const handler = async (): Promise<unknown> => {
  const { accessKeyId, secretAccessKey, sessionToken } = await new DynamoDBClient({}).config.credentials()
  return { accessKeyId, secretAccessKey, sessionToken }
}
