import type { DynamoDBOptions } from '../../aws/dynamodb-client.js'
import { load } from '../../aws/load.js'
import { ConfigError } from '../../base/index.js'
import { fileLetters } from './file.js'
import type { DeadLetters } from './letter.js'

/** Where dead letters are stored. Exactly one of these is given. */
export interface LettersPlace {
  readonly table?: string
  /** `s3://BUCKET/PREFIX`. */
  readonly bucket?: string
  /** The file of a local run. */
  readonly file?: string
}

/**
 * Opens a store of dead letters. The AWS clients are optional packages: a table does not need the client for buckets.
 * @throws {ConfigError} if none or several of the places are given
 */
export async function openLetters(
  { table, bucket, file }: LettersPlace,
  dynamodb: DynamoDBOptions,
): Promise<DeadLetters> {
  const given = [table, bucket, file].filter((place) => place !== undefined).length
  if (given !== 1)
    throw new ConfigError(
      'no-letters',
      `Dead letters are stored in a table, in a bucket, or in a file of a local run; ${given === 0 ? 'none of them is' : 'several of them are'} given. Give --table NAME, --bucket s3://BUCKET/PREFIX, or, for "list", --file FILE.`,
    )
  if (file !== undefined) return fileLetters(file)
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
