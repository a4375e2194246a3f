import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { ConfigError, StopError } from '../../base/index.js'
import { type RecordBatch, varint } from './record-batches.js'

/** A stored record of a topic. */
export interface TopicRecord {
  readonly offset: number
  readonly timestamp: number
  readonly isLogAppendTime: boolean
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly (readonly [name: string, value: Buffer])[]
}

/** Decompresses with the codecs of kafkajs. Codecs other than gzip have to be registered with it. */
export type Decompress = (compression: number, bytes: Buffer) => Promise<Buffer>

const GZIP = 1
const NAMES = ['none', 'gzip', 'snappy', 'lz4', 'zstd']
const unzip = promisify(gunzip)

/** The records of a batch. */
export async function recordsOf(batch: RecordBatch, decompress: Decompress): Promise<TopicRecord[]> {
  if (batch.isOld) {
    throw new ConfigError(
      'old-format',
      'The topic holds messages in the format from before Apache Kafka 0.11, which the local poller does not read. Write them again with a current client.',
    )
  }
  const bytes = await plain(batch, decompress)
  const records: TopicRecord[] = []
  const cursor = { at: 0 }
  try {
    for (let i = 0; i < batch.count; i++) {
      const length = varint(bytes, cursor)
      const end = cursor.at + length
      records.push(recordAt(bytes, cursor, batch))
      cursor.at = end
    }
  } catch {
    throw new StopError(
      'damaged-batch',
      `The record batch at offset ${batch.firstOffset} is damaged: it cannot be read to its end.`,
    )
  }
  return records
}

async function plain({ compression, records }: RecordBatch, decompress: Decompress): Promise<Buffer> {
  if (compression === 0) return records
  try {
    return await (compression === GZIP ? unzip(records) : decompress(compression, records))
  } catch {
    const name = NAMES[compression] ?? `codec ${compression}`
    throw new ConfigError(
      'no-codec',
      `The topic holds records compressed with ${name}, which cannot be read here. Install a codec and register it with kafkajs (CompressionCodecs).`,
    )
  }
}

function recordAt(bytes: Buffer, cursor: { at: number }, batch: RecordBatch): TopicRecord {
  cursor.at++ // attributes, which are unused
  const timestamp = batch.firstTimestamp + varint(bytes, cursor)
  const offset = batch.firstOffset + varint(bytes, cursor)
  const key = block(bytes, cursor)
  const value = block(bytes, cursor)
  const headers: [string, Buffer][] = []
  for (let count = varint(bytes, cursor); count > 0; count--) {
    headers.push([(block(bytes, cursor) ?? '').toString(), block(bytes, cursor) ?? Buffer.alloc(0)])
  }
  const { isLogAppendTime, maxTimestamp } = batch
  return { offset, timestamp: isLogAppendTime ? maxTimestamp : timestamp, isLogAppendTime, key, value, headers }
}

/** Length-prefixed bytes; the length -1 means null. */
function block(bytes: Buffer, cursor: { at: number }): Buffer | null {
  const length = varint(bytes, cursor)
  if (length < 0) return null
  const from = cursor.at
  cursor.at += length
  if (cursor.at > bytes.length) throw new RangeError('beyond the end')
  return bytes.subarray(from, cursor.at)
}
