import { ConfigError, shown } from '../base/index.js'

/** A bucket, and the prefix of its objects' names. */
export interface BucketPlace {
  readonly bucket: string
  /** Empty, or ends with `/`. */
  readonly prefix: string
}

const PLACE = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(.*))?$/

export const isBucket = (text: string): boolean => text.startsWith('s3://')

/** `s3://BUCKET` or `s3://BUCKET/PREFIX`. */
export function bucketPlace(text: string): BucketPlace {
  const [, bucket, prefix = ''] = PLACE.exec(text) ?? []
  if (bucket === undefined)
    throw new ConfigError(
      'bad-bucket',
      `A bucket is given as s3://NAME or s3://NAME/PREFIX, with a name of 3 to 63 lower-case letters, digits, '-' and '.'; it is ${shown(text)}.`,
    )
  return { bucket, prefix: prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/` }
}
