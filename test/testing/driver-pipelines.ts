import {
  count,
  fileSource,
  kafkaSource,
  kinesisSource,
  ndjson,
  outOfOrder,
  pipeline,
  type Rejected,
  sum,
  tumbling,
  type WindowResult,
} from '../../lib/index.js'

export interface Order {
  readonly id: number
  readonly at: number
  readonly key: string
  readonly amount: number
}
export type Revenue = WindowResult<string, { orders: number; total: number }>
export interface Rows {
  readonly revenue: Revenue
  readonly late: Rejected
}

const options = { timestamp: (order: Order) => order.at, watermark: outOfOrder('2s') }
export const orders = kinesisSource('orders', options)
export const legacy = kafkaSource('legacy', options)
export const files = fileSource('files', options)

/** Revenue in windows of ten seconds that stay open for late rows for five more. */
export const revenue = pipeline('revenue', { deadLetter: ndjson('dead') }, (p) =>
  p
    .from(orders)
    .filter((order) => order.amount >= 0)
    .sideOutput(
      (order) => order.amount > 1_000,
      (large) => large.to(ndjson('large')),
    )
    .keyBy((order) => order.key)
    .window(tumbling('10s'), { allowedLateness: '5s', late: ndjson('late') })
    .aggregate('revenue', { orders: count(), total: sum((order) => order.amount) })
    .to(ndjson('revenue')),
)

/** Two sources, results that are taken back, and an operator that reads another one. */
export const chain = pipeline('chain', { deadLetter: ndjson('dead') }, (p) =>
  p
    .from(orders, legacy)
    .keyBy((order) => order.key)
    .window(tumbling('10s'), { allowedLateness: '5s', accumulation: 'retracting' })
    .aggregate('perKey', { orders: count(), total: sum((order) => order.amount) })
    .to(ndjson('perKey'))
    .keyBy(() => 'all')
    .window(tumbling('1m'))
    .aggregate('perMinute', { keys: count(), total: sum((result) => result.value.total) })
    .to(ndjson('perMinute')),
)

export const order = (id: number, at: number, key = 'a', amount = id): Order => ({ id, at, key, amount })
