import { createHash } from 'node:crypto'

/** The shard that Kinesis assigns to a partition key: the shards divide the range of the key's MD5 equally. */
export function kinesisShard(key: string, shards: number): number {
  const top = createHash('md5').update(key).digest().readUInt32BE(0)
  return Math.floor((top * shards) / 0x1_0000_0000)
}

/**
 * The partition that Kafka's default partitioner assigns to a key: murmur2 of its bytes, made positive, modulo the
 * number of partitions.
 */
export function kafkaPartition(key: string, partitions: number): number {
  return (murmur2(Buffer.from(key)) & 0x7fffffff) % partitions
}

function murmur2(data: Buffer): number {
  const m = 0x5bd1e995
  const { length } = data
  let h = 0x9747b28c ^ length
  let at = 0
  for (; at + 4 <= length; at += 4) {
    let k = data.readInt32LE(at)
    k = Math.imul(k, m)
    k ^= k >>> 24
    k = Math.imul(k, m)
    h = Math.imul(h, m) ^ k
  }
  const left = length - at
  if (left >= 3) h ^= data[at + 2]! << 16
  if (left >= 2) h ^= data[at + 1]! << 8
  if (left >= 1) {
    h ^= data[at]!
    h = Math.imul(h, m)
  }
  h ^= h >>> 13
  h = Math.imul(h, m)
  h ^= h >>> 15
  return h
}
