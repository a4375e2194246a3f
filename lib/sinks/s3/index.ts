import { load } from '../../aws/load.js'
import { bucketPlace } from '../../aws/s3-place.js'
import type { Where } from '../../aws/where.js'
import type { Sink } from '../../ports/index.js'

/**
 * Opens a bucket as a sink, with one object per batch of rows. A deployment can use it for its dead letters.
 * @param place `s3://BUCKET` or `s3://BUCKET/PREFIX`
 */
export async function openBucket(place: string, where: Where = {}): Promise<Sink> {
  const { bucketSink } = await load('A bucket as a sink', '@aws-sdk/client-s3', () => import('./adapter.js'))
  return bucketSink(bucketPlace(place), where)
}
