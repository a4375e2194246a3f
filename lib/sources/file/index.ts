import type { SourceNode } from '../../ports/index.js'
import { type SourceOptions, sourceNode } from '../node.js'

/**
 * NDJSON files, plain or gzipped, read by the local runner: a bounded source that ends.
 * @example fileSource('quakes', { timestamp: (q: Quake) => q.time, watermark: outOfOrder('1h') })
 */
export function fileSource<T>(name: string, options: SourceOptions<T>): SourceNode<T> {
  const open = async () => (await import('./decoder.js')).fileDecoder()
  return sourceNode(name, options, { connector: 'file', hasArrivalTime: false, open })
}
