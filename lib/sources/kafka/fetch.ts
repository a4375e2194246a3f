/**
 * The Fetch request, version 5: the lowest version that returns the log's start offset, supported by Apache Kafka 1.0
 * to 4.x. It is encoded and decoded here, because kafkajs decodes every record of a response, which fails if it lacks
 * the compression codec, and does not expose enough about transactions.
 */
export const FETCH = { key: 1, version: 5 } as const

const READ_COMMITTED = 1
const NO_REPLICA = -1

export interface Wanted {
  readonly partition: number
  readonly offset: number
}

export interface FetchLimits {
  /** How long the broker waits for records. */
  readonly waitMs: number
  readonly bytesMax: number
  readonly partitionBytesMax: number
}

/** The records of this producer from this offset to its abort marker were never committed. */
export interface AbortedTransaction {
  readonly producerId: bigint
  readonly firstOffset: number
}

/** A broker's response for one partition. */
export interface FetchedPartition {
  readonly partition: number
  /** Kafka's error code; 0 means no error, 1 an offset outside the log. */
  readonly error: number
  /** The offset after the last committed (fully replicated) record. */
  readonly highWatermark: number
  /** The offset of the first record of a transaction that is still open, or the high watermark. */
  readonly lastStable: number
  readonly logStart: number
  readonly aborted: readonly AbortedTransaction[]
  /** Record batches; the last one may be cut off. */
  readonly records: Buffer
}

export function encodeFetch(topic: string, wanted: readonly Wanted[], limits: FetchLimits): Buffer {
  const name = Buffer.from(topic)
  const buffer = Buffer.alloc(4 + 4 + 4 + 4 + 1 + 4 + 2 + name.length + 4 + wanted.length * 24)
  let at = 0
  at = buffer.writeInt32BE(NO_REPLICA, at)
  at = buffer.writeInt32BE(limits.waitMs, at)
  at = buffer.writeInt32BE(limits.waitMs > 0 ? 1 : 0, at)
  at = buffer.writeInt32BE(limits.bytesMax, at)
  at = buffer.writeInt8(READ_COMMITTED, at)
  at = buffer.writeInt32BE(1, at)
  at = buffer.writeInt16BE(name.length, at)
  at += name.copy(buffer, at)
  at = buffer.writeInt32BE(wanted.length, at)
  for (const { partition, offset } of wanted) {
    at = buffer.writeInt32BE(partition, at)
    at = buffer.writeBigInt64BE(BigInt(offset), at)
    at = buffer.writeBigInt64BE(-1n, at)
    at = buffer.writeInt32BE(limits.partitionBytesMax, at)
  }
  return buffer
}

/** The partitions in the broker's response for one topic. The response to a throttled request has none. */
export function decodeFetch(answer: Buffer): FetchedPartition[] {
  const reader = new Reader(answer)
  reader.int32() // throttle time
  const partitions: FetchedPartition[] = []
  for (let topics = reader.int32(); topics > 0; topics--) {
    reader.bytes(reader.int16()) // topic name
    for (let count = reader.int32(); count > 0; count--) {
      partitions.push({
        partition: reader.int32(),
        error: reader.int16(),
        highWatermark: Number(reader.int64()),
        lastStable: Number(reader.int64()),
        logStart: Number(reader.int64()),
        aborted: Array.from({ length: Math.max(0, reader.int32()) }, () => ({
          producerId: reader.int64(),
          firstOffset: Number(reader.int64()),
        })),
        records: reader.bytes(Math.max(0, reader.int32())),
      })
    }
  }
  return partitions
}

class Reader {
  private at = 0
  private readonly buffer: Buffer

  constructor(buffer: Buffer) {
    this.buffer = buffer
  }

  int16(): number {
    this.at += 2
    return this.buffer.readInt16BE(this.at - 2)
  }

  int32(): number {
    this.at += 4
    return this.buffer.readInt32BE(this.at - 4)
  }

  int64(): bigint {
    this.at += 8
    return this.buffer.readBigInt64BE(this.at - 8)
  }

  bytes(count: number): Buffer {
    this.at += count
    return this.buffer.subarray(this.at - count, this.at)
  }
}
