import type { SinkNode, SourceNode } from '../../lib/ports/index.js'
import { sinkNode } from '../../lib/sinks/node.js'
import { type SourceOptions, sourceNode } from '../../lib/sources/node.js'
import { outOfOrder } from '../../lib/time/index.js'

export interface Order {
  readonly id: string
  readonly customer: string
  readonly amount: number
  readonly coupon: number | null
  readonly at: number
}

const closed = () => Promise.reject(new Error('A pipeline opens nothing while it is built.'))

/** A source that cannot be opened. */
export function source<T = Order>(name: string, options: Partial<SourceOptions<T>> = {}): SourceNode<T> {
  const whole = { timestamp: (row: T) => (row as { at: number }).at, watermark: outOfOrder('30s'), ...options }
  return sourceNode(name, whole, { connector: 'test', hasArrivalTime: true, open: closed })
}

/** A sink that cannot be opened. */
export function sink<Row = any>(name: string): SinkNode<Row> {
  return sinkNode<Row>(name, { connector: 'test', local: true, open: closed })
}

export const orders = source('orders')
export const legacy = source('legacy')
