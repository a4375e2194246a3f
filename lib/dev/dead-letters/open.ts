import type { DynamoDBOptions } from '../../aws/dynamodb-client.js'
import { load } from '../../aws/load.js'
import { ConfigError } from '../../base/index.js'
import type { DeadLetters } from './letter.js'

/** Where dead letters are: one of the two. */
export interface LettersPlace {
  readonly table?: string
  /** `s3://BUCKET/PREFIX`. */
  readonly bucket?: string
}

/**
 * Opens what keeps dead letters. The clients are optional packages: whoever has a table needs none of buckets.
 * @throws {ConfigError} for neither or both
 */
export async function openLetters({ table, bucket }: LettersPlace, dynamodb: DynamoDBOptions): Promise<DeadLetters> {
  if ((table === undefined) === (bucket === undefined))
    throw new ConfigError(
      'no-letters',
      `Dead letters are in a table or in a bucket; ${table === undefined ? 'neither is' : 'both are'} given. Give --table NAME, or --bucket s3://BUCKET/PREFIX.`,
    )
  if (table !== undefined) {
    const { tableLetters } = await load(
      'The table of dead letters',
      '@aws-sdk/client-dynamodb',
      () => import('./table.js'),
    )
    return tableLetters(table, dynamodb)
  }
  const { bucketLetters } = await load('The bucket of dead letters', '@aws-sdk/client-s3', () => import('./bucket.js'))
  return bucketLetters(bucket!, dynamodb.region === undefined ? {} : { region: dynamodb.region })
}
