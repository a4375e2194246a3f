import { PutObjectCommand } from '@aws-sdk/client-s3'
import { answered } from '../../aws/retry.js'
import { s3Client } from '../../aws/s3-client.js'
import type { BucketPlace } from '../../aws/s3-place.js'
import { type Where, whereOf } from '../../aws/where.js'
import type { Sink, SinkBatch } from '../../ports/index.js'
import { objectsOf, type RowsObject } from './objects.js'

/** Limits on concurrent writes: the number of objects and their total bytes. A larger object is written alone. */
const OBJECTS_AT_ONCE = 32
const BYTES_AT_ONCE = 16 * 1024 * 1024

/**
 * Writes rows as objects of a bucket, one object per batch, and only if no object of that name exists. A repeated batch
 * therefore already exists. If rows are repeated in other batches, they are written to further objects, so a reader has
 * to deduplicate rows by their ids. The sink is meant for rejected and late rows, which are never replaced.
 */
export function bucketSink(place: BucketPlace, where: Where): Sink {
  const client = s3Client(where)
  /** Writes an object. If a response is lost, the write is repeated and finds that the object exists (412). */
  const put = async ({ name, body }: RowsObject): Promise<void> => {
    const command = new PutObjectCommand({
      Bucket: place.bucket,
      Key: name,
      Body: body,
      ContentType: 'application/x-ndjson',
      IfNoneMatch: '*',
    })
    await answered('A write to', `The bucket "${place.bucket}"`, whereOf('S3', where), async () => {
      await client.send(command).catch((error: unknown) => {
        if ((error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode !== 412) throw error
      })
    })
  }
  return {
    write: (batches) => putAll(objectsOfAll(place, batches), put),
    close: async () => client.destroy(),
  }
}

function* objectsOfAll(place: BucketPlace, batches: readonly SinkBatch[]): Generator<RowsObject> {
  for (const batch of batches) yield* objectsOf(place, batch)
}

/**
 * Writes objects; each one is only built when it is written. After the first failure no further write starts; the error
 * is thrown when all running writes have ended.
 */
async function putAll(objects: Iterable<RowsObject>, put: (object: RowsObject) => Promise<void>): Promise<void> {
  const underWay = new Set<Promise<void>>()
  const failures: unknown[] = []
  let bytes = 0
  const begin = (object: RowsObject): void => {
    bytes += object.body.length
    const done = put(object)
      .catch((error: unknown) => void failures.push(error))
      .finally(() => {
        bytes -= object.body.length
        underWay.delete(done)
      })
    underWay.add(done)
  }
  const isFull = (more: number): boolean =>
    underWay.size === OBJECTS_AT_ONCE || (underWay.size > 0 && bytes + more > BYTES_AT_ONCE)
  try {
    for (const object of objects) {
      while (isFull(object.body.length)) await Promise.race(underWay)
      if (failures.length > 0) break
      begin(object)
    }
  } catch (error) {
    failures.push(error)
  }
  await Promise.all(underWay)
  if (failures.length > 0) throw failures[0]
}
