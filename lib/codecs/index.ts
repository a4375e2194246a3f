import { ConfigError, shown } from '../base/index.js'
import type { Codec, DecodeFunction } from '../ports/index.js'

export type { CloudWatchLogEvent } from './cloud-watch-logs.js'

const JSON_CODEC: Codec = Object.freeze({ kind: 'codec', codec: 'json' })
const NDJSON: Codec = Object.freeze({ kind: 'codec', codec: 'ndjson' })
const CLOUD_WATCH_LOGS: Codec = Object.freeze({ kind: 'codec', codec: 'cloudWatchLogs' })
const TEXT: Codec = Object.freeze({ kind: 'codec', codec: 'text' })
const BYTES: Codec = Object.freeze({ kind: 'codec', codec: 'bytes' })

/**
 * A record is one JSON value in UTF-8: the default of every source. Rejects as `bad-utf8`, `bad-json`, `deep-nesting`,
 * `forbidden-key`, `inexact-number` and `duplicate-member`.
 * @example kinesisSource('orders', { decode: json(), timestamp: (o: Order) => o.at, watermark: outOfOrder('30s') })
 */
export function json(): Codec {
  return JSON_CODEC
}

/**
 * A record is any number of JSON values in UTF-8: one per line, spread over several lines, or one right after the
 * other, as Firehose joins them. A line that is not a JSON value is rejected alone as `bad-json`; the other lines
 * count. A record holds at most 20,000 values.
 * @example kinesisSource('orders', { decode: ndjson(), timestamp: (o: Order) => o.at, watermark: outOfOrder('30s') })
 */
export function ndjson(): Codec {
  return NDJSON
}

/**
 * A record is gzip data that another codec or function reads after decompression. It decompresses to at most 16 MiB. A
 * larger record is rejected as `oversize-gzip` before it takes the memory. A record that is not gzip data, or is
 * damaged, is rejected as `bad-gzip`.
 * @throws {ConfigError} if no codec or function is given for the decompressed data
 * @example kafkaSource('orders', { decode: gzip(ndjson()), timestamp: (o: Order) => o.at, watermark: outOfOrder('30s') })
 */
export function gzip(of: Codec | DecodeFunction): Codec {
  if (typeof of !== 'function' && (of as Codec | undefined)?.kind !== 'codec') {
    throw new ConfigError(
      'bad-codec',
      `gzip(...) needs a codec for the decompressed data, such as gzip(json()), or a function from bytes to a list of values; it got ${shown(of)}.`,
    )
  }
  return Object.freeze({ kind: 'codec', codec: 'gzip', of })
}

/**
 * A record is what a subscription of a CloudWatch Logs group sends to Kinesis: a gzipped JSON envelope. A DATA_MESSAGE
 * becomes its log events (`CloudWatchLogEvent`). A CONTROL_MESSAGE has no log events. Any other envelope is rejected as
 * `bad-envelope`.
 * @example kinesisSource('logs', { decode: cloudWatchLogs(), timestamp: (e: CloudWatchLogEvent) => e.timestamp, watermark: outOfOrder('1m') })
 */
export function cloudWatchLogs(): Codec {
  return CLOUD_WATCH_LOGS
}

/**
 * A record is one text in UTF-8. A leading byte order mark is removed. Rejects as `bad-utf8`.
 * @example kinesisSource('lines', { decode: text(), timestamp: (line: string) => iso(line.slice(0, 20)), watermark: outOfOrder('30s') })
 */
export function text(): Codec {
  return TEXT
}

/**
 * A record is its unchanged bytes, a `Uint8Array`.
 * @example kafkaSource('frames', { decode: bytes(), timestamp: (_, meta) => meta.stampMs!, watermark: outOfOrder('30s') })
 */
export function bytes(): Codec {
  return BYTES
}
