import { DeleteObjectCommand, GetObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3'
import { refusal } from '../../aws/failure.js'
import { limited } from '../../aws/limited.js'
import { RETRY_BUDGET, Retries, untilAnswered } from '../../aws/retry.js'
import { type S3Options, s3Client, s3Place } from '../../aws/s3-client.js'
import { bucketPlace } from '../../aws/s3-place.js'
import { ConfigError, MillraceError } from '../../base/index.js'
import type { Rejected } from '../../pipeline/index.js'
import { isOfRow } from '../../sinks/s3/objects.js'
import type { DeadLetter, DeadLetters } from './letter.js'

const OBJECTS_AT_ONCE = 32
const FOLDERS_SHOWN = 5

/** Dead letters as objects of a bucket. `text` is `s3://BUCKET/PREFIX`. */
export function bucketLetters(text: string, options: S3Options): DeadLetters {
  const { bucket: Bucket, prefix: Prefix } = bucketPlace(text)
  const client = s3Client(options)
  const call = async <R>(what: string, work: () => Promise<R>): Promise<R> =>
    await untilAnswered(new Retries(`${what} the bucket "${Bucket}"`, RETRY_BUDGET), work).catch((error: unknown) => {
      throw error instanceof MillraceError ? error : refusal(error, `The bucket "${Bucket}"`, s3Place(options))
    })
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
  try {
    const { id, row } = JSON.parse(text) as { id?: unknown; row?: Rejected }
    return typeof id === 'string' && typeof row?.reason === 'string' ? { ...row, id, place } : undefined
  } catch {
    return undefined
  }
}
