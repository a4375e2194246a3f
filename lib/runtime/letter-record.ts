import { isUtf8 } from 'node:buffer'
import { LETTER_ENVELOPE_BYTES_MAX, LETTER_RECORD_BYTES_MAX, type RecordValues } from '../base/index.js'
import type { LetterBytes, LetterRecord } from '../pipeline/index.js'
import { Defect, type SplitBatch } from '../ports/index.js'

/** A record as a dead letter keeps it, and the bytes it takes in a chunk. */
export interface KeptRecord {
  readonly record: LetterRecord
  readonly bytes: number
}

/**
 * The record at an index as its source had it, so that it can be sent again. Undefined if its bytes are not available
 * or are too many. For one of several values it is that value's own text, with the record's key and headers, because
 * the other values have been counted.
 */
export function keptRecord(
  batch: SplitBatch,
  index: number,
  many: RecordValues | undefined,
  sub: number,
): KeptRecord | undefined {
  if (many === undefined || many.list.length <= 1) return kept(batch, index, bytesOf(batch, index), false)
  const text = many.text(sub)
  return typeof text === 'string' ? kept(batch, index, Buffer.from(text), false, true) : undefined
}

/** The whole source record that contains the record at an index. */
export function keptUnit(batch: SplitBatch, index: number): KeptRecord | undefined {
  if (batch.unitRaw === undefined) return kept(batch, index, bytesOf(batch, index), true)
  return kept(batch, index, unpacked(batch.unitRaw(index)), true)
}

function kept(
  batch: SplitBatch,
  index: number,
  value: Buffer | null | undefined,
  isUnit: boolean,
  isPart = false,
): KeptRecord | undefined {
  if (value === undefined) return undefined
  const { key, headers, ...rest } = batch.envelope?.(index, isUnit) ?? {}
  let bytes = (key?.length ?? 0) + (rest.partitionKey?.length ?? 0)
  for (const [name, content] of headers ?? []) bytes += name.length + (content?.length ?? 0)
  // Each rejected value of a record keeps a copy of the whole envelope.
  if (isPart && bytes > LETTER_ENVELOPE_BYTES_MAX) return undefined
  bytes += value?.length ?? 0
  if (bytes > LETTER_RECORD_BYTES_MAX) return undefined
  const record = {
    value: value === null ? null : written(value),
    ...(isPart && { part: true as const }),
    ...(key && { key: written(key) }),
    ...(headers?.length && {
      headers: headers.map(([name, content]) => [name, content === null ? null : written(content)] as const),
    }),
    ...rest,
  }
  return { record, bytes }
}

/** Null for a record without a payload; undefined if the event does not contain its bytes. */
function bytesOf(batch: SplitBatch, index: number): Buffer | null | undefined {
  const bytes = Buffer.allocUnsafe(batch.sizeBound(index))
  const length = batch.write(index, bytes, 0)
  if (length >= 0) return bytes.subarray(0, length)
  if (length === Defect.tombstone) return null
  // An aggregate that cannot be unpacked is still valid base64 of a whole source record.
  return length === Defect.badAggregate || length === Defect.manyRecords ? unpacked(batch.raw(index)) : undefined
}

function unpacked(base64: string | null): Buffer | null | undefined {
  if (base64 === null) return null
  const bytes = Buffer.from(base64, 'base64')
  return bytes.toString('base64') === base64 ? bytes : undefined
}

function written(bytes: Uint8Array): LetterBytes {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return isUtf8(buffer) ? buffer.toString() : { base64: buffer.toString('base64') }
}
