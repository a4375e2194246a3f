import type { BucketPlace } from '../../aws/s3-place.js'
import { digest } from '../../base/index.js'

/** S3 takes names of 1,024 bytes. */
const NAME_BYTES_MAX = 1024
const ENDING = '.json'

/** The name of a row's object: its id, as a URL would have it. A long one is known by its digest. */
export function objectName({ prefix }: BucketPlace, id: string): string {
  const name = `${prefix}${encodeURIComponent(id.toWellFormed())}${ENDING}`
  const isPlain = Buffer.byteLength(name) <= NAME_BYTES_MAX && id.isWellFormed()
  return isPlain ? name : `${prefix}${digest(id)}${ENDING}`
}

/** Whether an object may be that of a row. */
export const isOfRow = (name: string): boolean => name.endsWith(ENDING)
