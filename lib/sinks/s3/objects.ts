import type { BucketPlace } from '../../aws/s3-place.js'
import { digest, rowJson } from '../../base/index.js'
import type { SinkBatch, SinkRow } from '../../ports/index.js'

/** S3 takes names of 1,024 bytes. */
const NAME_BYTES_MAX = 1024
/**
 * Of one object, unless one row alone has more: its text and its bytes are in memory at once. A batch with more becomes
 * several.
 */
const OBJECT_BYTES_MAX = 4 * 1024 * 1024

/** An object on its way: lines of JSON, one a row. */
export interface RowsObject {
  readonly name: string
  readonly body: Buffer
}

/** A row as its object holds it. */
export type StoredRow = Pick<SinkRow, 'id' | 'value' | 'order'>

/** What the name of an object tells of its rows. */
export interface NamedRows {
  /** A split, or a part of an operator: rows of two groups never have the same id. */
  readonly group: string
  /** All rows come after this position; empty where nothing is known of that. Objects of a split may overlap. */
  readonly from: string
}

/** The objects of a batch: one, or several where it has more bytes than an object takes. */
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
 * `s.SPLIT_FROM_TO_DIGEST.ndjson` or `o.OPERATOR_PART_DIGEST.ndjson`. The digest is of the rows' ids: what stands under
 * a name has these rows, also where another attempt found other rows in the same range (an operator skipped a record,
 * or deployed other code). All are in one folder: a folder in it is that of another run.
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

/** As a URL has it, and with no '_' of its own. */
const encoded = (text: string): string => encodeURIComponent(text.toWellFormed()).replaceAll('_', '%5F')

/** What an object's name tells; undefined of one that is none of ours. `name` is without the folder. */
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

/** Rows of a split have the order of their records. */
function lineOf({ id, value, order, op }: SinkRow): string {
  const place = order === '' ? '' : `"order":${JSON.stringify(order)},`
  return `{${place}"id":${JSON.stringify(id)},"row":${rowJson(value, op)}}\n`
}

/** The row of a line; undefined of one that holds none. */
export function rowIn(line: string): StoredRow | undefined {
  try {
    const { id, row, order = '' } = JSON.parse(line) as { id?: unknown; row?: unknown; order?: unknown }
    return typeof id === 'string' && typeof order === 'string' ? { id, value: row, order } : undefined
  } catch {
    return undefined
  }
}
