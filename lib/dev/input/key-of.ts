import { RecordRejection, RecordValues } from '../../base/index.js'
import { JsonDecoder } from '../../codecs/json.js'
import { CodecDecoder } from '../../codecs/open.js'
import type { RecordMeta, SourceNode } from '../../ports/index.js'
import type { Line } from './lines.js'

/**
 * Returns the key under which a producer would send a record, by the `partitionKey` of the source. It is computed from
 * the record's first value, decoded as the handler will decode it. A record that cannot be decoded has no key; its
 * handler rejects it.
 */
export function keyReader(source: SourceNode<any>): (line: Line) => string | null {
  const { partitionKey, decode } = source
  if (partitionKey === undefined) return () => null
  const isJson = decode === undefined || (typeof decode === 'object' && decode.codec === 'json')
  const decoder = isJson
    ? new JsonDecoder(source.recordBytesMax, source.numbers, source.duplicateMembers)
    : new CodecDecoder(source)
  const meta = metaOf(source.name)
  return (line) => {
    const out: unknown[] = []
    try {
      decoder.decode(oneRecord(line), 0, 1, out, meta)
      const value = out[0] instanceof RecordValues ? out[0].list[0] : out[0]
      if (value === undefined || value instanceof RecordRejection) return null
      const key: unknown = partitionKey(value)
      return key === undefined || key === null ? null : String(key)
    } catch {
      return null
    }
  }
}

function oneRecord(line: Line) {
  const bytes = typeof line === 'string' ? Buffer.from(line) : line
  return { sizeBound: () => bytes.length, write: (_: number, target: Buffer, at: number) => bytes.copy(target, at) }
}

/** The metadata of a record that was not sent yet. */
function metaOf(source: string): RecordMeta {
  return {
    source,
    split: '',
    position: '0',
    arrivalMs: undefined,
    stampMs: undefined,
    key: null,
    keyBytes: null,
    header: () => undefined,
    headerBytes: () => undefined,
  }
}

/**
 * The bytes that a producer would send for a line. A source that decompresses its records accepts them in base64, as
 * `aws kinesis get-records` prints them.
 */
export function payloadOf(source: SourceNode<any>, line: Line): Line {
  const { decode } = source
  const isPacked = typeof decode === 'object' && (decode.codec === 'gzip' || decode.codec === 'cloudWatchLogs')
  // These are the bytes 1f 8b 08 in base64; gzip data itself never starts with them.
  return isPacked && typeof line === 'string' && line.startsWith('H4sI') ? Buffer.from(line, 'base64') : line
}
