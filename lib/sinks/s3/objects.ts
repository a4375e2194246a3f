import type { BucketPlace } from '../../aws/s3-place.js'
import { digest, rowJson } from '../../base/index.js'
import type { SinkRow } from '../../ports/index.js'

/** Objects written, read or deleted at a time. */
export const OBJECTS_AT_ONCE = 32
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

/** A row's object: one line of JSON. */
export const objectText = ({ id, value }: SinkRow): string => `{"id":${JSON.stringify(id)},"row":${rowJson(value)}}\n`

/** The row of an object; undefined of one that holds none. */
export function rowIn(text: string): Pick<SinkRow, 'id' | 'value'> | undefined {
  try {
    const { id, row } = JSON.parse(text) as { id?: unknown; row?: unknown }
    return typeof id === 'string' ? { id, value: row } : undefined
  } catch {
    return undefined
  }
}
