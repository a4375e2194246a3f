import type { SourceNode } from '../../ports/index.js'
import { type SourceOptions, sourceNode } from '../node.js'

/**
 * A Kinesis stream, by its logical name. KPL aggregates are unpacked into their user records.
 * @example kinesisSource('orders', { timestamp: (o: Order) => iso(o.orderedAt), watermark: outOfOrder('30s') })
 */
export function kinesisSource<T>(name: string, options: SourceOptions<T>): SourceNode<T> {
  const open = async () => (await import('./decoder.js')).kinesisDecoder()
  return sourceNode(name, options, { connector: 'kinesis', hasArrivalTime: true, open })
}
