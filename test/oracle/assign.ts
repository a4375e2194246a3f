import { createHash } from 'node:crypto'
import type { FlightSource } from './data.js'

// Which split a producer puts a key on, written from what the services document and not from what the local runner
// does.

/** Kinesis: the shards cut the 128-bit space of MD5 into equal ranges. */
export function shardOf(key: string, shards: number): number {
  const hash = BigInt(`0x${createHash('md5').update(key).digest('hex')}`)
  return Number((hash * BigInt(shards)) >> 128n)
}

/** Kafka: the default partitioner of the Java client. */
export function partitionOf(key: string, partitions: number): number {
  return Number((murmur2(Buffer.from(key)) & 0x7fffffffn) % BigInt(partitions))
}

const uint32 = (value: bigint): bigint => BigInt.asUintN(32, value)
const FACTOR = 0x5bd1e995n

/** murmur2 with the seed of the Java client, in integers without a width, cut to 32 bits where Java's overflow. */
export function murmur2(bytes: Uint8Array): bigint {
  const whole = bytes.length - (bytes.length % 4)
  let hash = 0x9747b28cn ^ BigInt(bytes.length)
  for (let at = 0; at < whole; at += 4) {
    let word = 0n
    for (let byte = 3; byte >= 0; byte--) word = (word << 8n) | BigInt(bytes[at + byte]!)
    word = uint32(word * FACTOR)
    word = uint32((word ^ (word >> 24n)) * FACTOR)
    hash = uint32(hash * FACTOR) ^ word
  }
  if (whole < bytes.length) {
    for (let at = bytes.length - 1; at >= whole; at--) hash ^= BigInt(bytes[at]!) << BigInt(8 * (at - whole))
    hash = uint32(hash * FACTOR)
  }
  hash = uint32((hash ^ (hash >> 13n)) * FACTOR)
  return hash ^ (hash >> 15n)
}

/** The names of a source's splits, in the order of their numbers. */
export function splitNames({ name, connector }: FlightSource, splits: number): string[] {
  return Array.from({ length: splits }, (_, index) =>
    connector === 'kinesis' ? `shardId-${String(index).padStart(12, '0')}` : `${name}-${index}`,
  )
}

/** The split of each key of a source. */
export function dealt({ connector }: FlightSource, keys: Iterable<string>, splits: number): Map<string, number> {
  const split = connector === 'kinesis' ? shardOf : partitionOf
  return new Map([...keys].map((key) => [key, split(key, splits)]))
}
