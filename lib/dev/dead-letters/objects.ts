import type { ListObjectsV2CommandInput, ListObjectsV2CommandOutput } from '@aws-sdk/client-s3'
import type { BucketPlace } from '../../aws/s3-place.js'
import { ConfigError } from '../../base/index.js'
import { type NamedRows, namedRows } from '../../sinks/s3/objects.js'

const FOLDERS_SHOWN = 5

/** An object of dead letters, as the bucket lists it. */
export interface LettersObject extends NamedRows {
  readonly key: string
  readonly bytes: number
}

/**
 * The objects of a folder that hold dead letters, ordered by their split or operator, then by their starts.
 * @throws {ConfigError} if there are only folders: dead letters are in the folder of one sink
 */
export async function listObjects(
  { bucket, prefix }: BucketPlace,
  listPage: (input: ListObjectsV2CommandInput) => Promise<ListObjectsV2CommandOutput>,
): Promise<LettersObject[]> {
  const found: LettersObject[] = []
  const folders: string[] = []
  let from: string | undefined
  do {
    const page = await listPage({
      Bucket: bucket,
      Prefix: prefix,
      Delimiter: '/',
      ...(from && { ContinuationToken: from }),
    })
    for (const { Key: key = '', Size: bytes = 0 } of page.Contents ?? []) {
      const named = namedRows(key.slice(prefix.length))
      if (named !== undefined) found.push({ ...named, key, bytes })
    }
    for (const folder of page.CommonPrefixes ?? []) folders.push(`s3://${bucket}/${folder.Prefix}`)
    from = page.NextContinuationToken
  } while (from !== undefined)
  if (found.length === 0 && folders.length > 0)
    throw new ConfigError(
      'no-letters',
      `There are no dead letters at s3://${bucket}/${prefix}, only folders: ${folders.slice(0, FOLDERS_SHOWN).join(', ')}. Give the location of one sink of a pipeline; it is in the outputs of the stack.`,
    )
  return found.sort((a, b) => compare(a.group, b.group) || compare(a.from, b.from) || compare(a.key, b.key))
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
