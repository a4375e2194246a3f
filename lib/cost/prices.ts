/**
 * List prices in us-east-1, on demand, in US dollars, without free tiers, discounts and tax. Prices of DynamoDB, Lambda
 * and Kinesis were read on 2026-10-01 from their public price pages (aws.amazon.com/SERVICE/pricing). The price of
 * Managed Flink is from the example in its developer guide. Prices of CloudWatch, MSK, EC2 and event pollers are from
 * third parties: check them before you rely on them.
 */
export const PRICES = {
  asOf: '2026-10-01',
  region: 'us-east-1',
  /** DynamoDB, on demand. */
  writeUnit: 0.625 / 1e6,
  readUnit: 0.125 / 1e6,
  /** DynamoDB, per month: storage, and point-in-time recovery in addition. */
  tableGb: 0.25,
  recoveryGb: 0.2,
  /** Lambda on ARM. */
  lambdaGbSecond: 0.0000133334,
  lambdaRequest: 0.2 / 1e6,
  /** Pollers of a Kafka mapping in provisioned mode, per event poller unit-hour (20 MB/s). */
  pollerHour: 0.185,
  /** Kinesis, on demand: each record is billed in whole KB. */
  streamHour: 0.04,
  streamGbIn: 0.08,
  streamGbOut: 0.04,
  /** Kinesis, provisioned: per shard-hour, and per PUT unit of 25 KB. */
  shardHour: 0.015,
  putUnit: 0.014 / 1e6,
  /** CloudWatch. */
  logGb: 0.5,
  metric: 0.3,
  alarm: 0.1,
  dashboard: 3,
  /**
   * Managed Flink: per processing unit-hour, and 50 GB of running storage per unit. Each application is billed one unit
   * more than it works with.
   */
  flinkKpuHour: 0.11,
  flinkStorageGb: 0.1,
  /** MSK's smallest broker, its storage, and a small EC2 instance (t4g.small). */
  brokerHour: 0.0456,
  brokerGb: 0.1,
  instanceHour: 0.0168,
} as const

/** Default memory of a function: at 1,769 MB it has one full CPU. */
export const MEMORY_MB = 1_769
export const MEMORY_GB = MEMORY_MB / 1_024
export const MONTH_HOURS = 730
export const MONTH_SECONDS = MONTH_HOURS * 3600
