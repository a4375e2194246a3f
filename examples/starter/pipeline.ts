import { count, dynamodbTable, iso, kinesisSource, outOfOrder, pipeline, sum, tumbling } from 'millrace'

export interface Order {
  /** ISO 8601, with a time zone. */
  readonly orderedAt: string
  readonly customerId: string
  readonly status: 'open' | 'paid'
  readonly amount: number
}

const orders = kinesisSource('orders', {
  timestamp: (order: Order) => iso(order.orderedAt),
  watermark: outOfOrder('30s'),
  partitionKey: (order: Order) => order.customerId,
})

/** The sum that each customer paid in each five minutes. */
export default pipeline('NAME', (p) =>
  p
    .from(orders)
    .filter((order) => order.status === 'paid')
    .keyBy((order) => order.customerId)
    .window(tumbling('5m'), { allowedLateness: '1m' })
    .aggregate('revenue', { total: sum((order) => order.amount), orders: count() })
    .to(dynamodbTable('revenue')),
)
