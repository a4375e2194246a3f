import { DeleteObjectCommand, GetObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3'
import { limited } from '../../aws/limited.js'
import { answered } from '../../aws/retry.js'
import { s3Client } from '../../aws/s3-client.js'
import { bucketPlace } from '../../aws/s3-place.js'
import { type Where, whereOf } from '../../aws/where.js'
import { ConfigError } from '../../base/index.js'
import type { Rejected } from '../../pipeline/index.js'
import { isOfRow, OBJECTS_AT_ONCE, rowIn } from '../../sinks/s3/objects.js'
import type { DeadLetter, DeadLetters } from './letter.js'

const FOLDERS_SHOWN = 5

/** Dead letters as objects of a bucket. `text` is `s3://BUCKET/PREFIX`. */
export function bucketLetters(text: string, where: Where): DeadLetters {
  const { bucket: Bucket, prefix: Prefix } = bucketPlace(text)
  const client = s3Client(where)
  const call = async <R>(doing: string, work: () => Promise<R>): Promise<R> =>
    await answered(doing, `The bucket "${Bucket}"`, whereOf('S3', where), work)
  /** Undefined for what somebody else has removed meanwhile, and for what is no letter. */
  const read = async (Key: string): Promise<DeadLetter | undefined> =>
    await call('A look into', async () => {
      try {
        const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }))
        return letterIn(await Body!.transformToString(), Key)
      } catch (error) {
        if ((error as Error).name === 'NoSuchKey') return undefined
        throw error
      }
    })
  /** All names first: a letter that is written meanwhile, as its record was sent again, is another look's. */
  const keys = async (): Promise<string[]> => {
    const found: string[] = []
    const folders: string[] = []
    let from: string | undefined
    do {
      const page = await call('A look at', () =>
        client.send(
          new ListObjectsV2Command({ Bucket, Prefix, Delimiter: '/', ...(from && { ContinuationToken: from }) }),
        ),
      )
      for (const { Key } of page.Contents ?? []) if (Key !== undefined && isOfRow(Key)) found.push(Key)
      for (const folder of page.CommonPrefixes ?? []) folders.push(`s3://${Bucket}/${folder.Prefix}`)
      from = page.NextContinuationToken
    } while (from !== undefined)
    if (found.length === 0 && folders.length > 0)
      throw new ConfigError(
        'no-letters',
        `There are no dead letters at ${text}, but folders: ${folders.slice(0, FOLDERS_SHOWN).join(', ')}. Give the place of one sink of a pipeline, as the stack's output says it.`,
      )
    return found
  }
  return {
    async *all() {
      const all = await keys()
      for (let at = 0; at < all.length; at += OBJECTS_AT_ONCE) {
        const letters = await Promise.all(all.slice(at, at + OBJECTS_AT_ONCE).map(read))
        for (const letter of letters) if (letter !== undefined) yield letter
      }
    },
    remove: (names) =>
      limited(names, OBJECTS_AT_ONCE, async (Key) => {
        await call('A deletion in', () => client.send(new DeleteObjectCommand({ Bucket, Key })))
      }),
    close: () => client.destroy(),
  }
}

/** Other objects of the bucket are not ours. */
function letterIn(text: string, place: string): DeadLetter | undefined {
  const { id, value } = rowIn(text) ?? {}
  const row = value as Rejected | null | undefined
  return id !== undefined && typeof row?.reason === 'string' ? { ...row, id, place } : undefined
}
