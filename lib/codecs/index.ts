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
 * A record is any number of JSON values in UTF-8: one a line, over several lines, or one right after the other, as
 * Firehose joins them. A line that is no value is rejected by itself as `bad-json`; the others count. At most 20,000
 * values.
 * @example kinesisSource('orders', { decode: ndjson(), timestamp: (o: Order) => o.at, watermark: outOfOrder('30s') })
 */
export function ndjson(): Codec {
  return NDJSON
}

/**
 * A record is gzip data of what another codec or function reads. It unpacks to at most 16 MiB; more is rejected as
 * `oversize-gzip` before it takes the memory, and what is no gzip data, or damaged, as `bad-gzip`.
 * @throws {ConfigError} where what it unpacks to has no codec
 * @example kafkaSource('orders', { decode: gzip(ndjson()), timestamp: (o: Order) => o.at, watermark: outOfOrder('30s') })
 */
export function gzip(of: Codec | DecodeFunction): Codec {
  if (typeof of !== 'function' && (of as Codec | undefined)?.kind !== 'codec') {
    throw new ConfigError(
      'bad-codec',
      `gzip(...) takes the codec of what it unpacks to, such as gzip(json()), or a function from bytes to a list of values; it got ${shown(of)}.`,
    )
  }
  return Object.freeze({ kind: 'codec', codec: 'gzip', of })
}

/**
 * A record is what a subscription of a CloudWatch Logs group sends to Kinesis: gzip data of a JSON envelope. A
 * DATA_MESSAGE becomes its log events (`CloudWatchLogEvent`), a CONTROL_MESSAGE none. Another envelope is rejected as
 * `bad-envelope`.
 * @example kinesisSource('logs', { decode: cloudWatchLogs(), timestamp: (e: CloudWatchLogEvent) => e.timestamp, watermark: outOfOrder('1m') })
 */
export function cloudWatchLogs(): Codec {
  return CLOUD_WATCH_LOGS
}

/**
 * A record is one text in UTF-8, without the mark that may begin it. Rejects as `bad-utf8`.
 * @example kinesisSource('lines', { decode: text(), timestamp: (line: string) => iso(line.slice(0, 20)), watermark: outOfOrder('30s') })
 */
export function text(): Codec {
  return TEXT
}

/**
 * A record is its bytes, a `Uint8Array`, as they are.
 * @example kafkaSource('frames', { decode: bytes(), timestamp: (_, meta) => meta.stampMs!, watermark: outOfOrder('30s') })
 */
export function bytes(): Codec {
  return BYTES
}
