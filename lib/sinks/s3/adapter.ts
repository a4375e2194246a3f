import { PutObjectCommand } from '@aws-sdk/client-s3'
import { limited } from '../../aws/limited.js'
import { answered } from '../../aws/retry.js'
import { s3Client } from '../../aws/s3-client.js'
import type { BucketPlace } from '../../aws/s3-place.js'
import { type Where, whereOf } from '../../aws/where.js'
import type { Sink, SinkBatch, SinkRow } from '../../ports/index.js'
import { OBJECTS_AT_ONCE, objectName, objectText } from './objects.js'

/**
 * Rows as objects of a bucket, each under its id and written where nothing stands yet: whoever comes again, cut otherwise or not, writes nothing twice. For rows
 * that are few and may be large, as dead letters are.
 */
export function bucketSink(place: BucketPlace, where: Where): Sink {
  const client = s3Client(where)
  /** A write whose answer is lost is written again, and finds itself there. */
  const put = async (row: SinkRow): Promise<void> => {
    const command = new PutObjectCommand({
      Bucket: place.bucket,
      Key: objectName(place, row.id),
      Body: objectText(row),
      ContentType: 'application/json',
      IfNoneMatch: '*',
    })
    await answered('A write to', `The bucket "${place.bucket}"`, whereOf('S3', where), async () => {
      await client.send(command).catch((error: unknown) => {
        if ((error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode !== 412) throw error
      })
    })
  }
  const write = async (batches: readonly SinkBatch[]): Promise<void> => {
    const rows = batches.flatMap((batch) => batch.rows)
    await limited(rows, OBJECTS_AT_ONCE, put)
  }
  return { write, close: async () => client.destroy() }
}
