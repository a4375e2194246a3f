import type { BucketPlace } from '../../aws/s3-place.js'
import { digest, rowJson } from '../../base/index.js'
import type { SinkBatch, SinkRow } from '../../ports/index.js'

/** S3 accepts names of up to 1,024 bytes. */
const NAME_BYTES_MAX = 1024
/**
 * The size limit of one object, unless a single row is larger. Its text and its bytes are in memory at the same time. A
 * larger batch becomes several objects.
 */
const OBJECT_BYTES_MAX = 4 * 1024 * 1024

/** An object to be written: one line of JSON per row. */
export interface RowsObject {
  readonly name: string
  readonly body: Buffer
}

/** A row as stored in its object. */
export type StoredRow = Pick<SinkRow, 'id' | 'value' | 'order'>

/** The information about its rows in the name of an object. */
export interface NamedRows {
  /** A split, or a part of an operator. Rows of different groups never have the same id. */
  readonly group: string
  /** All rows are after this position; empty if that is not known. Objects of a split may overlap. */
  readonly from: string
}

/** The objects of a batch: one, or several if the batch exceeds the size limit of an object. */
export function* objectsOf(place: BucketPlace, batch: SinkBatch): Generator<RowsObject> {
  let ids: string[] = []
  let lines: string[] = []
  let bytes = 0
  for (const row of batch.rows) {
    const line = lineOf(row)
    const more = Buffer.byteLength(line)
    if (lines.length > 0 && bytes + more > OBJECT_BYTES_MAX) {
      yield { name: nameOf(place, batch, ids), body: Buffer.from(lines.join('')) }
      ids = []
      lines = []
      bytes = 0
    }
    ids.push(row.id)
    lines.push(line)
    bytes += more
  }
  if (lines.length > 0) yield { name: nameOf(place, batch, ids), body: Buffer.from(lines.join('')) }
}

/**
 * `s.SPLIT_FROM_TO_DIGEST.ndjson` or `o.OPERATOR_PART_DIGEST.ndjson`. The digest is computed from the rows' ids, so
 * that a name always stands for the same rows, even if another attempt found other rows in the same range (a user
 * skipped a record, or deployed other code). All objects of a run are in one folder; a folder within it belongs to
 * another run.
 */
function nameOf({ prefix }: BucketPlace, batch: SinkBatch, ids: readonly string[]): string {
  const whose = batch.kind === 'split' ? [batch.split, batch.from, batch.to] : [batch.operator, batch.part]
  const end = `_${digest(JSON.stringify([...whose, ids]))}.ndjson`
  const start = `${prefix}${batch.kind === 'split' ? 's' : 'o'}.`
  const [first, ...others] = whose.map(encoded)
  const short = `~${digest(whose[0]!)}`
  const heads = [[first, ...others].join('_'), [short, ...others].join('_')]
  const fits = heads.find((head) => Buffer.byteLength(start + head + end) <= NAME_BYTES_MAX)
  return `${start}${fits ?? short}${end}`
}

/** URL-encoded, with '_' escaped as well. */
const encoded = (text: string): string => encodeURIComponent(text.toWellFormed()).replaceAll('_', '%5F')

/** Parses an object's name, given without its folder. Undefined if the sink did not write the object. */
export function namedRows(name: string): NamedRows | undefined {
  const [, head, range] = /^([so]\.[^_/]+)((?:_[^_/]*)*)_[0-9a-f]{32}\.ndjson$/.exec(name) ?? []
  if (head === undefined) return undefined
  if (head.startsWith('o')) return { group: `${head}${range}`, from: '' }
  try {
    return { group: head, from: decodeURIComponent(range!.split('_')[1] ?? '') }
  } catch {
    return undefined
  }
}

/** A row as a line. Rows of a split also have the order of their records. */
function lineOf({ id, value, order, op }: SinkRow): string {
  const place = order === '' ? '' : `"order":${JSON.stringify(order)},`
  return `{${place}"id":${JSON.stringify(id)},"row":${rowJson(value, op)}}\n`
}

/** The row in a line; undefined if the line does not hold a row. */
export function rowIn(line: string): StoredRow | undefined {
  try {
    const { id, row, order = '' } = JSON.parse(line) as { id?: unknown; row?: unknown; order?: unknown }
    return typeof id === 'string' && typeof order === 'string' ? { id, value: row, order } : undefined
  } catch {
    return undefined
  }
}
