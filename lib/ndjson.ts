import { ndjson as codec } from './codecs/index.js'
import type { Codec, SinkNode } from './ports/index.js'
import { ndjson as sink } from './sinks/file/index.js'

/**
 * NDJSON as a codec or as a sink. Without a name it is a codec, `decode: ndjson()`. A record holds any number of JSON
 * values: one on each line, over several lines, or one right after the other. A line that is not valid JSON is rejected
 * on its own as `bad-json`. A record may hold at most 20,000 values.
 * @example kinesisSource('orders', { decode: ndjson(), timestamp: (o: Order) => o.at, watermark: outOfOrder('30s') })
 */
export function ndjson(): Codec
/**
 * With a name it is a sink, `.to(ndjson('hourly'))`: files with one row on each line, written exactly once. The local
 * runner writes them to its output directory.
 * @example stream.to(ndjson('hourly'))
 */
export function ndjson<Row = any>(name: string, options?: { readonly directory?: string }): SinkNode<Row>
export function ndjson(...given: [] | Parameters<typeof sink>): Codec | SinkNode<any> {
  return given.length === 0 ? codec() : sink(...given)
}
