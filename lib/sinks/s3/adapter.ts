import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3'
import { judgeError, refusal } from '../../aws/failure.js'
import { limited } from '../../aws/limited.js'
import { RETRY_BUDGET, Retries } from '../../aws/retry.js'
import { type S3Options, s3Client, s3Place } from '../../aws/s3-client.js'
import type { BucketPlace } from '../../aws/s3-place.js'
import { MillraceError, rowJson } from '../../base/index.js'
import type { Sink, SinkBatch, SinkRow } from '../../ports/index.js'
import { objectName } from './objects.js'

/** Rows written at a time. */
const OBJECTS_AT_ONCE = 32

/**
 * Rows as objects of a bucket, each under its id and written where nothing stands yet: whoever comes again, cut otherwise or not, writes nothing twice. For rows
 * that are few and may be large, as dead letters are.
 */
export function bucketSink(place: BucketPlace, options: S3Options): Sink {
  const client = s3Client(options)
  const what = `The bucket "${place.bucket}"`
  const write = async (batches: readonly SinkBatch[]): Promise<void> => {
    const rows = batches.flatMap((batch) => batch.rows)
    try {
      await limited(rows, OBJECTS_AT_ONCE, (row) => put(client, place, row, `A write to ${what.toLowerCase()}`))
    } catch (error) {
      throw error instanceof MillraceError ? error : refusal(error, what, s3Place(options))
    }
  }
  return { write, close: async () => client.destroy() }
}

/** A write whose answer is lost is written again, and finds itself there. */
async function put(client: S3Client, { bucket, prefix }: BucketPlace, { id, value }: SinkRow, what: string) {
  const command = new PutObjectCommand({
    Bucket: bucket,
    Key: objectName({ bucket, prefix }, id),
    Body: `{"id":${JSON.stringify(id)},"row":${rowJson(value)}}\n`,
    ContentType: 'application/json',
    IfNoneMatch: '*',
  })
  const retries = new Retries(what, RETRY_BUDGET)
  for (;;) {
    try {
      await client.send(command)
      return
    } catch (error) {
      if ((error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode === 412) return
      const failure = judgeError(error)
      if (failure === 'refused') throw error
      await retries.pause(failure, error)
    }
  }
}
