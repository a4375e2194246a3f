import { createHash } from 'node:crypto'
import { UNIT_RECORDS_MAX } from '../../base/index.js'
import { FieldReader } from './protobuf.js'

const MAGIC = Buffer.from([0xf3, 0x89, 0x9a, 0xc2])
const CHECKSUM_BYTES = 16

/**
 * The user records of one Kinesis record that the Kinesis Producer Library wrote. After a reshard, some may have a key,
 * or an explicit hash key, outside the shard's range. The producer sends those again, and KCL drops them. An event does
 * not contain the shard's range, so Millrace keeps them: such a record arrives twice, like any other record that a
 * producer repeats.
 */
export interface Aggregate {
  readonly count: number
  key(index: number): string
  sizeBound(index: number): number
  write(index: number, target: Buffer, at: number): number
}

/** Whether a base64 text begins with the magic F3 89 9A C2. The first character already rules out JSON. */
export function looksAggregated(data: string): boolean {
  return data.charCodeAt(0) === 0x38 && /^84maw[g-v]/.test(data)
}

/**
 * Unpacks an aggregate. Returns the number of its user records if there are more than `UNIT_RECORDS_MAX`, and undefined
 * if its checksum is wrong, it is malformed, or it has no user record. It never throws, whatever the bytes are.
 */
export function readAggregate(data: string): Aggregate | number | undefined {
  const bytes = Buffer.from(data, 'base64')
  const end = bytes.length - CHECKSUM_BYTES
  if (end <= MAGIC.length || !MAGIC.equals(bytes.subarray(0, MAGIC.length))) return undefined
  const checksum = createHash('md5').update(bytes.subarray(MAGIC.length, end)).digest()
  if (!checksum.equals(bytes.subarray(end))) return undefined

  // Two passes avoid growing arrays: the first one counts, the second one fills.
  const keys: string[] = []
  let count = 0
  const outer = new FieldReader(bytes).open(MAGIC.length, end)
  while (outer.next()) {
    if (outer.field === 1 && outer.isBytes) keys.push(bytes.toString('utf8', outer.from, outer.to))
    else if (outer.field === 3 && outer.isBytes) count++
  }
  if (outer.failed || count === 0) return undefined
  if (count > UNIT_RECORDS_MAX) return count // guard: unit-bounded

  const aggregate = new UserRecords(bytes, keys, count)
  const inner = new FieldReader(bytes)
  outer.open(MAGIC.length, end)
  for (let index = 0; outer.next(); ) {
    if (outer.field !== 3 || !outer.isBytes) continue
    if (!aggregate.read(index++, inner.open(outer.from, outer.to))) return undefined
  }
  return aggregate
}

class UserRecords implements Aggregate {
  readonly count: number
  private readonly bytes: Buffer
  private readonly keys: readonly string[]
  private readonly keyOf: Int32Array
  private readonly from: Int32Array
  private readonly to: Int32Array

  constructor(bytes: Buffer, keys: readonly string[], count: number) {
    this.bytes = bytes
    this.keys = keys
    this.count = count
    this.keyOf = new Int32Array(count)
    this.from = new Int32Array(count)
    this.to = new Int32Array(count)
  }

  /**
   * Reads one record message. Returns false if it has no data, or no key from the table. The explicit hash key and the
   * tags are ignored.
   */
  read(index: number, fields: FieldReader): boolean {
    let key = -1
    let hasData = false
    while (fields.next()) {
      if (fields.field === 1 && !fields.isBytes) key = fields.value
      else if (fields.field === 3 && fields.isBytes) {
        hasData = true
        this.from[index] = fields.from
        this.to[index] = fields.to
      }
    }
    if (fields.failed || !hasData || key < 0 || key >= this.keys.length) return false
    this.keyOf[index] = key
    return true
  }

  key(index: number): string {
    return this.keys[this.keyOf[index]!]!
  }

  sizeBound(index: number): number {
    return this.to[index]! - this.from[index]!
  }

  write(index: number, target: Buffer, at: number): number {
    return this.bytes.copy(target, at, this.from[index], this.to[index])
  }
}
