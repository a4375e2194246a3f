import type { SourceNode } from '../../ports/index.js'
import { type SourceOptions, sourceNode } from '../node.js'

/**
 * A Kafka topic (MSK or self-managed), by its logical name. Tombstones are counted as filtered.
 * @example kafkaSource('orders', { timestamp: (o: Order) => o.at, watermark: outOfOrder('30s') })
 */
export function kafkaSource<T>(name: string, options: SourceOptions<T>): SourceNode<T> {
  const open = async () => (await import('./decoder.js')).kafkaDecoder()
  return sourceNode(name, options, { connector: 'kafka', hasArrivalTime: true, open })
}
