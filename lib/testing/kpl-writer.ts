import { createHash } from 'node:crypto'

/** A small protobuf writer and the KPL's framing, independent of the reader that it tests. */
function base128(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...base128(value >>> 7)]
}

export const varint = (field: number, value: number): Buffer => Buffer.from([...base128(field << 3), ...base128(value)])

export const bytes = (field: number, value: Buffer): Buffer =>
  Buffer.concat([Buffer.from([...base128((field << 3) | 2), ...base128(value.length)]), value])

export interface UserRecord {
  readonly key: string
  readonly hashKey?: string
  readonly data: string | Uint8Array
}

export function aggregate(records: readonly UserRecord[], body = messageOf(records)): Buffer {
  const checksum = createHash('md5').update(body).digest()
  return Buffer.concat([Buffer.from('f3899ac2', 'hex'), body, checksum])
}

function messageOf(records: readonly UserRecord[]): Buffer {
  const keys = [...new Set(records.map((record) => record.key))]
  const hashKeys = [...new Set(records.flatMap((record) => record.hashKey ?? []))]
  return Buffer.concat([
    ...keys.map((key) => bytes(1, Buffer.from(key))),
    ...hashKeys.map((key) => bytes(2, Buffer.from(key))),
    ...records.map(({ key, hashKey, data }) =>
      bytes(
        3,
        Buffer.concat([
          varint(1, keys.indexOf(key)),
          ...(hashKey === undefined ? [] : [varint(2, hashKeys.indexOf(hashKey))]),
          bytes(3, Buffer.from(data as Uint8Array)),
        ]),
      ),
    ),
  ])
}

export function damage(whole: Buffer, at: number): Buffer {
  const copy = Buffer.from(whole)
  copy[at]! ^= 0x01
  return copy
}
