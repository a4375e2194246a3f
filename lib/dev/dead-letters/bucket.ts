import { DeleteObjectCommand, GetObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3'
import { refusal } from '../../aws/failure.js'
import { RETRY_BUDGET, Retries, untilAnswered } from '../../aws/retry.js'
import { type S3Options, s3Client, s3Place } from '../../aws/s3-client.js'
import { bucketPlace } from '../../aws/s3-place.js'
import { MillraceError } from '../../base/index.js'
import type { Rejected } from '../../pipeline/index.js'
import { isOfRow, objectName } from '../../sinks/s3/objects.js'
import type { DeadLetter, DeadLetters } from './letter.js'

const OBJECTS_AT_ONCE = 32

/** Dead letters as objects of a bucket. `text` is `s3://BUCKET/PREFIX`. */
export function bucketLetters(text: string, options: S3Options): DeadLetters {
  const place = bucketPlace(text)
  const { bucket: Bucket, prefix: Prefix } = place
  const client = s3Client(options)
  const call = async <R>(what: string, work: () => Promise<R>): Promise<R> =>
    await untilAnswered(new Retries(`${what} the bucket "${Bucket}"`, RETRY_BUDGET), work).catch((error: unknown) => {
      throw error instanceof MillraceError ? error : refusal(error, `The bucket "${Bucket}"`, s3Place(options))
    })
  const read = async (Key: string): Promise<DeadLetter | undefined> =>
    await call('A look into', async () => {
      const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }))
      return letterIn(await Body!.transformToString())
    })
  return {
    async *all() {
      let from: string | undefined
      do {
        const page = await call('A look at', () =>
          client.send(new ListObjectsV2Command({ Bucket, Prefix, ...(from && { ContinuationToken: from }) })),
        )
        const keys = (page.Contents ?? []).flatMap(({ Key }) => (Key !== undefined && isOfRow(Key) ? Key : []))
        for (let at = 0; at < keys.length; at += OBJECTS_AT_ONCE) {
          const letters = await Promise.all(keys.slice(at, at + OBJECTS_AT_ONCE).map(read))
          for (const letter of letters) if (letter !== undefined) yield letter
        }
        from = page.NextContinuationToken
      } while (from !== undefined)
    },
    async remove(id) {
      await call('A deletion in', () => client.send(new DeleteObjectCommand({ Bucket, Key: objectName(place, id) })))
    },
    close: () => client.destroy(),
  }
}

/** Other objects of the bucket are not ours. */
function letterIn(text: string): DeadLetter | undefined {
  try {
    const { id, row } = JSON.parse(text) as { id?: unknown; row?: Rejected }
    return typeof id === 'string' && typeof row?.reason === 'string' ? { ...row, id } : undefined
  } catch {
    return undefined
  }
}
