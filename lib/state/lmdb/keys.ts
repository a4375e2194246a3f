import { createHash } from 'node:crypto'
import type { ItemKey } from '../../ports/index.js'
import { SORT_KEY_BYTES_MAX } from '../items.js'

/** LMDB's limit for a key with pages of 4 KB, the default. */
const LMDB_KEY_BYTES_MAX = 1978
/**
 * A partition key that leaves no room for the longest sort key is stored as its digest. The item itself holds the text.
 */
const PLAIN_BYTES_MAX = LMDB_KEY_BYTES_MAX - 2 - SORT_KEY_BYTES_MAX
const DIGESTED = 0xffff

/**
 * An item's key in the database: two bytes of length, the partition key, and the sort key, all as UTF-8. LMDB sorts by
 * bytes, so the items of a partition are adjacent and in the order of their sort keys. No partition key is empty: keys
 * with length 0 are the store's own.
 */
export function databaseKey(key: ItemKey): Buffer {
  const pk = Buffer.from(key.pk)
  const digested = pk.length > PLAIN_BYTES_MAX
  const head = digested ? createHash('sha256').update(pk).digest() : pk
  const bytes = Buffer.allocUnsafe(2 + head.length + Buffer.byteLength(key.sk))
  bytes.writeUInt16BE(digested ? DIGESTED : head.length)
  bytes.set(head, 2)
  bytes.write(key.sk, 2 + head.length)
  return bytes
}

/** The key of the entry that holds the version of the format. */
export const FORMAT_KEY = Buffer.from('\0\0millrace')
