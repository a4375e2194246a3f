import { ndjson as codec } from './codecs/index.js'
import type { Codec, SinkNode } from './ports/index.js'
import { ndjson as sink } from './sinks/file/index.js'

/**
 * NDJSON both ways. Without a name it is how records are read, `decode: ndjson()`: a record is any number of JSON
 * values, one a line, over several lines, or one right after the other. A line that is no value is rejected by itself
 * as `bad-json`. At most 20,000 values a record.
 * @example kinesisSource('orders', { decode: ndjson(), timestamp: (o: Order) => o.at, watermark: outOfOrder('30s') })
 */
export function ndjson(): Codec
/**
 * With a name it is a sink, `.to(ndjson('hourly'))`: files of one row a line, exactly once. On a laptop they are files
 * of the run's output.
 * @example stream.to(ndjson('hourly'))
 */
export function ndjson<Row = any>(name: string, options?: { readonly directory?: string }): SinkNode<Row>
export function ndjson(...given: [] | Parameters<typeof sink>): Codec | SinkNode<any> {
  return given.length === 0 ? codec() : sink(...given)
}
