import type { AbortedTransaction } from './fetch.js'

/** The header of a batch in the format since Apache Kafka 0.11; the records themselves are not decoded. */
export interface RecordBatch {
  readonly firstOffset: number
  /** The offset of the last record that the batch was written with, even if compaction removed it. */
  readonly lastOffset: number
  /** The number of records that are still in the batch. */
  readonly count: number
  /** 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd. */
  readonly compression: number
  readonly isControl: boolean
  readonly isTransactional: boolean
  readonly isLogAppendTime: boolean
  readonly producerId: bigint
  readonly firstTimestamp: number
  readonly maxTimestamp: number
  readonly records: Buffer
  /** A message of the older format without batches: one record, or a compressed run that ends at `lastOffset`. */
  readonly isOld: boolean
}

const HEADER_BYTES = 61
/** The offset and the length field, which are not included in the length. */
const PREFIX_BYTES = 12
const MAGIC_AT = 16
const COMPRESSION_MASK = 0x07
const LOG_APPEND_TIME = 0x08
const TRANSACTIONAL = 0x10
const CONTROL = 0x20
const ABORT = 0

/** The complete batches of a fetch response. An incomplete batch at the end is left out. */
export function* recordBatches(bytes: Buffer): Generator<RecordBatch> {
  let at = 0
  while (at + MAGIC_AT < bytes.length) {
    const end = at + PREFIX_BYTES + bytes.readInt32BE(at + 8)
    if (end > bytes.length) return
    yield bytes.readInt8(at + MAGIC_AT) >= 2 ? batchAt(bytes, at, end) : oldMessageAt(bytes, at, end)
    at = end
  }
}

function batchAt(bytes: Buffer, at: number, end: number): RecordBatch {
  const firstOffset = Number(bytes.readBigInt64BE(at))
  const attributes = bytes.readInt16BE(at + 21)
  return {
    firstOffset,
    lastOffset: firstOffset + bytes.readInt32BE(at + 23),
    count: bytes.readInt32BE(at + 57),
    compression: attributes & COMPRESSION_MASK,
    isControl: (attributes & CONTROL) !== 0,
    isTransactional: (attributes & TRANSACTIONAL) !== 0,
    isLogAppendTime: (attributes & LOG_APPEND_TIME) !== 0,
    producerId: bytes.readBigInt64BE(at + 43),
    firstTimestamp: Number(bytes.readBigInt64BE(at + 27)),
    maxTimestamp: Number(bytes.readBigInt64BE(at + 35)),
    records: bytes.subarray(at + HEADER_BYTES, end),
    isOld: false,
  }
}

function oldMessageAt(bytes: Buffer, at: number, end: number): RecordBatch {
  const offset = Number(bytes.readBigInt64BE(at))
  return {
    firstOffset: offset,
    lastOffset: offset,
    count: 1,
    compression: bytes.readInt8(at + 17) & COMPRESSION_MASK,
    isControl: false,
    isTransactional: false,
    isLogAppendTime: false,
    producerId: -1n,
    firstTimestamp: -1,
    maxTimestamp: -1,
    records: bytes.subarray(at + PREFIX_BYTES, end),
    isOld: true,
  }
}

/**
 * Each batch, with whether a consumer of committed records gets its records. It gets neither markers nor records of
 * aborted transactions. The aborted transactions of a response are listed in no particular order, and may begin before
 * its first record.
 */
export function* committedBatches(
  bytes: Buffer,
  aborted: readonly AbortedTransaction[],
): Generator<{ readonly batch: RecordBatch; readonly isCommitted: boolean }> {
  const coming = [...aborted].sort((a, b) => a.firstOffset - b.firstOffset)
  const aborting = new Set<bigint>()
  for (const batch of recordBatches(bytes)) {
    while (coming.length > 0 && coming[0]!.firstOffset <= batch.lastOffset) aborting.add(coming.shift()!.producerId)
    if (batch.isControl) {
      if (isAbortMarker(batch)) aborting.delete(batch.producerId)
      yield { batch, isCommitted: false }
    } else {
      yield { batch, isCommitted: !(batch.isTransactional && aborting.has(batch.producerId)) }
    }
  }
}

/** A marker is one uncompressed record whose key holds a version and a type. */
function isAbortMarker({ records, count }: RecordBatch): boolean {
  if (count < 1) return false
  const at = { at: 0 }
  varint(records, at) // length
  at.at++ // attributes
  varint(records, at) // time
  varint(records, at) // offset
  const keyBytes = varint(records, at)
  return keyBytes >= 4 && records.readInt16BE(at.at + 2) === ABORT
}

/** A zigzag-encoded number of up to 64 bits, as used in records; exact up to 2^53. */
export function varint(bytes: Buffer, cursor: { at: number }): number {
  let value = 0
  let scale = 1
  for (;;) {
    const byte = bytes.readUInt8(cursor.at++)
    value += (byte & 0x7f) * scale
    if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2
    scale *= 128
  }
}
